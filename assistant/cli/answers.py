"""An answer on stdout: its format, its colours, and what it means for the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import click

from assistant.cli.outlet import command_name, put
from assistant.exit_codes import ExitCode

if TYPE_CHECKING:
    from assistant.events import Answer, AskEvent

__all__ = ["Colour", "answer_exit_code", "answer_options", "put_answer", "put_event"]

F = TypeVar("F", bound=Callable[..., Any])
Colour = Literal["auto", "always", "never"]


def answer_options(*, events: bool = False) -> Callable[[F], F]:
    """Adds `--format`, `--json` and `--color`.

    Args:
        events: Whether there are events to write as they come, one JSON object a line (`jsonl`).
    """
    choices = ["text", "markdown", "html", "json", *(["jsonl"] if events else [])]
    kind = click.Choice(choices)
    said = f"{', '.join(choices[:-1])} or {choices[-1]}; else Markdown, formatted on a terminal."

    def options(command: F) -> F:
        for option in (
            click.option(
                "--color", type=click.Choice(get_args(Colour)), default="auto", help="When to colour it."
            ),
            click.option("--json", "format", flag_value="json", type=kind, help="Short for --format json."),
            click.option("--format", type=kind, metavar="FORM", help=said),
        ):
            command = option(command)
        return command

    return options


def put_answer(answer: Answer, format: str | None, color: Colour = "auto") -> None:
    """Writes the answer to stdout in the format asked for; as `jsonl` its events are there already."""
    from assistant.envelope import to_json
    from assistant.render import to_markdown, to_text

    match format:
        case "json":
            put(to_json(command_name(click.get_current_context()), answer))
        case "jsonl":
            pass
        case "html":
            from assistant.html import to_html

            put(f"{to_html(answer, name='answer')}\n")
        case "text":
            put(to_text(answer))
        case None if _formatted(color):
            _show_formatted(to_markdown(answer), color)
        case _:
            put(to_markdown(answer))


def put_event(event: AskEvent) -> None:
    """Writes an event to stdout as a line of JSON."""
    from assistant.envelope import to_json_line

    put(to_json_line(event))


def answer_exit_code(answer: Answer, *, strict: bool) -> ExitCode:
    """Returns 0, or with `strict` the code of what kept the answer from being as good as it could be."""
    from assistant.events import Outcome

    if not strict:
        return ExitCode.DONE
    if not answer.found:
        return ExitCode.NOTHING_FOUND
    met = {each.outcome for each in answer.degraded}
    if Outcome.TIMED_OUT in met:
        return ExitCode.TIMED_OUT
    if met & {Outcome.AUTH, Outcome.LIMITED, Outcome.UNREACHABLE, Outcome.REFUSED, Outcome.MALFORMED}:
        return ExitCode.PROVIDER
    return ExitCode.DONE


def _formatted(color: Colour) -> bool:
    """Whether Markdown is shown as it looks: on a terminal, or where colour is forced."""
    forced = color == "always" or (color == "auto" and bool(os.environ.get("FORCE_COLOR")))
    return forced or sys.stdout.isatty()


def _show_formatted(markdown: str, color: Colour) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    styles: dict[Colour, dict[str, Any]] = {
        "auto": {},  # as NO_COLOR, FORCE_COLOR and the terminal have it
        "always": {"force_terminal": True, "no_color": False, "color_system": "standard"},
        "never": {"color_system": None},
    }
    Console(markup=False, emoji=False, highlight=False, **styles[color]).print(
        Markdown(markdown, hyperlinks=False)
    )
