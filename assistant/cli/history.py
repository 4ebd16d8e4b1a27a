"""`carrel history` and `carrel show`: what was asked, found again, shown and exported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from assistant.cli.answers import Colour, answer_options, put_answer
from assistant.cli.completing import question_names
from assistant.cli.options import format_option
from assistant.cli.outlet import Command, Group, command_name, put, put_list, say, width

if TYPE_CHECKING:
    from assistant.events import Answer
    from assistant.export import ExportForm
    from assistant.past_question import PastAnswer

__all__ = ["command", "show"]

_EXAMPLES_OF_SHOW = """\b
Examples:
  carrel {name} last
  carrel {name} --format html last > answer.html

NAME is `last`, or a name as `carrel history list` has it, or its beginning.
"""


@click.group(
    "history",
    cls=Group,
    epilog="""\b
Examples:
  carrel history
  carrel history search jitter
  carrel history show last
  carrel history export --format bibtex last
""",
)
def command() -> None:
    """List, find, show and export what was asked before."""


F = TypeVar("F", bound=Callable[..., Any])


def _list_options(listing: F) -> F:
    many, more = click.IntRange(1, 10_000), click.IntRange(0)
    limit = click.option("--limit", type=many, default=20, show_default=True, help="Most questions.")
    offset = click.option("--offset", type=more, default=0, help="Leave out so many, the newest.")
    return limit(offset(format_option(lines=True)(listing)))


@command.command("list", cls=Command, short_help="List questions, newest first.")
@_list_options
def list_questions(format: str, limit: int, offset: int) -> int:
    """List questions, newest first."""
    return _put_page("", format, limit, offset)


@command.command("search", cls=Command, short_help="Find questions by words of theirs or of answers.")
@click.argument("words", nargs=-1, required=True)
@_list_options
def search(words: tuple[str, ...], format: str, limit: int, offset: int) -> int:
    """Find questions by words that all stand in the question or in its answer.

    The last letters of a word may be missing.
    """
    return _put_page(" ".join(words), format, limit, offset)


def _put_page(text: str, format: str, limit: int, offset: int) -> int:
    from assistant.envelope import to_json
    from assistant.listings import questions_table
    from assistant.paths import find_paths
    from assistant.remembered import past_page

    page = asyncio.run(past_page(find_paths(), text, offset=offset, limit=limit))
    if format == "json":
        put(to_json(command_name(click.get_current_context()), page))
    else:
        table = partial(questions_table, total=page.total, width=width())
        put_list(page.questions, format, table)
    return 0


def _show_command(name: str) -> click.Command:
    """The command by either of its names."""

    @click.command(name.rpartition(" ")[2], cls=Command, epilog=_EXAMPLES_OF_SHOW.format(name=name))
    @click.argument("name", shell_complete=question_names)
    @answer_options()
    def show(name: str, format: str | None, color: Colour) -> int:
        """Show a question that was asked, with its answer."""
        from assistant.envelope import to_json
        from indexes.clean import clean_line

        past = _found(name)
        if format == "json":
            put(to_json(command_name(click.get_current_context()), past))
            return 0
        answer, question = _answer(past), past.question
        say(f"{clean_line(question.text, 500)} ({question.state.value}, asked {question.asked})")
        put_answer(answer, format, color)
        return 0

    return show


show = _show_command("show")
command.add_command(_show_command("history show"))


@command.command(
    "export",
    cls=Command,
    short_help="Write an answer as Markdown, HTML, JSON or BibTeX.",
    epilog="""\b
Examples:
  carrel history export last
  carrel history export -o answer.html last
  carrel history export --format bibtex -o . last
""",
)
@click.argument("name", shell_complete=question_names)
@click.option(
    "--format",
    type=click.Choice(["markdown", "html", "json", "bibtex"]),
    help="By default what the file's name says, else Markdown.",
)
@click.option("-o", "--out", metavar="FILE", help="A new file, or a folder; without it, stdout.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
def export(name: str, format: ExportForm | None, out: str | None, force: bool) -> int:
    """Write an answer as a file of its own; BibTeX has the papers that it cites."""
    from assistant.export import SUFFIXES, exported, write_answer
    from indexes.clean import clean_line

    answer = _answer(_found(name))
    forms = {suffix: form for form, suffix in SUFFIXES.items()}
    form = format or forms.get(Path(out or "").suffix.lower(), "markdown")
    if out is None:
        put(exported(answer, form))
        return 0
    place = write_answer(answer, form, Path(out), force=force)
    say(f"written to {clean_line(str(place), 1000)}")
    return 0


def _found(name: str) -> PastAnswer:
    from assistant.paths import find_paths
    from assistant.remembered import past_answer

    return asyncio.run(past_answer(find_paths(), name))


def _answer(past: PastAnswer) -> Answer:
    from indexes.errors import CarrelError

    if past.answer is not None:
        return past.answer
    why = past.said or f"It is {past.question.state.value}."
    hint = f"To go on with it: carrel ask --resume {past.question.run}"
    raise CarrelError(f"This question has no answer: {why}", hint=hint)
