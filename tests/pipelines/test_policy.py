"""Every error gets one of three answers, and waits are bounded, random and never shorter than asked for."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.errors import CarrelError, WebBlocked, WebDisallowed
from pipelines import errors, policy
from pipelines.errors import (
    BudgetSpent,
    ContextTooLong,
    ModelAuth,
    ModelError,
    ModelLimited,
    ModelMalformed,
    ModelMissing,
    ModelOverloaded,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
    NotAllowed,
    NothingRelevant,
    NoTimeLeft,
    ProviderPaused,
    Stopped,
    TookTooLong,
    Unsure,
    outcome_of,
)
from pipelines.events import FellBack, Retrying, Token
from pipelines.graph import CompiledPipeline, Result
from pipelines.policy import Policy, Remedy, backoff_seconds, remedy_of
from pipelines.step import Pipeline, Step, rung
from pipelines.trace import Recorder
from pipelines.types import Budget, Degradation, Outcome

ANSWERS: list[tuple[type[CarrelError], Outcome, Remedy]] = [
    (ModelLimited, Outcome.LIMITED, Remedy.AGAIN),
    (ModelUnreachable, Outcome.UNREACHABLE, Remedy.AGAIN),
    (ModelOverloaded, Outcome.UNREACHABLE, Remedy.AGAIN),
    (ProviderPaused, Outcome.UNREACHABLE, Remedy.NEXT),
    (ModelMissing, Outcome.AUTH, Remedy.NEXT),
    (ModelTimeout, Outcome.TIMED_OUT, Remedy.NEXT),
    (TookTooLong, Outcome.TIMED_OUT, Remedy.NEXT),
    (NoTimeLeft, Outcome.TIMED_OUT, Remedy.NEXT),
    (ModelAuth, Outcome.AUTH, Remedy.NEXT),
    (ModelRefused, Outcome.REFUSED, Remedy.NEXT),
    (ContextTooLong, Outcome.TOO_LONG, Remedy.NEXT),
    (ModelMalformed, Outcome.MALFORMED, Remedy.NEXT),
    (Unsure, Outcome.PARTIAL, Remedy.NEXT),
    (NothingRelevant, Outcome.NOTHING_FOUND, Remedy.NEXT),
    (NotAllowed, Outcome.BLOCKED, Remedy.NEXT),
    (BudgetSpent, Outcome.BLOCKED, Remedy.NEXT),
    (WebDisallowed, Outcome.BLOCKED, Remedy.NEXT),
    (WebBlocked, Outcome.BLOCKED, Remedy.NEXT),
    (Stopped, Outcome.CANCELLED, Remedy.STOP),
    (CarrelError, Outcome.INTERNAL, Remedy.NEXT),
]


def all_below(kind: type[ModelError]) -> Iterator[type[ModelError]]:
    for below in kind.__subclasses__():
        yield below
        yield from all_below(below)


@pytest.mark.parametrize(
    ("kind", "outcome", "remedy"), ANSWERS, ids=lambda value: getattr(value, "__name__", "")
)
def test_each_kind_of_error_has_its_outcome_and_its_remedy(
    kind: type[CarrelError], outcome: Outcome, remedy: Remedy
) -> None:
    error = kind("It failed.")
    assert (outcome_of(error), remedy_of(error)) == (outcome, remedy)


def test_every_way_to_end_badly_has_a_remedy_and_every_model_error_is_in_the_list() -> None:
    well = {Outcome.OK, Outcome.SKIPPED}
    assert {outcome for _, outcome, _ in ANSWERS} == set(Outcome) - well
    assert set(policy._REMEDIES) == set(Outcome) - well
    assert set(all_below(ModelError)) <= {kind for kind, _, _ in ANSWERS}
    assert {kind.__name__ for kind in all_below(ModelError)} <= set(errors.__all__)


@pytest.mark.parametrize("error", [TimeoutError(), KeyError("x"), OSError("disk"), ValueError()], ids=repr)
def test_an_error_of_nobody_known_goes_to_the_next_rung_and_is_never_tried_again(error: Exception) -> None:
    assert remedy_of(error) is Remedy.NEXT


@given(
    attempt=st.integers(1, 4),
    first=st.floats(0, 10),
    most=st.floats(0, 60),
    seed=st.integers(0, 1000),
)
def test_a_wait_lies_between_zero_and_a_doubling_bound(
    attempt: int, first: float, most: float, seed: int
) -> None:
    patient = Policy(backoff_seconds=first, max_backoff_seconds=most)
    wait = backoff_seconds(patient, attempt, retry_after=None, chance=random.Random(seed))
    assert 0 <= wait <= min(most, first * 2 ** (attempt - 1))


def test_waits_are_spread_over_the_whole_range_so_that_clients_do_not_come_back_together() -> None:
    chance = random.Random(7)
    waits = [
        backoff_seconds(Policy(backoff_seconds=1), 3, retry_after=None, chance=chance) for _ in range(2000)
    ]
    quarters = statistics.quantiles(waits, n=4)
    assert quarters == pytest.approx([1, 2, 3], abs=0.15)


@pytest.mark.parametrize("seconds", [0, 1, 119.5])
def test_a_wait_that_the_provider_names_is_kept_to(seconds: float) -> None:
    assert backoff_seconds(Policy(), 1, retry_after=seconds, chance=random.Random(1)) == seconds


# On the ladder


class Rung:
    """A rung that fails in turn with the errors it is given, then serves."""

    def __init__(self, *failures: CarrelError) -> None:
        self.failures, self.calls = list(failures), 0

    async def run(self, recorder: Recorder) -> str:
        self.calls += 1
        recorder.emit(Token(text=f"words of attempt {self.calls}"))
        if self.failures:
            raise self.failures.pop(0)
        return "served"


async def climb(first: Rung, chosen: Policy) -> tuple[str, list[object], tuple[Degradation, ...]]:
    async def last() -> str:
        return "the last"

    step = Step("do", gives="it", ladder=[rung(first.run, chosen, name="first"), rung(last)])
    compiled = CompiledPipeline(Pipeline("test", (), "it", [step]))
    run = compiled.stream({}, {}, finish=lambda value, record: (value, record.degraded))
    *events, result = [event async for event in run]
    assert isinstance(result, Result)
    return result.value[0], list(events), result.value[1]


QUICK = Policy(attempts=4, backoff_seconds=0.001)


@pytest.mark.parametrize("attempts", [1, 2, 4])
async def test_a_rung_is_tried_as_often_as_its_policy_says_and_no_more(attempts: int) -> None:
    failing = Rung(*(ModelOverloaded("busy") for _ in range(9)))
    value, events, _ = await climb(failing, Policy(attempts=attempts, backoff_seconds=0.001))
    assert value == "the last"
    assert failing.calls == attempts
    assert sum(isinstance(event, Retrying) for event in events) == attempts - 1


async def test_each_retry_is_told_with_its_reason_before_anything_new_is_said() -> None:
    _, events, _ = await climb(Rung(ModelOverloaded("busy"), ModelUnreachable("gone")), QUICK)
    told = [event for event in events if isinstance(event, Retrying)]
    assert [(each.attempt, each.outcome, each.why) for each in told] == [
        (1, Outcome.UNREACHABLE, "busy"),
        (2, Outcome.UNREACHABLE, "gone"),
    ]
    assert all(0 <= each.wait_seconds <= 0.002 for each in told)


async def test_text_of_a_failed_attempt_is_void_from_the_retry_on() -> None:
    _, events, _ = await climb(Rung(ModelOverloaded("busy")), QUICK)
    shown: list[str] = []
    for event in events:
        if isinstance(event, Token):
            shown.append(event.text)
        if isinstance(event, Retrying | FellBack):
            shown.clear()
    assert shown == ["words of attempt 2"]


@pytest.mark.parametrize("kind", [kind for kind, _, remedy in ANSWERS if remedy is Remedy.NEXT])
async def test_an_error_that_stays_is_not_tried_again_however_many_attempts_there_are(
    kind: type[CarrelError],
) -> None:
    failing = Rung(kind("It failed."))
    value, _, _ = await climb(failing, QUICK)
    assert (value, failing.calls) == ("the last", 1)


async def test_a_stop_ends_the_ladder_at_once() -> None:
    failing = Rung(Stopped("Enough."))
    with pytest.raises(Stopped):
        await climb(failing, QUICK)
    assert failing.calls == 1


async def test_a_provider_that_asks_for_more_than_two_minutes_is_deferred_and_says_when_to_come_back() -> (
    None
):
    busy = ModelLimited("Too many requests.")
    busy.retry_after_seconds = 300
    failing = Rung(busy)
    value, _, degraded = await climb(failing, QUICK)
    assert (value, failing.calls) == ("the last", 1)
    assert [(each.outcome, each.retry_after_seconds) for each in degraded] == [(Outcome.LIMITED, 300)]


async def test_a_wait_that_outlasts_the_rungs_time_is_not_begun() -> None:
    busy = ModelLimited("Too many requests.")
    busy.retry_after_seconds = 100

    failing = Rung(busy)
    step = Step("do", gives="it", ladder=[rung(failing.run, QUICK), rung(Rung().run, name="last")])
    value = await CompiledPipeline(Pipeline("test", (), "it", [step])).run(
        {}, {}, budget=Budget(max_seconds=5)
    )
    assert (value, failing.calls) == ("served", 1)
