"""The one process's side of a cluster: what its workers' calls may cost, also when a worker is gone."""

from __future__ import annotations

import asyncio

import pytest
from distributed import Security

from assistant.cluster_hub import FarGate, Hub, served
from pipelines.errors import TotalSpent
from pipelines.gate import Gates
from pipelines.models import ModelSettings
from pipelines.purse import Purse

MODEL = ModelSettings(name="openai:big")


async def test_money_is_one_for_all_workers_and_a_lost_call_counts_as_much_as_it_could_cost() -> None:
    purse, begun = Purse(1.0), asyncio.Event()
    async with served(Hub(Gates(), None, purse), "tcp://127.0.0.1", Security()) as address:
        one, other = FarGate(MODEL, address, Security()), FarGate(MODEL, address, Security())

        async def hang() -> None:
            async with one.call(0.6):
                begun.set()
                await asyncio.Event().wait()

        lost = asyncio.create_task(hang())
        await begun.wait()
        lost.cancel()  # its connection ends, as that of a process that is killed does
        with pytest.raises(TotalSpent, match=r"\$0\.6000 is spent, and the next call could cost \$0\.5000"):
            async with other.call(0.5):
                pass
        async with other.call(0.4) as bill:
            bill.cost_usd = 0.1
        with pytest.raises(TotalSpent, match=r"\$0\.7000 is spent"):
            async with other.call(0.4):
                pass
