"""Answers many questions, some at a time, each answer on the disk before the next begins."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Required, TypedDict, cast

from pydantic import Field

from assistant.batch_files import AnswerFile, Item, Row, items_of, read_questions
from assistant.failures import failed_of, last_answer
from assistant.history import Run, State, named, new_run
from assistant.keeping import state_of
from assistant.question import LONGEST_QUESTION, How, budget_with, checked
from assistant.settings import Settings
from indexes.chaos import point
from indexes.errors import InputError, QuestionRefused
from indexes.types import Model
from pipelines.errors import ModelAuth, ModelMissing
from pipelines.events import AskEvent, Failed
from pipelines.policy import LONGEST_RETRY_AFTER_SECONDS
from pipelines.types import Answer, Budget, Outcome, Question, Usage

if TYPE_CHECKING:
    from assistant.build import Workbench

__all__ = ["BatchPlan", "BatchReport", "Plan", "Progress", "fingerprint_of", "planned", "run_batch"]

_LONGEST_WAIT_SECONDS = 600.0
"""How long the end of a batch waits for a provider that has asked to be left alone."""
_POLL_SECONDS = 0.1


class Progress(Model):
    """One more question has its row."""

    row: Row
    done: int
    total: int


class BatchReport(Model):
    """What became of a batch."""

    run: str
    counts: dict[State, int] = Field(default_factory=dict)
    """Rows written, by how they ended."""
    skipped: int = 0
    """Answered well by an earlier run with the same settings."""
    not_run: int = 0
    stopped: str = ""
    """Why no other question was worth beginning, as a sentence."""
    usage: Usage = Usage()
    """Of the rows written; its seconds are those of the whole."""

    @property
    def exit_code(self) -> int:
        """What the command line exits with."""
        if self.stopped:
            return ModelAuth.exit_code
        if self.not_run:
            return 130
        return 1 if self.counts.get(State.ERROR) else 0


class BatchPlan(TypedDict, total=False):
    """How a batch is run, and what each of its questions may spend."""

    out: Required[str | Path]
    """The file that the answers are added to, one JSON object a line."""
    resume: bool
    """Whether answers may be there already: only what has no good one, by the same settings, is asked."""
    concurrency: int
    """Questions at the same time; 4 unless given."""
    collections: Sequence[str]
    """Where to look, for questions that do not say."""
    stopping: Callable[[], bool]
    """Asked before each question: once it says yes, none is begun any more."""
    emit: Callable[[Progress], None]
    """Told of each row."""
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
    stopping: Callable[[], bool] = lambda: False
    emit: Callable[[Progress], None] = lambda progress: None
    longest_wait_seconds: float = _LONGEST_WAIT_SECONDS


def planned(questions: str | Path | Sequence[str], given: BatchPlan, settings: Settings) -> Plan:
    """What is to be done; blocks while it reads the questions.

    Raises:
        InputError: There are no questions, their file is also that of the answers, or a number is wrong.
    """
    out = Path(given["out"]).expanduser()
    if isinstance(questions, str | Path):
        source = Path(questions).expanduser()
        items = read_questions(source)
        if out.exists() and out.samefile(source):
            raise InputError(f"The questions and the answers are one file, {str(out)!r}.")
    else:
        items = items_of(questions)
    concurrency = given.get("concurrency", 4)
    if concurrency < 1:
        raise InputError(f"{concurrency} questions at the same time are too few; at least 1 is needed.")
    return Plan(
        items=items,
        answers=AnswerFile(out),
        budget=budget_with(settings.budget, cast("How", given)),
        collections=tuple(given.get("collections", ())),
        concurrency=concurrency,
        resume=given.get("resume", False),
        stopping=given.get("stopping", lambda: False),
        emit=given.get("emit", lambda progress: None),
    )


def fingerprint_of(settings: Settings) -> str:
    """Of the settings that an answer depends on; what it may cost and where keys lie are not among them."""
    cost = {"api_key_env", "input_price_usd", "output_price_usd"}
    said = settings.model_dump_json(
        include={"models": True, "web": True, "searxng_url": True, "library": {"encoder"}, "limits": True},
        exclude={"models": {"small": cost, "reasoning": cost}},
    )
    return hashlib.sha256(said.encode()).hexdigest()[:16]


async def run_batch(plan: Plan, open_workbench: Callable[[], Awaitable[Workbench]]) -> BatchReport:
    """Answers every question that has no good answer yet.

    Nobody is asked on the way; a question that fails gets a row that says so, and the others go on.

    Raises:
        AnswersBusy: Another process writes to the same file.
        AnswersError: The file of answers cannot be used.
    """
    async with plan.answers.held(resume=plan.resume):
        workbench = await open_workbench()
        run = await _begin(plan, workbench)
        fingerprint = fingerprint_of(workbench.settings)
        report = await _Batch(
            plan, lambda question: workbench.stream(question, None), run, fingerprint
        ).answered()
        if workbench.history is not None and not report.not_run:
            await workbench.history.finish(run)
    return report


async def _begin(plan: Plan, workbench: Workbench) -> str:
    """The run's name: that of the batch that is resumed, or a new one."""
    place = str(plan.answers.path)
    if workbench.history is None:
        return new_run()
    earlier = await workbench.history.last_batch(place) if plan.resume else None
    run = earlier or Run(id=new_run(), kind="batch", place=place)
    await workbench.history.start(run)
    return run.id


class _Final(Exception):
    """What failed would fail for every other question too."""


@dataclass
class _Waiting:
    """A question whose provider has asked to be left alone."""

    item: Item
    until: float
    """On the monotonic clock."""


class _Batch:
    def __init__(
        self, plan: Plan, ask: Callable[[Question], AsyncGenerator[AskEvent]], run: str, fingerprint: str
    ) -> None:
        self._plan = plan
        self._ask = ask
        self._run = run
        self._fingerprint = fingerprint
        self._todo = deque(item for item in plan.items if not self._is_answered(item))
        self._total = len(self._todo)
        self._waiting: list[_Waiting] = []
        self._counts: Counter[State] = Counter()
        self._usage = Usage()
        self._stopped = ""
        self._last_try = False

    async def answered(self) -> BatchReport:
        began = time.monotonic()
        try:
            await self._work()
            await self._work_after_waiting()
        except* _Final as final:
            self._stopped = str(final.exceptions[0])
        done = self._counts.total()
        return BatchReport(
            run=self._run,
            counts=dict(self._counts),
            skipped=len(self._plan.items) - self._total,
            not_run=self._total - done,
            stopped=self._stopped,
            usage=self._usage.model_copy(update={"seconds": time.monotonic() - began}),
        )

    def _is_answered(self, item: Item) -> bool:
        row = self._plan.answers.rows.get(item.id)
        return row is not None and row.status is State.OK and row.fingerprint == self._fingerprint

    async def _work(self) -> None:
        """Empties the list of what is to do, some questions at a time."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._plan.concurrency, len(self._todo))):
                workers.create_task(self._worker())

    async def _work_after_waiting(self) -> None:
        """Asks once more what was put off because a provider had asked to be left alone."""
        if not self._waiting:
            return
        latest = time.monotonic() + self._plan.longest_wait_seconds
        until = min(max(each.until for each in self._waiting), latest)
        while time.monotonic() < until and not self._plan.stopping():  # noqa: ASYNC110 - set by a signal
            await asyncio.sleep(_POLL_SECONDS)
        self._todo.extend(each.item for each in self._waiting)
        self._last_try = True
        await self._work()

    async def _worker(self) -> None:
        while self._todo and not self._plan.stopping():
            item = self._todo.popleft()
            point("batch.claim")
            row = await self._row(item)
            if (why := _final(row)) is not None:
                raise _Final(why)
            seconds = _seconds_to_wait(row)
            if seconds and not self._last_try:
                self._waiting.append(_Waiting(item, time.monotonic() + seconds))
                continue
            await self._plan.answers.append(row)
            self._counts[row.status] += 1
            self._usage += row.usage
            self._plan.emit(Progress(row=row, done=self._counts.total(), total=self._total))

    async def _row(self, item: Item) -> Row:
        """What comes of one question, whatever goes wrong with it."""
        try:
            if item.problem:
                raise QuestionRefused(item.problem)
            asked = checked(
                item.question, item.collections or self._plan.collections, budget=self._plan.budget
            )
            answer = await self._answer(named(asked, self._run, id=item.id))
        except Exception as error:  # noqa: BLE001 - the outer door of a row: the others go on
            return self._failed(item, failed_of(error))
        return Row.of(answer, item, state_of(answer), self._fingerprint)

    async def _answer(self, question: Question) -> Answer:
        last: list[AskEvent] = []
        async with aclosing(self._ask(question)) as events:
            async for event in events:
                last = [event]
        return last_answer(last)

    def _failed(self, item: Item, failed: Failed) -> Row:
        return Row(
            id=item.id,
            question=item.question[:LONGEST_QUESTION],
            status=State.ERROR,
            error=failed,
            run=self._run,
            fingerprint=self._fingerprint,
        )


def _final(row: Row) -> str | None:
    """Why no other question is worth beginning: a refused key, or a model that is not there."""
    if row.error is not None and row.error.kind in (ModelAuth.__name__, ModelMissing.__name__):
        return row.error.message
    return next((each.why for each in row.degraded if each.outcome is Outcome.AUTH), None)


def _seconds_to_wait(row: Row) -> float:
    """How long a provider asks to be left alone, if that is longer than a question waits; else 0."""
    asked = max((each.retry_after_seconds or 0.0 for each in row.degraded), default=0.0)
    return asked if asked > LONGEST_RETRY_AFTER_SECONDS else 0.0
