"""The money of a batch is held for calls that run, and a call waits for what they may leave."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.errors import TotalSpent
from pipelines.purse import Purse, holding, spending_from


async def bought(purse: Purse, worst_usd: float | None, cost_usd: float, *, until: asyncio.Event) -> None:
    async with purse.holding(worst_usd) as bill:
        await until.wait()
        bill.cost_usd = cost_usd


async def test_a_call_waits_while_those_that_run_may_leave_enough_for_it() -> None:
    purse, first_ends, second_ends = Purse(1.0), asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(bought(purse, 0.6, 0.1, until=first_ends))
    second = asyncio.create_task(bought(purse, 0.6, 0.6, until=second_ends))
    second_ends.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not second.done()
    first_ends.set()
    await asyncio.gather(first, second)
    assert purse.spent_usd == pytest.approx(0.7)
    assert purse.why_empty == ""


async def test_what_could_cost_more_than_is_left_is_refused_once_nothing_else_runs() -> None:
    purse, ended = Purse(1.0), asyncio.Event()
    first = asyncio.create_task(bought(purse, 0.6, 0.6, until=ended))
    second = asyncio.create_task(bought(purse, 0.6, 0.6, until=ended))
    await asyncio.sleep(0)
    ended.set()
    await first
    with pytest.raises(TotalSpent, match=r"may cost \$1; \$0.6000 is spent, .* could cost \$0.6000"):
        await second
    assert "could cost" in purse.why_empty


async def test_what_was_held_back_is_given_back_when_a_call_fails() -> None:
    purse = Purse(1.0)
    with pytest.raises(ConnectionError):
        async with purse.holding(1.0):
            raise ConnectionError
    async with purse.holding(1.0) as bill:
        bill.cost_usd = 1.0
    assert purse.why_empty == "The batch has spent its $1."


async def test_a_call_without_a_known_price_is_not_held_back_and_one_without_a_limit_neither() -> None:
    async with Purse(1.0).holding(1.0), Purse(None).holding(1_000.0), Purse(1.0).holding(None):
        pass


async def test_only_what_is_begun_inside_is_paid_from_a_purse() -> None:
    purse = Purse(1.0)

    async def spend() -> None:
        async with holding(0.5) as bill:
            bill.cost_usd = 0.5

    with spending_from(purse):
        task = asyncio.create_task(spend())
    await spend()
    await task
    assert purse.spent_usd == 0.5
