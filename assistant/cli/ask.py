"""`carrel ask`: one question, its answer on stdout, what happens on stderr."""

from __future__ import annotations

import os
import select
import shutil
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from assistant.cli.answers import Colour, answer_exit_code, answer_options, put_answer, put_event
from assistant.cli.completing import collection_names, question_names
from assistant.cli.options import (
    log_option,
    open_assistant,
    require_collections,
    setting_options,
    strict_option,
    talk_options,
)
from assistant.cli.outlet import Command, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from assistant.api import Assistant
    from assistant.cli.narrate import Narrator
    from assistant.events import Asked

__all__ = ["command"]

_STDIN_LIMIT = 16 * 1024 * 1024
"""Bytes; more than any text that is answered from, so that too long a one is told and not cut."""

_SILENT_SECONDS = 2.0
"""Without a byte through a pipe, after which the person is told what is waited for."""


@click.command(
    "ask",
    cls=Command,
    epilog="""\b
Examples:
  carrel ask "What limits dense retrieval?"
  carrel ask --collection reviews --web never "Which trials report harms?"
  cat notes.md | carrel ask "Which data were used?"
  carrel ask --continue
""",
)
@click.argument("question", nargs=-1)
@click.option(
    "--collection",
    shell_complete=collection_names,
    multiple=True,
    metavar="NAME",
    help="Look only here; may be given several times.",
)
@answer_options(events=True)
@click.option(
    "--resume",
    shell_complete=question_names,
    metavar="RUN",
    default="",
    help="Go on with a question that was stopped: its run, or `last`.",
)
@click.option("-c", "--continue", "resume", flag_value="last", help="The same as --resume last.")
@click.option("--record", metavar="FILE", help="Record the question in a new file, for `carrel replay`.")
@click.option("--trace", is_flag=True, help="Draw on stderr what took which time.")
@setting_options
@log_option
@strict_option
@talk_options
def command(
    question: tuple[str, ...],
    collection: tuple[str, ...],
    format: str | None,
    color: Colour,
    resume: str,
    record: str | None,
    trace: bool,
    strict: bool,
    quiet: bool,
    verbose: bool,
    set_: tuple[str, ...],
    **short: Any,
) -> int:
    """Ask a question and print the answer with its sources.

    QUESTION may be left out, or be `-`, to read it from stdin; what is piped in beside a QUESTION is a text
    to answer from. With --resume it is the one that was stopped, and nothing is paid for twice.
    """
    from assistant.cli.narrate import Narrator
    from assistant.events import Failed
    from assistant.failures import last_answer
    from assistant.handed import checked_text
    from assistant.question import checked

    text = "" if resume and not question else checked(_question(question)).text
    beside = checked_text(_piped(quiet=quiet)) if question and question != ("-",) else ""
    with (
        open_assistant(set_, **short) as assistant,
        Narrator(quiet=quiet, verbose=verbose) as narrator,
    ):
        narrator.progress("opening the library ...")
        require_collections(assistant, collection)
        decide = _decider(narrator)
        events = []
        try:
            asking = assistant.stream(
                text, collections=collection, resume=resume, record=record, beside=beside, decide=decide
            )
            for event in asking:
                narrator.tell(event)
                if format == "jsonl" and not isinstance(event, Failed):  # a failure is told as any error is
                    put_event(event)
                events.append(event)
        except KeyboardInterrupt:
            if assistant.settings.history.keep:
                narrator.line("to go on, and pay for nothing twice: carrel ask --continue")
            raise
        answer = last_answer(events)
        narrator.clear()
        put_answer(answer, format, color)
        if trace:
            say(str(answer.trace.waterfall(width=_columns())))
        if not answer.found:
            narrator.line(f"next: {_next_step(assistant)}")
    return answer_exit_code(answer, strict=strict)


def _columns() -> int:
    return min(160, shutil.get_terminal_size((100, 24)).columns)


def _next_step(assistant: Assistant) -> str:
    """What may find something when this question has not."""
    if not any(collection.documents for collection in assistant.collections()):
        return "the library is empty; `carrel add PATH` adds papers"
    if assistant.settings.web == "auto":
        return "other words, or `carrel add PATH` for more papers"
    return "other words, `carrel add PATH` for more papers, or `--web auto` to search the web too"


def _question(words: tuple[str, ...]) -> str:
    if words and words != ("-",):
        return " ".join(words)
    if not words and sys.stdin.isatty():
        raise click.UsageError('There is no question. Write it in quotes: carrel ask "What is ...?"')
    return _read()


def _piped(*, quiet: bool) -> str:
    """What comes through a pipe or from a file; a terminal, or the nothing of a script, is not waited for."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):  # stdin is closed
        return ""
    if stat.S_ISFIFO(mode) and not quiet:
        _tell_if_nothing_comes()
    return _read() if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) else ""


def _tell_if_nothing_comes() -> None:
    """A pipe that another program left open, as ssh does, would be waited for in silence."""
    with suppress(OSError):  # Windows can wait for sockets only
        if not select.select([sys.stdin], [], [], _SILENT_SECONDS)[0]:
            say("Waiting for the end of what is piped in; </dev/null says that there is nothing.")


def _read() -> str:
    return sys.stdin.buffer.read(_STDIN_LIMIT).decode("utf-8", errors="replace")


def _decider(narrator: Narrator) -> Callable[[Asked], str] | None:
    """Prompts on the terminal; where there is none, nobody can be asked and the answer is no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def decide(asked: Asked) -> str:
        from indexes.clean import clean_line

        narrator.clear()
        return str(
            click.prompt(
                clean_line(asked.prompt, 500),
                type=click.Choice(asked.choices),
                default=asked.default,
                err=True,
            )
        )

    return decide
