"""`carrel batch`: a file of questions in, one JSON line for each answer out, stopped and gone on with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from assistant.cli.options import open_assistant, require_collections, setting_options, talk_options
from assistant.cli.outlet import Command, say

if TYPE_CHECKING:
    from types import FrameType

    from assistant.batch import BatchReport, Progress
    from assistant.cli.narrate import Narrator

__all__ = ["command"]


@click.command(
    "batch",
    cls=Command,
    epilog="""\b
Examples:
  carrel batch questions.txt -o answers.jsonl
  carrel batch questions.jsonl -o answers.jsonl --resume
""",
)
@click.argument("questions", metavar="QUESTIONS")
@click.option("-o", "--out", metavar="ANSWERS", required=True, help="The file that the answers are added to.")
@click.option("--resume", is_flag=True, help="Go on: ask only what has no good answer by these settings yet.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    metavar="N",
    help="Questions at the same time.",
)
@click.option(
    "--collection", multiple=True, metavar="NAME", help="Look only here; may be given several times."
)
@setting_options
@talk_options
def command(
    questions: str,
    out: str,
    resume: bool,
    concurrency: int,
    collection: tuple[str, ...],
    quiet: bool,
    verbose: bool,
    set_: tuple[str, ...],
    **short: Any,
) -> int:
    """Answer a file of questions: one on each line, or {"id": ..., "question": ...}.

    Each answer is a JSON line of ANSWERS, on the disk before the next question begins. Ctrl+C finishes the
    questions that are being answered; a second one stops them. Nobody is asked anything on the way.
    """
    from assistant.cli.narrate import Narrator

    with (
        open_assistant(set_, **short) as assistant,
        Narrator(quiet=quiet, verbose=verbose) as narrator,
        _stop_at_ctrl_c(narrator) as stop,
    ):
        narrator.progress("opening the library ...")
        require_collections(assistant, collection)
        report = assistant.batch(
            questions,
            out=out,
            resume=resume,
            concurrency=concurrency,
            collections=collection,
            stopping=lambda: stop.wanted,
            emit=lambda progress: _tell(progress, narrator),
        )
        narrator.clear()
        _conclude(report, narrator, out)
    return report.exit_code


class _Stop:
    wanted = False


@contextmanager
def _stop_at_ctrl_c(narrator: Narrator) -> Iterator[_Stop]:
    """Lets what is begun be finished at the first Ctrl+C, or request to end; the second one ends it all."""
    stop = _Stop()

    def receive(number: int, frame: FrameType | None) -> None:
        if stop.wanted:
            raise KeyboardInterrupt
        stop.wanted = True
        narrator.line("finishing the questions that are being answered; Ctrl+C again stops them too")

    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(progress: Progress, narrator: Narrator) -> None:
    from assistant.history import State

    row = progress.row
    told = f"{progress.done}/{progress.total} {row.status.value}, {row.usage.seconds:.1f} s: {row.question}"
    match row.status:
        case State.ERROR:
            narrator.line(f"{told[:120]}: {row.error.message if row.error else ''}")
        case State.PARTIAL:
            narrator.line(f"{told[:120]}: {row.degraded[0].why if row.degraded else ''}")
        case _:
            narrator.detail(told)
            narrator.progress(told)


def _conclude(report: BatchReport, narrator: Narrator, out: str) -> None:
    from assistant.cli.narrate import spent_words

    said = [f"{count} {state.value}" for state, count in sorted(report.counts.items())]
    said += [f"{report.skipped} answered before"] if report.skipped else []
    said += [f"{report.not_run} not run"] if report.not_run else []
    narrator.line(f"done: {', '.join(said) or 'nothing to do'}; {spent_words(report.usage)}")
    if report.stopped:
        say(f"carrel: {report.stopped}")
    if report.not_run:
        narrator.line(f"to go on, and pay for nothing twice: add --resume (the answers are in {out})")
