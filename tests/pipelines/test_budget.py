"""A question keeps to its deadline, its calls and its cost, and has an answer all the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.budget import Allowance, Slice
from pipelines.consents import consents
from pipelines.errors import BudgetSpent
from pipelines.events import Asked
from pipelines.gate import Gate
from pipelines.graph import CompiledPipeline
from pipelines.metered import Metered
from pipelines.models import ModelSettings, Prompt
from pipelines.person import Person
from pipelines.policy import Policy
from pipelines.step import Pipeline, Step, rung
from pipelines.testing import ScriptedModel
from pipelines.trace import Recorder
from pipelines.types import Budget, Outcome
from tests.pipelines.clocks import Clock

PROMPT = Prompt(system="Be brief.", user="Say something.")


def allowance(clock: Clock | None = None, **limits: Any) -> Allowance:
    return Allowance(Budget(**limits), clock=clock or Clock())


def priced(reply: str = "A word.", *, dollars_a_million: float | None = 100.0) -> ScriptedModel:
    """A model with a price of its own: a reply of at most 500 tokens costs 5 cents and a little more."""
    model = ScriptedModel(reply)
    prices = {"input_price_usd": dollars_a_million, "output_price_usd": dollars_a_million}
    model.settings = ModelSettings(**{**model.settings.model_dump(), **prices})
    return model


def metered(model: ScriptedModel) -> Metered:
    return Metered(model, Gate("scripted"))


async def run(
    *steps: Step,
    budget: Budget,
    person: Person | None = None,
    services: dict[str, Any] | None = None,
) -> tuple[Any, Recorder]:
    """The value of the last step, and the complete record."""
    pipeline = Pipeline("test", (), steps[-1].gives, steps, services=frozenset(services or {}))
    value, record = await CompiledPipeline(pipeline).run(
        {}, services or {}, budget=budget, person=person, finish=lambda value, record: (value, record)
    )
    assert isinstance(record, Recorder)
    return value, record


async def hangs() -> str:
    await asyncio.sleep(3600)
    raise AssertionError("an hour has passed")


async def at_once() -> str:
    return "at once"


# Time


def test_without_a_deadline_a_step_has_all_the_time_there_is() -> None:
    assert allowance().slice_for(1, after=99).seconds_for(0.5) == float("inf")


def test_a_deadline_is_divided_by_the_shares_of_the_steps_that_are_left() -> None:
    clock = Clock()
    question = allowance(clock, max_seconds=101)  # a second of it is the last slice
    assert question.slice_for(1, after=3).seconds == 25
    clock.now += 10
    assert question.slice_for(1, after=2).seconds == 30
    assert question.slice_for(1, after=0).seconds == 90


def test_what_one_step_leaves_goes_to_those_after_it() -> None:
    clock = Clock()
    question = allowance(clock, max_seconds=41)
    assert question.slice_for(1, after=1).seconds == 20
    clock.now += 1
    assert question.slice_for(1, after=0).seconds == 39


def test_a_step_with_a_small_share_still_has_the_moment_that_it_needs() -> None:
    assert allowance(max_seconds=1).slice_for(1, after=200).seconds == pytest.approx(0.1)


@given(
    limit=st.floats(0.01, 1e5),
    gone=st.floats(0, 2e5),
    share=st.floats(0.01, 100),
    after=st.floats(0, 1000),
)
def test_no_step_gets_more_than_is_left_and_the_last_slice_is_nobodys(
    limit: float, gone: float, share: float, after: float
) -> None:
    clock = Clock()
    question = allowance(clock, max_seconds=limit)
    clock.now += gone
    seconds = question.slice_for(share, after=after).seconds
    assert 0 <= seconds <= max(0.0, limit - min(1.0, limit * 0.15) - gone) + 1e-6


def test_a_rung_leaves_to_the_ones_after_it_what_they_reserve() -> None:
    clock = Clock()
    slice_ = Slice(10, clock=clock)
    assert slice_.seconds_for(0.3) == 7
    clock.now += 7
    assert slice_.seconds_for(0) == pytest.approx(3)


def test_a_rung_for_which_no_time_is_left_is_not_begun() -> None:
    clock = Clock()
    slice_ = Slice(10, clock=clock)
    clock.now += 9.97
    assert slice_.seconds_for(0) is None
    assert Slice(1, clock=clock).seconds_for(0.99) is None


async def test_a_hanging_rung_gives_way_in_time_and_the_last_one_answers_by_the_deadline() -> None:
    value, record = await run(
        Step("do", gives="it", ladder=[rung(hangs, name="slow"), rung(at_once)]),
        budget=Budget(max_seconds=1.0),
    )
    assert value == "at once"
    assert record.usage.seconds < 1.0
    assert [(each.instead_of, each.outcome) for each in record.degraded] == [("slow", Outcome.TIMED_OUT)]


async def test_a_rung_without_time_is_skipped_as_timed_out_and_never_run() -> None:
    begun: list[str] = []

    async def second() -> str:
        begun.append("second")
        return "second"

    value, record = await run(
        Step("do", gives="it", ladder=[rung(hangs), rung(second), rung(at_once)]),
        budget=Budget(max_seconds=0.3),
    )
    assert value == "at once"
    assert begun == []
    assert [(each.rung, each.outcome) for each in record.degraded] == [
        ("second", Outcome.TIMED_OUT),
        ("at once", Outcome.TIMED_OUT),
    ]
    assert "deadline" in record.degraded[1].why
    assert [span.rung for span in record.trace] == ["hangs", "at once"]


async def test_a_reserve_keeps_time_for_the_next_rung_to_be_run() -> None:
    value, _ = await run(
        Step("do", gives="it", ladder=[rung(hangs), rung(at_once, Policy(reserve=0.5)), rung(hangs)]),
        budget=Budget(max_seconds=0.4),
    )
    assert value == "at once"


async def test_a_step_that_hangs_leaves_the_later_steps_their_time() -> None:
    async def model(first: str) -> str:
        return f"{first}, then the model"

    async def letter(first: str) -> str:
        return f"{first}, then a letter"

    value, _ = await run(
        Step("first", gives="first", ladder=[rung(hangs), rung(at_once)]),
        Step("second", gives="second", ladder=[rung(model), rung(letter)]),
        budget=Budget(max_seconds=2),
    )
    assert value == "at once, then the model"


async def test_a_branch_whose_only_rung_may_hang_is_left_out_by_the_deadline() -> None:
    async def search(item: str) -> str:
        return await hangs() if item == "hung" else item

    patient = Policy(timeout_seconds=60)
    value, record = await run(
        Step("search", gives="found", ladder=[rung(search, patient)], over=lambda: ("well", "hung")),
        budget=Budget(max_seconds=0.3),
    )
    assert value == ("well",)
    assert [(each.instead_of, each.outcome) for each in record.degraded] == [("hung", Outcome.TIMED_OUT)]
    assert record.usage.seconds < 10


async def test_the_time_a_person_takes_is_not_given_to_the_rung_once_more() -> None:
    async def decide(asked: Asked) -> str:
        await asyncio.sleep(0.6)
        return "yes"

    value, record = await run(
        Step("do", gives="it", ladder=[rung(hangs, consent="cost"), rung(at_once)]),
        budget=Budget(max_seconds=1.0),
        person=Person(decide),
    )
    assert value == "at once"
    assert record.usage.seconds < 1.3


async def test_a_person_is_not_waited_for_beyond_the_deadline() -> None:
    async def silent(asked: Asked) -> str:
        await asyncio.sleep(3600)
        return "yes"

    value, record = await run(
        Step("do", gives="it", ladder=[rung(hangs, consent="cost"), rung(at_once)]),
        budget=Budget(max_seconds=0.4),
        person=Person(silent),
    )
    assert value == "at once"
    assert record.usage.seconds < 1
    assert record.degraded[0].outcome is Outcome.BLOCKED


# Calls and money


def test_a_call_over_the_limit_of_calls_is_refused() -> None:
    question = allowance(max_calls=2)
    question.take_call(None)
    question.take_call(None)
    with pytest.raises(BudgetSpent, match="may make 2 model calls"):
        question.take_call(None)


def test_a_call_that_could_cost_more_than_is_left_is_refused_before_it_is_made() -> None:
    question = allowance(max_cost_usd=0.10)
    question.take_call(0.06)
    question.pay(0.02, promised_usd=0.06)
    question.take_call(0.08)
    question.pay(0.08, promised_usd=0.08)
    with pytest.raises(BudgetSpent, match=r"may cost \$0.1000; \$0.1000 is spent"):
        question.take_call(0.01)


def test_calls_at_the_same_time_are_promised_their_cost_so_that_together_they_keep_to_the_limit() -> None:
    question = allowance(max_cost_usd=0.10)
    question.take_call(0.06)
    with pytest.raises(BudgetSpent):
        question.take_call(0.06)
    question.pay(0.01, promised_usd=0.06)
    question.take_call(0.06)


@given(st.lists(st.tuples(st.floats(0, 0.05), st.floats(0, 1), st.booleans()), max_size=30))
def test_whatever_calls_cost_and_however_they_overlap_their_sum_keeps_to_the_limit(
    calls: list[tuple[float, float, bool]],
) -> None:
    question, spent = allowance(max_cost_usd=0.1), 0.0
    running: list[tuple[float, float]] = []
    for worst, part, ends in calls:
        try:
            question.take_call(worst)
        except BudgetSpent:
            pass
        else:
            running.append((worst * part, worst))
        if ends and running:
            cost, promised = running.pop(0)
            question.pay(cost, promised_usd=promised)
            spent += cost
    assert spent + sum(cost for cost, _ in running) <= 0.1 + 1e-9


def test_a_price_that_is_not_known_does_not_hold_a_call_back() -> None:
    question = allowance(max_cost_usd=0.0)
    question.take_call(None)
    question.pay(None)


def test_a_lifted_limit_holds_nothing_back_and_the_deadline_stays() -> None:
    clock = Clock()
    question = allowance(clock, max_calls=0, max_cost_usd=0.0, max_seconds=11)
    question.lift()
    question.take_call(5.0)
    clock.now += 4
    assert question.seconds_left == 6


async def by_model(model: Metered) -> str:
    return await model.complete(PROMPT)


ANSWER = Step("answer", gives="answer", ladder=[rung(by_model), rung(at_once)])


async def test_a_call_that_is_too_dear_is_not_made_and_the_next_rung_says_why() -> None:
    model = priced()
    value, record = await run(ANSWER, budget=Budget(max_cost_usd=0.01), services={"model": metered(model)})
    assert value == "at once"
    assert model.prompts == []
    (fallback,) = record.degraded
    assert fallback.outcome is Outcome.BLOCKED
    assert "may cost $0.0100" in fallback.why


async def test_what_a_call_has_cost_is_counted() -> None:
    value, record = await run(ANSWER, budget=Budget(max_cost_usd=0.10), services={"model": metered(priced())})
    assert value == "A word."
    assert record.usage.cost_usd is not None
    assert 0 < record.usage.cost_usd < 0.01
    assert record.usage.unpriced_calls == 0


async def test_a_price_that_is_not_known_is_said_and_not_guessed() -> None:
    value, record = await run(
        ANSWER, budget=Budget(max_cost_usd=0.01), services={"model": metered(ScriptedModel("A word."))}
    )
    assert value == "A word."
    assert (record.usage.cost_usd, record.usage.unpriced_calls) == (None, 1)
    assert record.notes == ("The price of scripted:small is not known: no limit of money holds it back.",)


async def test_calls_side_by_side_in_one_step_are_each_paid_once() -> None:
    async def two_drafts(model: Metered) -> str:
        return " ".join(await asyncio.gather(*(model.complete(PROMPT) for _ in range(2))))

    _, alone = await run(ANSWER, budget=Budget(), services={"model": metered(priced())})
    _, both = await run(
        Step("answer", gives="answer", ladder=[rung(two_drafts)]),
        budget=Budget(),
        services={"model": metered(priced())},
    )
    assert alone.usage.cost_usd is not None
    assert both.usage.calls == 2
    assert both.usage.cost_usd == pytest.approx(2 * alone.usage.cost_usd)


@pytest.mark.parametrize("budget", [Budget(max_calls=0), Budget(max_cost_usd=0.001)], ids=["calls", "cost"])
@pytest.mark.parametrize("choice", ["yes", "no"])
async def test_eight_branches_at_the_limit_ask_once_and_all_keep_to_the_decision(
    budget: Budget, choice: str
) -> None:
    asked: list[Asked] = []

    async def decide(question: Asked) -> str:
        asked.append(question)
        await asyncio.sleep(0.01)
        return choice

    async def by_model(item: int, model: Metered) -> str:
        return await model.complete(Prompt(system="Be brief.", user="word " * 50 * item))

    model = priced()
    value, record = await run(
        Step("read", gives="all", over=lambda: range(1, 9), ladder=[rung(by_model), rung(at_once)]),
        budget=budget,
        person=Person(decide, consents()),
        services={"model": metered(model)},
    )
    assert len(asked) == 1
    assert "over the limit" in asked[0].prompt
    assert value == (("A word.",) if choice == "yes" else ("at once",)) * 8
    assert len(model.prompts) == (8 if choice == "yes" else 0)
    assert len(record.degraded) == (0 if choice == "yes" else 8)
