"""What a question costs beyond its models: whole questions with instant models, beside a bare graph."""

from __future__ import annotations

import asyncio
import operator
import statistics
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Annotated, Any, TypedDict

from benchmarks.desk import QUESTIONS, answer, research_over_notes
from benchmarks.measure import Report, Target
from pipelines.models import Models
from pipelines.testing import ScriptedModel
from pipelines.types import Answer

REPEATS = 25
MEDIAN_SECONDS, P99_SECONDS = 0.025, 0.080


def run() -> Report:
    """Each question many times, in turn with a graph of as many nodes that do nothing."""
    ours, cpu, bare, encoder = asyncio.run(_measure())
    return Report(
        benchmark="own_time",
        claim="searching, orchestrating and checking a question takes little",
        targets=(
            Target("median seconds of a question", statistics.median(ours), "<=", MEDIAN_SECONDS),
            Target("p99 seconds of a question", _p99(ours), "<=", P99_SECONDS),
        ),
        repeats=len(ours),
        numbers={
            "encoder": encoder,
            "seconds": {
                "median": statistics.median(ours),
                "p99": _p99(ours),
                "median_processor_time": statistics.median(cpu),
                "bare_langgraph_median": statistics.median(bare),
                "bare_langgraph_p99": _p99(bare),
            },
            "times_the_bare_graph": statistics.median(ours) / statistics.median(bare),
        },
    )


async def _measure() -> tuple[list[float], list[float], list[float], str]:
    models = Models(
        ScriptedModel("RELEVANCE: 8\nSUMMARY: It waits [1]."),
        ScriptedModel("It waits [1].", name="scripted:reasoning"),
    )
    ours: list[float] = []
    cpu: list[float] = []
    bare: list[float] = []
    graph = _bare_graph()
    async with research_over_notes(models) as (research, encoder):

        async def ask(question: str) -> Answer:
            return await answer(research, question)

        for question in QUESTIONS:
            await ask(question)  # warms the engine
        await _drained(graph)
        for _ in range(REPEATS):
            for question in QUESTIONS:
                began, used = time.perf_counter(), time.process_time()
                await ask(question)
                ours.append(time.perf_counter() - began)
                cpu.append(time.process_time() - used)
                bare.append(await _seconds(lambda: _drained(graph)))
        return ours, cpu, bare, encoder.name


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _drained(graph: Any) -> None:
    async for _ in graph.astream({"question": "?"}, stream_mode=["custom", "values"]):
        pass


def _bare_graph() -> Any:
    """As many steps as research has, with its two searches at once, and nothing in them."""
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Send

    class State(TypedDict):
        question: Any
        value: Any
        found: Annotated[list[Any], operator.add]

    async def step(state: State) -> dict[str, Any]:
        return {"value": 1}

    async def search(state: Any) -> dict[str, Any]:
        return {"found": [1]}

    graph: Any = StateGraph(State)
    names = ("classify", "route", "plan", "gather", "retrieve", "summarise", "read", "collect", "draft")
    for name in (*names, "reason", "verify"):
        graph.add_node(name, step)
    graph.add_node("search", search)
    for before, after in (("classify", "route"), ("route", "plan"), ("search", "gather")):
        graph.add_edge(before, after)
    graph.add_conditional_edges("plan", lambda state: [Send("search", {}), Send("search", {})], ["search"])
    order = ("gather", "retrieve", "summarise", "read", "collect", "draft", "reason", "verify")
    for before, after in pairwise(order):
        graph.add_edge(before, after)
    graph.add_edge(START, "classify")
    graph.add_edge("verify", END)
    return graph.compile()


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]
