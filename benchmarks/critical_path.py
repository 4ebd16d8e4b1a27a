"""A question with slow models takes its longest chain of calls and little more."""

from __future__ import annotations

import asyncio
import statistics
import time

from benchmarks.desk import answer, research_over_notes
from benchmarks.measure import Report, Target
from pipelines.models import Models
from pipelines.settings import Limits
from pipelines.testing import ScriptedModel

REPEATS = 9
SUMMARIES, SUMMARY_SECONDS, REASON_SECONDS = 8, 0.2, 0.6
QUESTION = "How are retries of many clients spread over time?"
LIMITS = Limits(papers=SUMMARIES, relevant=0.0)


def run() -> Report:
    """Eight summaries at once, then one reasoning call; what can be at once, the pipeline finds out."""
    walls = asyncio.run(_measure())
    critical = SUMMARY_SECONDS + REASON_SECONDS
    median = statistics.median(walls)
    return Report(
        benchmark="critical_path",
        claim="what can run side by side does, and the rest costs little",
        targets=(Target("wall time as a multiple of the critical path", median / critical, "<=", 1.05),),
        repeats=REPEATS,
        numbers={
            "seconds": {
                "critical_path": critical,
                "median": median,
                "slowest": max(walls),
                "one_call_after_another": SUMMARIES * SUMMARY_SECONDS + REASON_SECONDS,
            }
        },
    )


async def _measure() -> list[float]:
    small = ScriptedModel("RELEVANCE: 8\nSUMMARY: Jitter spreads retries.", seconds=SUMMARY_SECONDS)
    # So small a context that the passages must be summarised.
    reasoning = ScriptedModel(
        "Jitter spreads retries [1].",
        name="scripted:reasoning",
        seconds=REASON_SECONDS,
        context_tokens=1_200,
    )
    walls: list[float] = []
    async with research_over_notes(Models(small, reasoning), limits=LIMITS) as (research, _):
        await answer(research, QUESTION)  # warms the engine
        for _ in range(REPEATS):
            began = time.perf_counter()
            found = await answer(research, QUESTION)
            walls.append(time.perf_counter() - began)
            assert found.usage.calls == SUMMARIES + 1, found.usage
    return walls
