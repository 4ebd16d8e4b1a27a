"""What Carrel adds to its models' time: whole questions on a warm engine, with models that answer at once."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from assistant import Assistant
from benchmarks.measure import Report, Target, seconds
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.ledger import Exchange
from tests.faults.server import FaultServer

REPEATS = 5
NOTES = Path(__file__).parents[1] / "assistant" / "demo" / "notes"
LIMIT_SECONDS = 0.060

QUESTIONS = (
    "What does full jitter do to the waits of many clients?",
    "When does a circuit breaker open, and what does it do then?",
    "Why does reciprocal rank fusion use ranks and not scores?",
    "When is a cascade cheaper than always using the large model?",
    "What does a graph of steps cost?",
    "How is time reserved for a fallback?",
    "Where does keyword retrieval fail?",
    "When should a person be asked?",
)


def run() -> Report:
    """Ask each question several times; the models' time is when at least one request was open."""
    os.environ.setdefault("OPENAI_API_KEY", "unused")
    wholes: list[float] = []
    models: list[float] = []
    with (
        tempfile.TemporaryDirectory() as home,
        FaultServer(OpenAIChat(), prefix="/v1") as server,
        Assistant(
            home=home,
            small="openai:small",
            reasoning="openai:reasoning",
            base_url=server.base_url,
            web="never",
        ) as assistant,
    ):
        assistant.add(NOTES)
        for question in QUESTIONS:
            assistant.ask(question)  # warms the engine, the clients and their connections
        for _ in range(REPEATS):
            for question in QUESTIONS:
                before = len(server.ledger)
                start = time.perf_counter()
                assistant.ask(question)
                wholes.append(time.perf_counter() - start)
                models.append(_open_seconds(list(server.ledger)[before:]))
        calls = (len(server.ledger) / len(QUESTIONS)) / (REPEATS + 1)
        bare = statistics.median(_bare_call(server.base_url))
    added = [whole - model for whole, model in zip(wholes, models, strict=True)]
    median = statistics.median(added)
    return Report(
        benchmark="overhead",
        claim="a question costs its models' time and little more",
        targets=(Target("median seconds beyond the models' time", median, "<=", LIMIT_SECONDS),),
        repeats=REPEATS * len(QUESTIONS),
        numbers={
            "seconds": {
                "whole_question": statistics.median(wholes),
                "models": statistics.median(models),
                "beyond_the_models": median,
                "beyond_the_models_p95": statistics.quantiles(added, n=20)[-1],
                "one_bare_langchain_call": bare,
            },
            "model_calls_per_question": calls,
        },
    )


def _open_seconds(exchanges: Iterable[Exchange]) -> float:
    """How long at least one of the exchanges was open, from the request read to the last byte sent."""
    total, until = 0.0, 0.0
    for exchange in sorted(exchanges, key=lambda each: each.started):
        end = exchange.started + exchange.seconds
        total += max(0.0, end - max(exchange.started, until))
        until = max(until, end)
    return total


def _bare_call(base_url: str) -> list[float]:
    """The peer: one call by the same client to the same server, without Carrel, warm."""
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    client = ChatOpenAI(model="small", base_url=base_url, api_key=SecretStr("unused"), max_retries=0)
    client.invoke("hello")
    return [seconds(lambda: client.invoke("What limits dense retrieval?")) for _ in range(20)]
