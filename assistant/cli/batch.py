"""`carrel batch`: a file of questions in, one JSON line for each answer out, stopped and gone on with."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from assistant.cli.options import (
    log_option,
    open_assistant,
    require_collections,
    setting_options,
    talk_options,
)
from assistant.cli.outlet import Command, say

if TYPE_CHECKING:
    from types import FrameType

    from assistant.api import Assistant
    from assistant.batch import BatchReport
    from assistant.cli.narrate import Narrator

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])

_ASKED_OF_A_PERSON = ("web", "person.budget", "person.collection", "person.failure")


def _of_the_questions(command: F) -> F:
    """Adds what says how questions are written down and asked."""
    options = (
        click.option("--resume", is_flag=True, help="Go on: ask only what has no good answer yet."),
        click.option("--ordered", is_flag=True, help="In the end, rows stand in the questions' order."),
        click.option(
            "--from",
            "form",
            type=click.Choice(["auto", "jsonl", "csv", "lines"]),
            default="auto",
            help="How the questions are written; seen from the file otherwise.",
        ),
        click.option(
            "--bad-lines",
            type=click.Choice(["row", "refuse"]),
            default="row",
            help="A line that is no question gets a row, or nothing is asked.",
        ),
        click.option(
            "--grade/--no-grade",
            default=True,
            help="Grade answers where the questions say what is right.",
        ),
        click.option("--require-ids", is_flag=True, help="A question without an id is a bad line."),
        click.option(
            "--collection", multiple=True, metavar="NAME", help="Look only here; may be given several times."
        ),
        click.option(
            "--concurrency",
            type=click.IntRange(1, 64),
            default=4,
            show_default=True,
            metavar="N",
            help="Questions at the same time.",
        ),
        click.option(
            "--cluster",
            default="",
            metavar="WHERE",
            help="Answer on a Dask cluster: local:2, slurm:8, tcp://HOST:8786.",
        ),
        click.option(
            "--max-connections",
            type=click.IntRange(1, 256),
            metavar="N",
            help="Calls to one provider at once.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _of_what_goes_wrong(command: F) -> F:
    """Adds the limits of the whole and what becomes of failures."""
    options = (
        click.option(
            "--retry",
            type=click.IntRange(0, 10),
            default=0,
            metavar="N",
            help="Ask again at the end what failed or fell back.",
        ),
        click.option(
            "--fail-on-error",
            is_flag=False,
            flag_value="true",
            metavar="[N|SHARE]",
            help="Stop at the first failure, at N, or at a share such as 0.1.",
        ),
        click.option(
            "--total-time",
            type=float,
            metavar="SECONDS",
            help="Begin none after so long; end those begun.",
        ),
        click.option("--total-cost", type=float, metavar="USD", help="Most that the whole run may cost."),
        click.option(
            "--decisions",
            type=click.Choice(["default", "auto", "never"]),
            default="default",
            metavar="POLICY",
            help="Where a person would be asked: default, auto or never.",
        ),
        click.option(
            "--every",
            type=click.FloatRange(min=0.1),
            default=5.0,
            metavar="SECONDS",
            hidden=True,  # the help fits a screen without it
            help="How often progress is told where there is no terminal.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(
    "batch",
    cls=Command,
    epilog="""\b
Examples:
  carrel batch questions.jsonl -o answers.jsonl --resume --retry 2
  printf '%s\\n' "What is full jitter?" | carrel batch - -o answers.jsonl
""",
)
@click.argument("questions", metavar="QUESTIONS")
@click.option("-o", "--out", metavar="ANSWERS", required=True, help="The file that the answers are added to.")
@click.option("--report", metavar="FILE", help="Write a report at the end: FILE.md or FILE.html.")
@click.option("--compare", metavar="OLD", help="Compare with an earlier run's answers, paired.")
@_of_the_questions
@_of_what_goes_wrong
@setting_options
@log_option
@talk_options
def command(
    questions: str,
    out: str,
    report: str | None,
    compare: str | None,
    max_connections: int | None,
    decisions: str,
    every: float,
    quiet: bool,
    verbose: bool,
    set_: tuple[str, ...],
    resume: bool,
    ordered: bool,
    form: Any,
    bad_lines: Any,
    grade: bool,
    require_ids: bool,
    collection: tuple[str, ...],
    concurrency: int,
    cluster: str,
    retry: int,
    fail_on_error: str | None,
    total_time: float | None,
    total_cost: float | None,
    **short: Any,
) -> int:
    """Answer a file of questions (lines, JSON lines, CSV) or a pipe (-); each answer is kept at once."""
    from assistant.cli.batch_ending import check_ending, tell_ending
    from assistant.cli.batch_progress import BatchProgress
    from assistant.cli.narrate import Narrator

    check_ending(report, compare)
    if max_connections:
        set_ = (*set_, f"providers.connections={max_connections}")
    with (
        _opened(set_, decisions, short) as assistant,
        Narrator(quiet=quiet, verbose=verbose, line_every_seconds=every) as narrator,
        _stop_at_ctrl_c(narrator) as stop,
    ):
        narrator.progress("starting workers ..." if cluster else "opening the library ...")
        require_collections(assistant, collection)
        _warn_of_a_narrow_door(assistant, concurrency, narrator)
        progress = BatchProgress(narrator)
        ended = assistant.batch(
            questions,
            out=out,
            resume=resume,
            ordered=ordered,
            form=form,
            bad_lines=bad_lines,
            require_ids=require_ids,
            grade=grade,
            concurrency=concurrency,
            cluster=cluster,
            retry=retry,
            fail_on_error=fail_on_error,
            total_seconds=total_time,
            total_cost_usd=total_cost,
            collections=collection,
            stopping=lambda: stop.wanted,
            emit=progress.row,
            beat=progress.standing,
        )
        narrator.clear()
        _conclude(ended, narrator, out)
        tell_ending(ended, narrator, report=report, compare=compare)
    return ended.exit_code


def _opened(set_: tuple[str, ...], decisions: str, short: dict[str, Any]) -> Assistant:
    """An assistant for which `decisions` stands where its settings would ask a person."""
    assistant = open_assistant(set_, **short)
    if decisions == "default":
        return assistant
    person = assistant.settings.person
    asked = (assistant.settings.web, person.budget, person.collection, person.failure)
    assistant.close()
    instead = [
        f"{key}={decisions}" for key, says in zip(_ASKED_OF_A_PERSON, asked, strict=True) if says == "ask"
    ]
    return open_assistant((*set_, *instead), **short)


def _warn_of_a_narrow_door(assistant: Assistant, concurrency: int, narrator: Narrator) -> None:
    """Says so when the questions would wait for each other at their provider's door."""
    settings = assistant.settings
    connections = settings.providers.connections
    if concurrency > connections and (settings.models.small.name or settings.models.reasoning.name):
        narrator.line(
            f"note: {concurrency} questions at a time share {connections} calls at a time to one provider; "
            f"--max-connections {concurrency} lets each have its own"
        )


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


def _conclude(report: BatchReport, narrator: Narrator, out: str) -> None:
    from assistant.cli.narrate import spent_words

    said = [f"{count} {state.value}" for state, count in sorted(report.counts.items())]
    said += [f"{report.retried} asked again"] if report.retried else []
    said += [f"{report.skipped} answered before"] if report.skipped else []
    said += [f"{report.outdated} were by other settings or words"] if report.outdated else []
    said += [f"{report.not_run} not run"] if report.not_run else []
    narrator.line(f"done: {', '.join(said) or 'nothing to do'}; {spent_words(report.usage)}")
    if report.stopped:
        say(f"carrel: {report.stopped}")
    if report.not_run:
        narrator.line(f"to go on, and pay for nothing twice: add --resume (the answers are in {out})")
