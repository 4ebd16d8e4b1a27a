"""A batch asks again what failed, and ends early when too much fails, costs or takes too long."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.batch import BatchReport, Plan, Progress, Standing, planned, run_batch
from assistant.batch_files import AnswerFile, read_rows
from assistant.batch_limits import End, Failing, failure_limit
from assistant.batch_questions import items_of
from assistant.history import State
from assistant.settings import Settings
from indexes.errors import InputError
from pipelines.errors import TotalSpent
from pipelines.events import AskEvent, Done, Failed
from pipelines.purse import holding
from pipelines.types import Answer, Budget, Degradation, Outcome, Query, Question, Route, Usage

QUESTIONS = [f"What is {letter}?" for letter in "ABCDEFGH"]

GOOD = Outcome.OK


class Desk:
    """A workbench whose answers come out as a script says: for each question one outcome a try."""

    history = None

    def __init__(self, script: dict[str, list[Outcome]] | None = None, **each: Any) -> None:
        self.settings = Settings()
        self.script = script or {}
        self.cost_usd: float | None = each.get("cost_usd")
        self.pause_seconds: float = each.get("pause_seconds", 0.0)
        self.retry_after_seconds: float | None = each.get("retry_after_seconds")
        self.tries: Counter[str] = Counter()
        self.asked: list[str] = []
        self.budgets: list[Budget] = []

    async def stream(self, question: Question, decide: None) -> AsyncGenerator[AskEvent]:
        outcomes = self.script.get(question.text, [])
        outcome = outcomes[self.tries[question.text]] if self.tries[question.text] < len(outcomes) else GOOD
        self.tries[question.text] += 1
        self.asked.append(question.text)
        self.budgets.append(question.budget)
        cost = self.cost_usd
        try:
            async with holding(cost) as bill:
                await asyncio.sleep(self.pause_seconds)
                bill.cost_usd = cost or 0.0
        except TotalSpent:
            outcome, cost = Outcome.LIMITED, None
        if outcome is Outcome.INTERNAL:
            yield Failed(kind="StepFailed", message="Every rung failed.")
            return
        fallback = Degradation(
            step="reason",
            rung="the best sentences",
            instead_of="the model",
            outcome=outcome,
            why="So.",
            retry_after_seconds=self.retry_after_seconds,
        )
        yield Done(
            answer=Answer(
                query=Query(text=question.text),
                route=Route(name="fits", steps=(), why=""),
                text="So.",
                usage=Usage(calls=1, cost_usd=cost),
                degraded=() if outcome is GOOD else (fallback,),
            )
        )

    async def open(self) -> Any:
        return self


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


async def ran(desk: Desk, out: Path, **given: Any) -> BatchReport:
    settings = Settings(budget=given.pop("budget", Budget()))
    return await run_batch(
        planned(QUESTIONS, {"out": out, "concurrency": 1, **given}, settings),  # type: ignore[typeddict-item]
        desk.open,
    )


def texts(out: Path) -> list[str]:
    return [row.question for row in read_rows(out).values()]


async def test_what_failed_or_fell_back_is_asked_again_at_the_end(out: Path) -> None:
    failing = {"What is A?": [Outcome.INTERNAL], "What is B?": [Outcome.TIMED_OUT, Outcome.TIMED_OUT]}
    desk = Desk(failing)
    report = await ran(desk, out, retry=2)

    assert desk.asked == [*QUESTIONS, "What is A?", "What is B?", "What is B?"]
    assert (report.counts, report.retried, report.exit_code) == ({State.OK: 8}, 3, 0)
    assert report.usage.calls == 10, "what was spent on the tries that are forgotten counts too"


async def test_without_another_try_left_the_last_outcome_stays(out: Path) -> None:
    report = await ran(Desk({"What is A?": [Outcome.INTERNAL] * 5}), out, retry=1)

    assert (report.counts, report.exit_code) == ({State.OK: 7, State.ERROR: 1}, 1)
    assert texts(out)[-1] == "What is A?"


async def test_a_question_that_no_try_can_mend_is_asked_once(out: Path) -> None:
    plan = Plan(items_of(["  ", "What is A?"]), AnswerFile(out), Budget(), retry=3)
    report = await run_batch(plan, Desk().open)

    assert report.retried == 0


async def test_a_batch_that_is_stopped_keeps_what_came_of_those_it_would_have_asked_again(out: Path) -> None:
    seen: list[Progress] = []
    desk = Desk({"What is A?": [Outcome.TIMED_OUT]})
    report = await ran(desk, out, retry=1, emit=seen.append, stopping=lambda: len(seen) == 7)

    assert report.counts == {State.OK: 7, State.PARTIAL: 1}
    assert (report.ended, report.exit_code) == (End.INTERRUPTED, 130)


async def test_a_rate_limited_question_is_put_off_to_the_end(out: Path) -> None:
    desk = Desk({"What is A?": [Outcome.LIMITED]}, retry_after_seconds=300)
    plan = Plan(items_of(QUESTIONS), AnswerFile(out), Budget(), concurrency=1, longest_wait_seconds=0.01)
    report = await run_batch(plan, desk.open)

    assert desk.asked == [*QUESTIONS, "What is A?"]
    assert texts(out) == [*QUESTIONS[1:], "What is A?"]
    assert report.counts == {State.OK: 8}


async def test_rows_stand_in_the_order_of_the_questions_if_so_wanted(out: Path) -> None:
    failing = {"What is A?": [Outcome.TIMED_OUT], "What is D?": [Outcome.INTERNAL]}
    await ran(Desk(failing), out, retry=1, ordered=True)

    assert texts(out) == QUESTIONS


async def test_a_question_whose_words_changed_is_asked_again_under_its_id(out: Path) -> None:
    desk = Desk()
    items = items_of(QUESTIONS[:2])
    await run_batch(Plan(items, AnswerFile(out), Budget()), desk.open)
    changed = (items[0].model_copy(update={"question": "What is A, really?"}), items[1])
    report = await run_batch(Plan(changed, AnswerFile(out), Budget(), resume=True), desk.open)

    assert (report.skipped, desk.asked[-1]) == (1, "What is A, really?")
    assert sorted(texts(out)) == ["What is A, really?", "What is B?"]


@pytest.mark.parametrize(
    ("failing", "asked", "code"),
    [
        (None, 8, 1),
        (True, 2, 1),
        ("true", 2, 1),
        (False, 8, 0),
        (2, 3, 1),
        ("2", 3, 1),
        (0.3, 6, 1),
        (4, 8, 0),
    ],
)
async def test_a_batch_bears_as_many_failures_as_it_is_told_to(
    out: Path, failing: Failing, asked: int, code: int
) -> None:
    broken = {QUESTIONS[place]: [Outcome.INTERNAL] for place in (1, 2, 5)}
    desk = Desk(broken)
    report = await ran(desk, out, fail_on_error=failing)

    assert (len(desk.asked), report.exit_code) == (asked, code)
    assert report.not_run == 8 - asked
    assert ("failed" in report.stopped) == (asked < 8 or report.ended is End.FAILURES)


@pytest.mark.parametrize("failing", ["sometimes", 0, -1, "-0.5"])
def test_a_limit_that_is_none_is_refused(failing: Failing) -> None:
    with pytest.raises(InputError, match="how many failed questions"):
        failure_limit(failing, 10)


async def test_no_question_is_begun_that_the_batch_cannot_pay_for(out: Path) -> None:
    desk = Desk(cost_usd=0.25)
    report = await ran(desk, out, total_cost_usd=1.0)

    assert (report.counts, report.not_run) == ({State.OK: 4}, 4)
    assert (report.ended, report.exit_code, report.usage.cost_usd) == (End.COST, 1, 1.0)
    assert "$1" in report.stopped
    assert {budget.max_cost_usd for budget in desk.budgets} == {1.0}


async def test_no_number_of_questions_at_once_spends_more_than_the_batch_may(out: Path) -> None:
    desk = Desk(cost_usd=0.3, pause_seconds=0.01)
    report = await ran(desk, out, total_cost_usd=1.0, concurrency=4)

    assert report.counts == {State.OK: 3, State.PARTIAL: 1}
    assert report.usage.cost_usd == pytest.approx(0.9)
    assert (report.ended, report.not_run) == (End.COST, 4)
    assert "$0.9000 is spent, and the next call could cost $0.3000" in report.stopped


async def test_after_its_time_a_batch_begins_nothing_and_says_so(out: Path) -> None:
    desk = Desk(pause_seconds=0.2)
    report = await ran(desk, out, total_seconds=0.3)

    assert report.counts == {State.OK: 2}
    assert (report.ended, report.exit_code, report.not_run) == (End.TIME, 124, 6)
    first, second = (budget.max_seconds for budget in desk.budgets)
    assert first is not None
    assert second is not None
    assert second < first <= 0.3


async def test_the_whole_is_told_of_while_a_question_takes_long(out: Path) -> None:
    beats: list[Standing] = []
    desk = Desk(pause_seconds=1.2, cost_usd=0.5)
    plan = Plan(items_of(QUESTIONS[:1]), AnswerFile(out), Budget(), beat=beats.append)
    await run_batch(plan, desk.open)

    assert [(beat.done, beat.total) for beat in beats] == [(0, 1)]


@pytest.mark.parametrize(
    "wrong", [{"retry": -1}, {"concurrency": 0}, {"total_cost_usd": 0}, {"total_seconds": -1}]
)
def test_numbers_that_cannot_be_are_refused(out: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        planned(QUESTIONS, {"out": out, **wrong}, Settings())  # type: ignore[typeddict-item]


async def test_another_way_of_answering_takes_the_place_of_the_workbench(out: Path) -> None:
    from assistant.batch_row import Row, Terms

    async def elsewhere(item: Any, terms: Terms) -> Row:
        plain = terms.model_dump_json()
        there = Terms.model_validate_json(plain)
        return Row(id=item.id, question=item.question, status=State.OK, fingerprint=there.fingerprint)

    desk = Desk()
    opened: Callable[[], Any] = desk.open
    report = await run_batch(Plan(items_of(QUESTIONS), AnswerFile(out), Budget()), opened, elsewhere)

    assert (report.counts, desk.asked) == ({State.OK: 8}, [])
