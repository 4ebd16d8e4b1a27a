"""What a batch is to do, and within which limits; worked out before anything is opened for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Required, TypedDict, cast

from assistant.batch_files import AnswerFile
from assistant.batch_limits import NO_LIMIT, Failing, FailureLimit, failure_limit
from assistant.batch_questions import STDIN, BadLines, Form, Item, items_of, read_questions
from assistant.batch_row import Row
from assistant.question import How, budget_with
from assistant.settings import Settings
from indexes.errors import InputError
from indexes.types import Model
from pipelines.types import Budget, Usage

__all__ = ["BatchPlan", "Plan", "Progress", "Standing", "fingerprint_of", "planned"]

_LONGEST_WAIT_SECONDS = 600.0
"""How long the end of a batch waits for a provider that has asked to be left alone."""


class Standing(Model):
    """How far a batch has come."""

    done: int
    """Questions with a row, of those that had no good answer before."""
    total: int
    failed: int = 0
    """Of those done: without an answer."""
    usage: Usage = Usage()
    """Spent so far, what was spent on tries that are tried again included."""


class Progress(Standing):
    """One more question has its row."""

    row: Row


class BatchPlan(TypedDict, total=False):
    """How a batch is run, and what it and each of its questions may spend."""

    out: Required[str | Path]
    """The file that the answers are added to, one JSON object a line."""
    resume: bool
    """Whether answers may be there already: only what has no good one, by the same settings, is asked."""
    ordered: bool
    """Whether the rows stand in the questions' order in the end; they are written as they are answered."""
    form: Form
    """How the questions are written down; by default that is seen from the file."""
    bad_lines: BadLines
    """What becomes of a line that is no question: a `row` that says so, or nothing is asked (`refuse`)."""
    require_ids: bool
    """Whether a question without an id is a bad line."""
    grade: bool
    """Whether answers are graded where the questions say what is right; they are unless told not to."""
    concurrency: int
    """Questions at the same time; 4 unless given. How many calls a provider gets at once is a setting of its
    own, `providers.connections`."""
    retry: int
    """How often a question that failed, or fell back to a lesser rung, is asked again at the end; 0 unless
    given."""
    fail_on_error: Failing
    """How many failed questions are too many: `True` for one, a share, a count; see `failure_limit`."""
    total_seconds: float | None
    """For the whole: then no question is begun any more, and those under way have to end."""
    total_cost_usd: float | None
    """For the whole of this run."""
    collections: Sequence[str]
    """Where to look, for questions that do not say."""
    cluster: str
    """Whose workers answer, while this process keeps what comes of it: `local`, `local:4`, `slurm:8`, or a
    Dask scheduler's address; unless given, this process does."""
    stopping: Callable[[], bool]
    """Asked before each question: once it says yes, none is begun any more."""
    emit: Callable[[Progress], None]
    """Told of each row."""
    beat: Callable[[Standing], None]
    """Told every second how far it has come."""
    deadline_seconds: float | None
    """Of each question, like the two that follow."""
    max_cost_usd: float | None
    max_calls: int | None


@dataclass(frozen=True)
class Plan:
    """What is asked, and how."""

    items: Sequence[Item]
    answers: AnswerFile
    budget: Budget
    """Of each question."""
    collections: tuple[str, ...] = ()
    """Where to look, for questions that do not say."""
    concurrency: int = 4
    """Questions at the same time."""
    resume: bool = False
    ordered: bool = False
    grade: bool = True
    retry: int = 0
    """How often a question that failed is asked again."""
    failing: FailureLimit = NO_LIMIT
    total_seconds: float | None = None
    total_cost_usd: float | None = None
    stopping: Callable[[], bool] = lambda: False
    emit: Callable[[Progress], None] = lambda progress: None
    beat: Callable[[Standing], None] = lambda standing: None
    longest_wait_seconds: float = _LONGEST_WAIT_SECONDS


def planned(questions: str | Path | Sequence[str], given: BatchPlan, settings: Settings) -> Plan:
    """What is to be done; blocks while it reads the questions.

    Raises:
        InputError: There are no questions, their file is also that of the answers, or a number is wrong.
    """
    out = Path(given["out"]).expanduser()
    items = _items(questions, given, out)
    concurrency, retry = given.get("concurrency", 4), given.get("retry", 0)
    if concurrency < 1:
        raise InputError(f"{concurrency} questions at the same time are too few; at least 1 is needed.")
    if retry < 0:
        raise InputError(f"A question cannot be asked again {retry} times.")
    for name in ("total_seconds", "total_cost_usd"):
        if (limit := given.get(name)) is not None and not cast("float", limit) > 0:
            raise InputError(f"{name} is {limit!r}; a limit for the whole batch is above 0.")
    return Plan(
        items=items,
        answers=AnswerFile(out),
        budget=budget_with(settings.budget, cast("How", given)),
        collections=tuple(given.get("collections", ())),
        concurrency=concurrency,
        resume=given.get("resume", False),
        ordered=given.get("ordered", False),
        grade=given.get("grade", True),
        retry=retry,
        failing=failure_limit(given.get("fail_on_error"), len(items)),
        total_seconds=given.get("total_seconds"),
        total_cost_usd=given.get("total_cost_usd"),
        stopping=given.get("stopping", lambda: False),
        emit=given.get("emit", lambda progress: None),
        beat=given.get("beat", lambda standing: None),
    )


def fingerprint_of(settings: Settings, collections: Sequence[str] = ()) -> str:
    """Of the settings that an answer depends on; what it may cost and where keys lie are not among them.

    Args:
        settings: They are answered with.
        collections: Where the batch looks; empty means everywhere.
    """
    cost = {"api_key_env", "input_price_usd", "output_price_usd"}
    said = settings.model_dump_json(
        include={"models": True, "web": True, "searxng_url": True, "library": {"encoder"}, "limits": True},
        exclude={"models": {"small": cost, "reasoning": cost}},
    )
    where = "\x00".join(["", *sorted(collections)]) if collections else ""
    return hashlib.sha256(f"{said}{where}".encode()).hexdigest()[:16]


def _items(questions: str | Path | Sequence[str], given: BatchPlan, out: Path) -> tuple[Item, ...]:
    if not isinstance(questions, str | Path):
        return items_of(questions)
    source = questions if str(questions) == STDIN else Path(questions).expanduser()
    if isinstance(source, Path) and out.exists() and source.exists() and out.samefile(source):
        raise InputError(f"The questions and the answers are one file, {str(out)!r}.")
    return read_questions(
        source,
        form=given.get("form", "auto"),
        bad_lines=given.get("bad_lines", "row"),
        require_ids=given.get("require_ids", False),
    )
