"""A provider that is down is left alone, one that asks for patience gets it, and what was learned is kept."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from pipelines.errors import (
    ModelAuth,
    ModelError,
    ModelLimited,
    ModelMalformed,
    ModelOverloaded,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
    ProviderPaused,
)
from pipelines.gate import Gate
from pipelines.settings import GateSettings
from tests.pipelines.clocks import Clock, settled

DOWN = ModelOverloaded("The server failed.")


def limited(retry_after_seconds: float | None = None) -> ModelLimited:
    error = ModelLimited("Too many requests.")
    error.retry_after_seconds = retry_after_seconds
    return error


class Provider:
    """A provider behind its gate: calls end as they are told to, and those that got through are counted."""

    def __init__(self, *, spacing_seconds: float = 0.0, connections: int = 8) -> None:
        self.clock = Clock()
        self.calls: list[float] = []
        """When each began, in seconds since the start."""
        self.gate = Gate(
            "openai",
            GateSettings(connections=connections, failures=5, pause_seconds=30),
            spacing_seconds=spacing_seconds,
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    async def call(self, error: Exception | None = None, *, until: asyncio.Event | None = None) -> None:
        async with self.gate.call():
            self.calls.append(self.clock.now - 1000)
            if until is not None:
                await until.wait()
            if error is not None:
                raise error

    async def fails(self, times: int, error: ModelError = DOWN) -> None:
        for _ in range(times):
            with pytest.raises(type(error)):
                await self.call(error)


# The breaker


@pytest.mark.parametrize(
    "error", [DOWN, ModelUnreachable("No connection."), ModelTimeout("Nothing came.")], ids=lambda e: e.kind
)
async def test_after_five_failures_in_a_row_no_call_is_made(error: ModelError) -> None:
    provider = Provider()
    await provider.fails(5, error)
    with pytest.raises(ProviderPaused, match="failed 5 times in a row") as paused:
        await provider.call()
    assert len(provider.calls) == 5
    assert "30 seconds" in paused.value.hint


async def test_four_failures_and_a_success_are_no_five_failures_in_a_row() -> None:
    provider = Provider()
    for _ in range(3):
        await provider.fails(4)
        await provider.call()
    assert len(provider.calls) == 15


@pytest.mark.parametrize("error", [ModelRefused("No."), ModelMalformed("What?")], ids=lambda e: e.kind)
async def test_an_answer_that_was_not_hoped_for_is_no_failure_of_the_provider(error: ModelError) -> None:
    provider = Provider()
    await provider.fails(9, error)
    await provider.call()


async def test_after_the_pause_one_call_is_let_through_and_its_success_opens_the_door() -> None:
    provider, over = Provider(), asyncio.Event()
    await provider.fails(5)
    await provider.clock.move(30)
    probe = asyncio.create_task(provider.call(until=over))
    await settled()
    for _ in range(3):
        with pytest.raises(ProviderPaused):
            await provider.call()
    assert len(provider.calls) == 6
    over.set()
    await probe
    await asyncio.gather(*(provider.call() for _ in range(4)))
    assert len(provider.calls) == 10


async def test_a_probe_that_fails_closes_the_door_for_another_pause() -> None:
    provider = Provider()
    await provider.fails(5)
    await provider.clock.move(30)
    await provider.fails(1)
    await provider.clock.move(29)
    with pytest.raises(ProviderPaused):
        await provider.call()
    await provider.clock.move(1)
    await provider.call()
    assert len(provider.calls) == 7


async def test_a_probe_that_is_cancelled_leaves_the_next_call_to_be_the_probe() -> None:
    provider = Provider()
    await provider.fails(5)
    await provider.clock.move(30)
    probe = asyncio.create_task(provider.call(until=asyncio.Event()))
    await settled()
    probe.cancel()
    await asyncio.wait([probe])
    await provider.call()
    await provider.call()


async def test_many_at_once_make_few_calls_to_a_provider_that_is_down() -> None:
    provider = Provider(connections=4)

    async def ask() -> None:
        for _ in range(50):
            with pytest.raises(ModelError):
                await provider.call(DOWN)
            await asyncio.sleep(0)

    await asyncio.gather(*(ask() for _ in range(16)))
    assert len(provider.calls) <= 5 + 4
    for _ in range(2):
        await provider.clock.move(30)
        await asyncio.gather(*(ask() for _ in range(16)))
    assert len(provider.calls) <= 5 + 4 + 2


async def test_a_refused_key_closes_the_door_for_good() -> None:
    provider = Provider()
    await provider.fails(1, ModelAuth("The key was refused.", hint="Set another."))
    await provider.clock.move(1e6)
    with pytest.raises(ModelAuth, match="The key was refused") as refused:
        await provider.call()
    assert refused.value.hint == "Set another."
    assert len(provider.calls) == 1


# The limiter


async def test_when_a_provider_asks_for_a_wait_everybody_waits() -> None:
    provider = Provider()
    await provider.fails(1, limited(20))
    others = [asyncio.create_task(provider.call()) for _ in range(3)]
    await provider.clock.move(19.9)
    assert provider.calls == [0]
    await provider.clock.move(0.2)
    await asyncio.gather(*others)
    assert provider.calls == [0, 20, 20, 20]


async def test_a_wait_that_is_asked_for_while_others_stand_in_line_is_theirs_too() -> None:
    provider, over = Provider(spacing_seconds=2), asyncio.Event()
    first = asyncio.create_task(provider.call(limited(60), until=over))
    second = asyncio.create_task(provider.call())
    await settled()
    over.set()
    with pytest.raises(ModelLimited):
        await first
    await provider.clock.move(59)
    assert provider.calls == [0]
    await provider.clock.move(1)
    await second
    assert provider.calls == [0, 60]


async def test_a_wait_of_more_than_two_minutes_is_refused_at_once_and_says_for_how_long() -> None:
    provider = Provider()
    await provider.fails(1, limited(300))
    await provider.clock.move(100)
    with pytest.raises(ModelLimited, match="200 seconds") as refused:
        await provider.call()
    assert refused.value.retry_after_seconds == 200
    assert len(provider.calls) == 1


async def test_those_in_line_are_refused_as_well_when_the_wait_turns_out_too_long() -> None:
    provider, over = Provider(spacing_seconds=2), asyncio.Event()
    first = asyncio.create_task(provider.call(limited(300), until=over))
    second = asyncio.create_task(provider.call())
    await settled()
    over.set()
    await provider.clock.move(2)
    with pytest.raises(ModelLimited, match="298 seconds"):
        await second
    await asyncio.wait([first])
    assert isinstance(first.exception(), ModelLimited)


async def test_an_end_of_the_wait_that_is_named_is_not_paid_for_with_a_slower_pace() -> None:
    provider = Provider()
    await provider.fails(1, limited(20))
    assert provider.gate.spacing_seconds == 0


async def test_a_provider_that_only_refuses_is_called_no_faster_than_it_has_answered() -> None:
    provider = Provider()
    for _ in range(10):
        await provider.call()
        await provider.clock.move(1)
    await provider.fails(1, limited())
    assert provider.gate.spacing_seconds == pytest.approx(0.9)
    callers = [asyncio.create_task(provider.call()) for _ in range(4)]
    await provider.clock.move(10)
    await asyncio.gather(*callers)
    starts = provider.calls[-4:]
    assert [later - earlier for earlier, later in pairwise(starts)] == pytest.approx([0.9] * 3)


async def test_refusals_without_any_answer_slow_the_pace_down_to_a_bound() -> None:
    provider, paces = Provider(), []
    for _ in range(8):
        await provider.clock.move(10)
        await provider.fails(1, limited())
        paces.append(provider.gate.spacing_seconds)
    assert paces == [0.25, 0.5, 1, 2, 3, 3, 3, 3]


async def test_half_a_minute_without_a_refusal_doubles_the_pace_until_there_is_no_waiting() -> None:
    provider = Provider(spacing_seconds=1)
    paces = []
    for _ in range(6):
        await provider.clock.move(31)
        await provider.call()
        await provider.clock.move(0)
        paces.append(provider.gate.spacing_seconds)
    assert paces == [0.5, 0.25, 0.125, 0.0625, 0.03125, 0]


async def test_who_gives_up_in_line_holds_nobody_back() -> None:
    provider = Provider(spacing_seconds=2)
    await provider.call()
    leaving, staying = (asyncio.create_task(provider.call()) for _ in range(2))
    await settled()
    leaving.cancel()
    await provider.clock.move(2)
    await staying
    assert provider.calls == [0, 2]


async def test_no_more_calls_run_at_once_than_there_are_connections() -> None:
    provider, over = Provider(connections=3), asyncio.Event()
    callers = [asyncio.create_task(provider.call(until=over)) for _ in range(10)]
    await settled()
    assert len(provider.calls) == 3
    over.set()
    await asyncio.gather(*callers)
    assert len(provider.calls) == 10
