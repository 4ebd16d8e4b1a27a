"""Answers many questions, some at a time, each answer on the disk before the next begins."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from pydantic import Field

from assistant.batch_files import read_rows
from assistant.batch_limits import End
from assistant.batch_plan import BatchPlan, Plan, Progress, Standing, fingerprint_of, planned
from assistant.batch_questions import Gold, Item
from assistant.batch_row import Answering, Row, Terms, answered
from assistant.grade_summary import Graded, summarised
from assistant.grading import graded
from assistant.history import Run, State, new_run
from indexes.chaos import point
from indexes.cluster import ClusterLost
from indexes.errors import QuestionRefused
from indexes.types import Model
from pipelines.errors import ModelAuth, ModelMissing
from pipelines.policy import LONGEST_RETRY_AFTER_SECONDS
from pipelines.purse import Purse, spending_from
from pipelines.types import Budget, Outcome, Usage

if TYPE_CHECKING:
    from assistant.build import Workbench

__all__ = [
    "BatchPlan",
    "BatchReport",
    "Plan",
    "Progress",
    "Standing",
    "fingerprint_of",
    "planned",
    "run_batch",
]

_POLL_SECONDS = 0.1
_BEAT_SECONDS = 1.0
_LEAST_SECONDS = 0.1
"""What is left of the batch's time to a question that is begun at its very end: enough for the last rungs."""


class BatchReport(Model):
    """What became of a batch."""

    run: str
    out: Path = Path()
    """The file of answers."""
    counts: dict[State, int] = Field(default_factory=dict)
    """Rows written, by how they ended."""
    skipped: int = 0
    """Answered well by an earlier run with the same settings."""
    outdated: int = 0
    """Had a good answer by other settings, or to other words, and so were to be asked again."""
    not_run: int = 0
    retried: int = 0
    """Tries beyond each question's first."""
    ended: End = End.DONE
    stopped: str = ""
    """Why no other question was begun, as a sentence."""
    failures_tolerated: bool = False
    """Whether a batch that came to its end has succeeded although questions failed."""
    grades: tuple[Graded, ...] = ()
    """Over the rows whose questions say what is right, those of earlier runs included."""
    usage: Usage = Usage()
    """Of all tries; its seconds are those of the whole."""

    @property
    def exit_code(self) -> int:
        """What the command line exits with."""
        if self.ended is End.DONE and self.counts.get(State.ERROR) and not self.failures_tolerated:
            return 1
        return self.ended.exit_code


async def run_batch(
    plan: Plan,
    open_workbench: Callable[[], Awaitable[Workbench]],
    answering: Answering | None = None,
    *,
    purse: Purse | None = None,
) -> BatchReport:
    """Answers every question that has no good answer yet.

    Nobody is asked on the way; a question that fails gets a row that says so, and the others go on.

    Args:
        plan: What is asked, and how.
        open_workbench: Opens what the questions are answered with.
        answering: Answers one question, in place of the workbench.
        purse: What the whole may spend; one of the plan's `total_cost_usd` unless given.

    Raises:
        AnswersBusy: Another process writes to the same file.
        AnswersError: The file of answers cannot be used.
    """
    order = [item.id for item in plan.items] if plan.ordered else ()
    gold = {item.id: item.gold for item in plan.items if item.gold is not None} if plan.grade else {}
    async with plan.answers.held(resume=plan.resume, order=order, gold=gold):
        workbench = await open_workbench()
        terms = Terms(
            budget=_within(plan.total_cost_usd, plan.budget),
            collections=plan.collections,
            run=await _begin(plan, workbench),
            fingerprint=fingerprint_of(workbench.settings, plan.collections),
        )
        own = partial(answered, ask=lambda question: workbench.stream(question, None))
        report = await _Batch(plan, terms, answering or own, purse or Purse(plan.total_cost_usd)).answered()
        if workbench.history is not None and not report.not_run:
            await workbench.history.finish(report.run)
    if not gold:
        return report
    return report.model_copy(update={"grades": await asyncio.to_thread(_grades, plan, gold)})


def _grades(plan: Plan, gold: Mapping[str, Gold]) -> tuple[Graded, ...]:
    """Of every row with something to grade it by, whichever run answered it."""
    rows = read_rows(plan.answers.path)
    return summarised(row.grade for id in gold if (row := rows.get(id)) is not None and row.grade is not None)


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
class _Later:
    """A question that is asked once more, and what came of it so far."""

    item: Item
    row: Row
    until: float
    """When its provider may be asked again, on the monotonic clock."""


class _Figures(TypedDict):
    done: int
    total: int
    failed: int
    usage: Usage


class _Batch:
    def __init__(self, plan: Plan, terms: Terms, answering: Answering, purse: Purse) -> None:
        self._plan = plan
        self._terms = terms
        self._answering = answering
        self._todo = deque(item for item in plan.items if not plan.answers.holds(item, terms.fingerprint))
        self._total = len(self._todo)
        self._outdated = sum(plan.answers.outdated(item, terms.fingerprint) for item in self._todo)
        self._later: list[_Later] = []
        self._tries: Counter[str] = Counter()
        self._put_off: set[str] = set()
        """Ids that wait, or have waited, for a provider that asked for it."""
        self._counts: Counter[State] = Counter()
        self._purse = purse
        self._spent = Usage()
        self._began = time.monotonic()
        self._ended = End.DONE
        self._stopped = ""

    async def answered(self) -> BatchReport:
        beating = asyncio.create_task(self._beat())
        try:
            await self._work()
            while self._later and not self._over():
                await self._ask_again()
        except* _Final as final:
            self._end(End.FAULT, str(final.exceptions[0]))
        finally:
            beating.cancel()
        for later in self._later:
            await self._keep(later.row)
        done = self._counts.total()
        if done < self._total and self._ended is End.DONE:
            self._ended = End.INTERRUPTED
        return BatchReport(
            run=self._terms.run,
            out=self._plan.answers.path,
            counts=dict(self._counts),
            skipped=len(self._plan.items) - self._total,
            outdated=self._outdated,
            not_run=self._total - done,
            retried=sum(tries - 1 for tries in self._tries.values()),
            ended=self._ended,
            stopped=self._stopped,
            failures_tolerated=self._plan.failing.tolerated,
            usage=self._usage,
        )

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def _usage(self) -> Usage:
        """Of the rows, with what the calls of questions cost that have no row, or were begun once more."""
        cost = max(self._spent.cost_usd or 0.0, self._purse.spent_usd) or self._spent.cost_usd
        return self._spent.model_copy(update={"seconds": self._seconds, "cost_usd": cost})

    async def _work(self) -> None:
        """Empties the list of what is to do, some questions at a time."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._plan.concurrency, len(self._todo))):
                workers.create_task(self._worker())

    async def _ask_again(self) -> None:
        """Asks once more what failed, and what was put off because a provider had asked to be left alone."""
        latest = time.monotonic() + self._plan.longest_wait_seconds
        until = min(max(each.until for each in self._later), latest)
        while time.monotonic() < until:
            if self._over():
                return
            await asyncio.sleep(_POLL_SECONDS)
        self._todo.extend(each.item for each in self._later)
        again, self._later = self._later, []
        await self._work()
        # What was not begun any more keeps what came of it before.
        left = {item.id for item in self._todo}
        self._later += [each for each in again if each.item.id in left]

    async def _worker(self) -> None:
        while self._todo and not self._over():
            item = self._todo.popleft()
            point("batch.claim")
            row = await self._row(item)
            if (why := _final(row)) is not None:
                raise _Final(why)
            if (wait := self._seconds_to_wait(row, item)) is not None:
                self._later.append(_Later(item, row, time.monotonic() + wait))
            else:
                await self._keep(row)

    def _over(self) -> bool:
        """Whether no other question is begun, for any reason but that there is none."""
        limit = self._plan.total_seconds
        if self._ended is End.DONE:
            if limit is not None and self._seconds >= limit:
                self._end(End.TIME, f"The batch has taken its {limit:g} seconds.")
            elif why := self._purse.why_empty:
                self._end(End.COST, why)
            elif self._plan.stopping():
                self._end(End.INTERRUPTED)
        return self._ended is not End.DONE

    def _end(self, end: End, why: str = "") -> None:
        self._ended, self._stopped = end, why

    async def _row(self, item: Item) -> Row:
        """What comes of one question, within what is left of the batch's time and money."""
        budget = self._terms.budget
        if (limit := self._plan.total_seconds) is not None:
            left = max(limit - self._seconds, _LEAST_SECONDS)
            budget = budget.model_copy(update={"max_seconds": min(budget.max_seconds or left, left)})
        self._tries[item.id] += 1
        with spending_from(self._purse):
            row = await self._answering(item, self._terms.model_copy(update={"budget": budget}))
        self._spent += row.usage
        if self._plan.grade and item.gold is not None:
            row = row.model_copy(update={"grade": graded(row, item.gold)})
        return row

    def _seconds_to_wait(self, row: Row, item: Item) -> float | None:
        """How long to wait at least until the question is asked once more; `None` for not at all."""
        asked = _asked_to_wait(row)
        if asked is not None and item.id not in self._put_off:
            self._put_off.add(item.id)
            return asked
        tries_left = self._plan.retry + (item.id in self._put_off) - self._tries[item.id] + 1
        return 0.0 if _may_do_better(row) and tries_left > 0 else None

    async def _keep(self, row: Row) -> None:
        await self._plan.answers.append(row)
        self._counts[row.status] += 1
        self._plan.emit(Progress(row=row, **self._standing()))
        failed = self._counts[State.ERROR]
        if failed >= self._plan.failing.most and self._ended is End.DONE:
            noun = "question has" if failed == 1 else "questions have"
            self._end(End.FAILURES, f"{failed} {noun} failed, which is as many as were allowed.")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self._plan.beat(Standing(**self._standing()))

    def _standing(self) -> _Figures:
        return {
            "done": self._counts.total(),
            "total": self._total,
            "failed": self._counts[State.ERROR],
            "usage": self._usage,
        }


def _final(row: Row) -> str | None:
    """Why no other question is worth beginning: a refused key, a model or a cluster that is not there."""
    if row.error is not None and row.error.kind in (
        ModelAuth.__name__,
        ModelMissing.__name__,
        ClusterLost.__name__,
    ):
        return row.error.message
    return next((each.why for each in row.degraded if each.outcome is Outcome.AUTH), None)


def _asked_to_wait(row: Row) -> float | None:
    """Seconds for which a rate limit asks to be left alone, 0 where it does not say; `None` without one."""
    if row.status is State.OK:
        return None
    limited = [each for each in row.degraded if each.outcome is Outcome.LIMITED]
    asked = max((each.retry_after_seconds or 0.0 for each in row.degraded), default=0.0)
    return asked if limited or asked > LONGEST_RETRY_AFTER_SECONDS else None


def _may_do_better(row: Row) -> bool:
    """Whether the same question may come out better another time."""
    refused = row.error is not None and row.error.kind == QuestionRefused.__name__
    return row.status in (State.ERROR, State.PARTIAL) and not refused


def _within(total_usd: float | None, budget: Budget) -> Budget:
    """A question's budget in a batch: none may cost more than the whole."""
    most = min((each for each in (total_usd, budget.max_cost_usd) if each is not None), default=None)
    return budget.model_copy(update={"max_cost_usd": most})
