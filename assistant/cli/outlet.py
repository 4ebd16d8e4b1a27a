"""What a command writes, and where: the answer to stdout, the narration to stderr, an error as a sentence."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

if TYPE_CHECKING:
    from indexes.errors import CarrelError

__all__ = [
    "NO_LOG",
    "Command",
    "Group",
    "command_name",
    "guarded",
    "is_terminal",
    "keeps_nothing",
    "prepare_streams",
    "put",
    "put_error",
    "put_list",
    "say",
    "width",
]

NO_LOG = "carrel.no_log"
"""What a command that shall keep nothing of its run is marked with, in its context's `meta`."""

T = TypeVar("T")


class Command(click.Command):
    """A command whose failures become one sentence, a hint and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command, with what libraries say of it in the log."""
        _log_to_file(ctx)
        return guarded(partial(super().invoke, ctx), ctx)


class Group(Command, click.Group):
    """A group whose own work is guarded like any command's; one command is the default."""

    default = "list"
    """The command that is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes no arguments at all for the default command."""
        return super().parse_args(ctx, args or [self.default])


def guarded(work: Callable[[], Any], ctx: click.Context) -> Any:
    """Returns what `work` returns; the outer door for everything that can go wrong in it."""
    from indexes.errors import CarrelError

    try:
        code = work()
        sys.stdout.flush()
    except CarrelError as error:
        return _report(error, ctx)
    except BrokenPipeError:
        _silence_stdout()
        return 1
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - the outer door
        return _report(_unexpected(error, ctx), ctx)
    return code


def prepare_streams() -> None:
    """UTF-8 out whatever the console's encoding; what it cannot show becomes a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def put(text: str) -> None:
    """Writes to stdout what the person asked for."""
    sys.stdout.write(text)
    sys.stdout.flush()


def put_list(listed: Sequence[T], format: str, in_words: Callable[[Sequence[T]], str]) -> None:
    """Writes a list to stdout: `json` is one object, `jsonl` one on each line, anything else is text."""
    from assistant.envelope import to_json, to_json_line

    match format:
        case "json":
            put(to_json(command_name(click.get_current_context()), listed))
        case "jsonl":
            put("".join(to_json_line(each) for each in listed))
        case _:
            put(in_words(listed))


def put_error(command: str, error: CarrelError, format: str) -> None:
    """Writes an error to stdout where JSON, or JSON lines, were asked for; stderr has it in words."""
    from assistant.envelope import error_json

    if format.startswith("json"):
        with suppress(BrokenPipeError):
            put(error_json(command, error, line=format == "jsonl"))


def command_name(ctx: click.Context) -> str:
    """The command as it is typed after the program's name: `papers list`."""
    return ctx.command_path.partition(" ")[2] or ctx.command_path


def say(line: str) -> None:
    """Writes one line of narration to stderr; a closed stderr is nobody's loss."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def keeps_nothing(ctx: click.Context | None) -> bool:
    """Whether nothing of this run is to be kept, as `--no-log` says."""
    return ctx is not None and bool(ctx.meta.get(NO_LOG))


def is_terminal(stream: TextIO) -> bool:
    """Whether a line on `stream` can be overwritten."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int | None:
    """Columns of the terminal; `None` where stdout is none, so that nothing is cut."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


def _report(error: CarrelError, ctx: click.Context) -> int:
    from indexes.clean import clean_line

    put_error(command_name(ctx), error, str(ctx.params.get("format")))
    say(f"carrel: {clean_line(error.message, 1000)}")
    if error.hint:
        say(f"        {clean_line(error.hint, 1000)}")
    return error.exit_code


def _log_to_file(ctx: click.Context) -> None:
    """Sends what libraries log and warn of to a file, or nowhere: stderr is for the narration."""
    from assistant.log import LogFile

    logging.captureWarnings(True)
    handler = logging.NullHandler() if keeps_nothing(ctx) else LogFile()
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


def _unexpected(error: Exception, ctx: click.Context) -> CarrelError:
    """Keeps the traceback in the log: it may hold text of papers, and says nothing to most people."""
    from assistant.log import log_error, redacted
    from indexes.errors import CarrelError

    said = redacted(f"Something inside Carrel failed: {type(error).__name__}: {error}")
    if keeps_nothing(ctx):
        return CarrelError(said, hint="Without --no-log the log has where it happened; please report that.")
    log = log_error(error, "A command failed.")
    return CarrelError(said, hint=f"Please report it with the end of {log}.")


def _silence_stdout() -> None:
    """After the reader has gone, so that the interpreter's own flush at exit does not complain."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
