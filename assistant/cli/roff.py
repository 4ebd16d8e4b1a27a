"""The manual page, as roff: made from the texts that `--help` and `carrel help` show."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from assistant.cli.topics import ENVIRONMENT
from assistant.exit_codes import MEANINGS

__all__ = ["manual_page"]


def manual_page(root: click.Group, version: str) -> str:
    """Returns the page of `carrel`, with a section for each command and each of its parts.

    Args:
        root: The group of all commands.
        version: Stands in the page's foot.
    """
    ctx = click.Context(root, info_name="carrel")
    summary, _, rest = _text(root.help).partition("\n\n")
    lines = [
        f'.TH CARREL 1 "" "carrel {_safe(version)}" "User Commands"',
        ".SH NAME",
        f"carrel \\- {_safe(summary.removeprefix('Carrel ').rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B carrel\n{_safe('[OPTIONS] [COMMAND] [ARGS]...')}",
        ".SH DESCRIPTION",
        *_paragraphs(f"{summary}\n\n{rest}"),
        ".SH OPTIONS",
        *_options(root, ctx),
        ".SH COMMANDS",
        *_commands(root, ctx),
        ".SH EXIT STATUS",
        *(line for code, meaning in MEANINGS.items() for line in _tagged(str(int(code)), meaning)),
        ".SH ENVIRONMENT",
        *(line for name, meaning in ENVIRONMENT.items() for line in _tagged(name, meaning)),
    ]
    return "\n".join(lines) + "\n"


def _commands(group: click.Group, parent: click.Context) -> Iterator[str]:
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        assert command is not None
        ctx = click.Context(command, info_name=name, parent=parent)
        usage = " ".join(command.collect_usage_pieces(ctx))
        yield f".SS {_safe(ctx.command_path)} {_safe(usage)}"
        yield from _paragraphs(_text(command.help))
        yield from _options(command, ctx)
        yield from _paragraphs(_text(command.epilog))
        if isinstance(command, click.Group):
            yield from _commands(command, ctx)


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(ctx)
        if isinstance(parameter, click.Option) and record is not None:
            yield from _tagged(*record)


def _tagged(tag: str, said: str) -> Iterator[str]:
    yield from (".TP", f".B {_safe(tag)}", _safe(said))


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs that flow; one that begins with a backspace, as click has it, keeps its lines."""
    for paragraph in re.split(r"\n\s*\n", text):
        if not paragraph.strip("\b\n "):
            continue
        if paragraph.lstrip().startswith("\b"):
            kept = paragraph.replace("\b", "").strip("\n").splitlines()
            yield from (".PP", ".nf", *map(_safe, kept), ".fi")
        else:
            yield from (".PP", _safe(" ".join(paragraph.split())))


def _text(text: str | None) -> str:
    return inspect.cleandoc(text or "")


def _safe(line: str) -> str:
    """Text that roff shows as it is: no line of it is a request, no character an escape."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    escaped = escaped.replace("~", "\\(ti").replace("^", "\\(ha").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
