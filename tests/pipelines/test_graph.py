"""Any pipeline of steps runs: what can be side by side is, and a branch keeps its own failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pipelines.errors import ModelOverloaded, ModelRefused, StepFailed, Unsure
from pipelines.events import FellBack, StepEnded, StepSkipped, StepStarted
from pipelines.graph import CompiledPipeline, Result
from pipelines.policy import Policy
from pipelines.step import Pipeline, Skipped, Step, rung
from pipelines.trace import Recorder
from pipelines.types import Outcome


async def run(
    *steps: Step,
    gives: str,
    inputs: Mapping[str, Any] | None = None,
    services: Mapping[str, Any] | None = None,
    finish: Callable[[Any, Recorder], Any] = lambda value, recorder: value,
) -> tuple[Any, list[Any]]:
    """The pipeline's value and every event before it."""
    absent = frozenset(name for name, service in (services or {}).items() if service is None)
    there = frozenset(services or {}) - absent
    pipeline = Pipeline("test", tuple(inputs or {}), gives, steps, services=there, optional=absent)
    compiled = CompiledPipeline(pipeline)
    events = [event async for event in compiled.stream(inputs or {}, services or {}, finish=finish)]
    assert isinstance(events[-1], Result)
    return events[-1].value, events[:-1]


async def one() -> int:
    return 1


async def test_a_step_gets_what_another_gives_by_its_parameters_name() -> None:
    async def plus(first: int, amount: int) -> int:
        return first + amount

    value, _ = await run(
        Step("first", gives="first", ladder=[rung(one)]),
        Step("plus", gives="sum", ladder=[rung(plus)]),
        gives="sum",
        inputs={"amount": 41},
    )
    assert value == 42


async def test_steps_that_need_nothing_of_each_other_run_side_by_side() -> None:
    meeting = asyncio.Barrier(2)

    async def left() -> str:
        await meeting.wait()
        return "left"

    async def right() -> str:
        await meeting.wait()
        return "right"

    async def both(left: str, right: str) -> str:
        return f"{left} and {right}"

    value, _ = await run(
        Step("go left", gives="left", ladder=[rung(left, Policy(timeout_seconds=5))]),
        Step("go right", gives="right", ladder=[rung(right, Policy(timeout_seconds=5))]),
        Step("meet", gives="both", ladder=[rung(both)]),
        gives="both",
    )
    assert value == "left and right"


async def test_a_fan_out_runs_every_item_at_once_and_keeps_their_order() -> None:
    meeting = asyncio.Barrier(3)

    async def work(item: int) -> int:
        await meeting.wait()
        return item * 10

    value, events = await run(
        Step("work", gives="done", ladder=[rung(work, Policy(timeout_seconds=5))], over=lambda: (3, 1, 2)),
        gives="done",
    )
    assert value == (30, 10, 20)
    assert {event.branch for event in events if isinstance(event, StepStarted)} == {"3", "1", "2"}


async def test_a_failed_branch_is_left_out_and_recorded_and_spoils_nothing() -> None:
    async def work(item: int) -> int:
        if item == 2:
            raise ModelRefused("The model declined number 2.")
        return item

    (value, degraded), _ = await run(
        Step("work", gives="done", ladder=[rung(work)], over=lambda: (1, 2, 3)),
        gives="done",
        finish=lambda value, recorder: (value, recorder.degraded),
    )
    assert value == (1, 3)
    assert [(each.instead_of, each.rung, each.outcome) for each in degraded] == [
        ("2", "left out", Outcome.REFUSED)
    ]


async def test_a_fan_out_over_nothing_gives_nothing() -> None:
    value, _ = await run(Step("work", gives="done", ladder=[rung(one)], over=lambda: ()), gives="done")
    assert value == ()


async def test_the_next_rung_takes_over_and_says_why() -> None:
    async def dear() -> str:
        raise ModelRefused("It declined.")

    async def cheap() -> str:
        return "cheap"

    value, events = await run(Step("do", gives="it", ladder=[rung(dear), rung(cheap)]), gives="it")
    assert value == "cheap"
    fell = next(event for event in events if isinstance(event, FellBack))
    assert (fell.from_rung, fell.to_rung, fell.outcome, fell.why) == (
        "dear",
        "cheap",
        Outcome.REFUSED,
        "It declined.",
    )


async def test_a_rung_over_its_time_is_stopped_and_the_next_one_takes_over() -> None:
    stopped = asyncio.Event()

    async def slow() -> str:
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()
        return "never"

    async def quick() -> str:
        return "quick"

    value, events = await run(
        Step("do", gives="it", ladder=[rung(slow, Policy(timeout_seconds=0.05)), rung(quick)]), gives="it"
    )
    assert value == "quick"
    assert stopped.is_set()
    assert any(isinstance(event, FellBack) and event.outcome is Outcome.TIMED_OUT for event in events)


async def test_an_error_that_may_pass_is_tried_again_and_one_that_stays_is_not() -> None:
    tries = {"passing": 0, "staying": 0}

    async def passing() -> str:
        tries["passing"] += 1
        if tries["passing"] < 3:
            raise ModelOverloaded("busy")
        return "at last"

    async def staying() -> str:
        tries["staying"] += 1
        raise ModelRefused("no")

    patient = Policy(attempts=4, backoff_seconds=0.001)
    value, _ = await run(
        Step("do", gives="it", ladder=[rung(staying, patient), rung(passing, patient)]), gives="it"
    )
    assert value == "at last"
    assert tries == {"passing": 3, "staying": 1}


async def test_a_rung_whose_service_is_absent_is_left_out_without_a_word() -> None:
    async def with_model(small: object) -> str:
        return "model"

    async def without() -> str:
        return "no model"

    (value, degraded), _ = await run(
        Step("do", gives="it", ladder=[rung(with_model), rung(without)]),
        gives="it",
        services={"small": None},
        finish=lambda value, recorder: (value, recorder.degraded),
    )
    assert (value, degraded) == ("no model", ())


async def test_handing_over_because_of_doubt_is_in_the_trace_but_is_no_degradation() -> None:
    async def cheap() -> str:
        raise Unsure("not sure")

    async def strong() -> str:
        return "sure"

    (degraded, trace), _ = await run(
        Step("do", gives="it", ladder=[rung(cheap), rung(strong)]),
        gives="it",
        finish=lambda value, recorder: (recorder.degraded, recorder.trace),
    )
    assert degraded == ()
    assert [(span.rung, span.status) for span in trace] == [
        ("cheap", Outcome.PARTIAL),
        ("strong", Outcome.OK),
    ]


async def test_a_step_that_is_not_needed_is_skipped_and_says_so() -> None:
    value, events = await run(
        Step("do", gives="it", ladder=[rung(one)], unless=lambda: Skipped(7, "seven will do")), gives="it"
    )
    assert value == 7
    assert [event.why for event in events if isinstance(event, StepSkipped)] == ["seven will do"]


async def test_when_every_rung_fails_the_step_fails_with_the_last_reason() -> None:
    async def fails() -> None:
        raise ModelRefused("No one will say.")

    with pytest.raises(StepFailed, match="No one will say"):
        await run(Step("do", gives="it", ladder=[rung(fails)]), gives="it")


async def test_an_unexpected_error_of_a_rung_is_a_fallback_too() -> None:
    async def broken() -> int:
        return {}["nothing"]

    value, events = await run(Step("do", gives="it", ladder=[rung(broken), rung(one)]), gives="it")
    assert value == 1
    assert any(isinstance(event, FellBack) and "KeyError" in event.why for event in events)


async def test_closing_the_stream_cancels_what_runs() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    pipeline = Pipeline("test", (), "it", [Step("do", gives="it", ladder=[rung(endless)])])
    stream = CompiledPipeline(pipeline).stream({}, {})
    assert isinstance(await anext(stream), StepStarted)
    await asyncio.wait_for(begun.wait(), 5)
    await stream.aclose()
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_every_attempt_has_a_span_that_begins_and_ends() -> None:
    _, events = await run(
        Step("first", gives="first", ladder=[rung(one)]),
        Step("second", gives="second", ladder=[rung(one)], over=lambda first: (first,)),
        gives="second",
    )
    started = [event.span_id for event in events if isinstance(event, StepStarted)]
    ended = [event.span.id for event in events if isinstance(event, StepEnded)]
    assert sorted(started) == sorted(ended) == [1, 2]


@pytest.mark.parametrize("name", ["read: page", "this|that", "__start__"])
async def test_a_step_may_have_any_name(name: str) -> None:
    value, _ = await run(Step(name, gives="it", ladder=[rung(one)]), gives="it")
    assert value == 1


async def test_a_step_begins_as_soon_as_its_needs_are_there_whatever_else_still_runs() -> None:
    followed = asyncio.Event()

    async def slow() -> int:
        await asyncio.wait_for(followed.wait(), 5)
        return 1

    async def after_quick(quick: int) -> int:
        followed.set()
        return quick + 1

    async def both(slow: int, after_quick: int) -> tuple[int, int]:
        return slow, after_quick

    value, _ = await run(
        Step("wait", gives="slow", ladder=[rung(slow)]),
        Step("be quick", gives="quick", ladder=[rung(one)]),
        Step("follow", gives="after_quick", ladder=[rung(after_quick)]),
        Step("join", gives="both", ladder=[rung(both)]),
        gives="both",
    )
    assert value == (1, 2)


async def test_a_step_that_fails_ends_the_run_at_once_although_others_still_run() -> None:
    stopped = asyncio.Event()

    async def endless() -> int:
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()
        return 1

    async def fails() -> int:
        raise ModelRefused("No one will say.")

    async def both(endless: int, fails: int) -> int:
        return endless + fails

    with pytest.raises(StepFailed, match="No one will say"):
        await asyncio.wait_for(
            run(
                Step("go on", gives="endless", ladder=[rung(endless)]),
                Step("fail", gives="fails", ladder=[rung(fails)]),
                Step("join", gives="both", ladder=[rung(both)]),
                gives="both",
            ),
            5,
        )
    await asyncio.wait_for(stopped.wait(), 5)


async def test_a_run_gives_the_value_alone_and_fails_as_a_stream_does() -> None:
    async def fails() -> None:
        raise ModelRefused("No one will say.")

    served = Pipeline("test", (), "it", [Step("do", gives="it", ladder=[rung(one)])])
    failing = Pipeline("test", (), "it", [Step("do", gives="it", ladder=[rung(fails)])])
    assert await CompiledPipeline(served).run({}, {}) == 1
    with pytest.raises(StepFailed, match="No one will say"):
        await CompiledPipeline(failing).run({}, {})
