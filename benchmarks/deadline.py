"""Answers by the deadline although models hang, refuse, fail and talk nonsense, on real sockets."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from collections import Counter
from dataclasses import dataclass

from benchmarks.desk import QUESTIONS, answer, research_over_notes
from benchmarks.measure import Report, Target
from pipelines.events import Done
from pipelines.gate import Gates
from pipelines.metered import open_model
from pipelines.models import Models, ModelSettings
from pipelines.research import Research
from pipelines.settings import GateSettings, Limits
from pipelines.types import Answer, Budget, Question
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.script import Close, Ending, Hang, Html200, Reply, Rst, Status, Step, retry_after
from tests.faults.server import FaultServer

SEED = 20_260_101
ASKED, AT_ONCE = 500, 4
DEADLINE_SECONDS = 3.0

# One for each request, drawn with these weights; whatever is left over is answered well.
FAULTS: tuple[tuple[Step, int], ...] = (
    (Hang(), 20),
    (Reply(then=Ending.HANG), 8),
    (retry_after(1), 1),
    (retry_after(None), 4),
    (Status(500), 10),
    (Status(503), 5),
    (Rst(), 4),
    (Close(), 4),
    (Html200(), 6),
    (Reply(then=Ending.BAD_JSON), 4),
    (Reply(then=Ending.TRUNCATE), 6),
    (Reply(then=Ending.EMPTY), 3),
    (Reply(), 60),
)


@dataclass(frozen=True)
class Asked:
    """One question and what became of it."""

    seconds: float
    answer: Answer | None

    @property
    def in_time(self) -> bool:
        """Whether it was answered by the deadline."""
        return self.answer is not None and self.seconds <= DEADLINE_SECONDS

    @property
    def rung(self) -> str:
        """Who wrote the answer, as the answer itself says."""
        return self.answer.author if self.answer else "no answer"

    @property
    def says_its_rung(self) -> bool:
        """Whether the answer names its author, and each fallback that led to it with a reason."""
        if self.answer is None or not self.answer.author:
            return False
        fell = [each for each in self.answer.degraded if each.step == "reason"]
        first = self.answer.author == "openai:reasoning" or not self.answer.trace.of("reason")
        return (first or bool(fell)) and all(each.why for each in self.answer.degraded)


def run() -> Report:
    """Ask a few questions many times, each with a few seconds, of a server that fails more often than not."""
    os.environ.setdefault("OPENAI_API_KEY", "unused")
    asked = asyncio.run(_measure())
    times = [each.seconds for each in asked]
    in_time = sum(each.in_time for each in asked) / len(asked)
    return Report(
        benchmark="deadline",
        claim="there is an answer by the deadline, and it says which rung it came from",
        targets=(
            Target("share answered by the deadline", in_time, ">=", 0.995),
            Target(
                "share of answers that show their rung",
                sum(each.says_its_rung for each in asked) / len(asked),
                ">=",
                1.0,
            ),
        ),
        repeats=len(asked),
        numbers={
            "seed": SEED,
            "deadline_seconds": DEADLINE_SECONDS,
            "at_once": AT_ONCE,
            "seconds": {"median": statistics.median(times), "slowest": max(times)},
            "written_by": dict(Counter(each.rung for each in asked)),
            "fallbacks": dict(
                Counter(
                    f"{fallback.step}: {fallback.outcome.value}"
                    for each in asked
                    if each.answer
                    for fallback in each.answer.degraded
                )
            ),
        },
    )


async def _measure() -> list[Asked]:
    chance = random.Random(SEED)
    faults, weights = zip(*FAULTS, strict=True)
    with FaultServer(OpenAIChat(), prefix="/v1") as server:
        # Times are a tenth or less of real ones, and so is the breaker's pause.
        gates = Gates(settings=GateSettings(pause_seconds=1.0))
        models = Models(
            open_model(ModelSettings(name="openai:small", base_url=server.base_url), gates),
            open_model(
                # So small a context that papers are summarised: more calls, more faults.
                ModelSettings(name="openai:reasoning", base_url=server.base_url, context_tokens=2_400),
                gates,
            ),
        )
        async with research_over_notes(models, limits=Limits(papers=4)) as (research, _):
            for text in QUESTIONS:
                await answer(research, text)  # loads the clients, which a deadline is not to be charged with
            for step in chance.choices(faults, weights, k=ASKED * 12):
                server.script(step, times=1)
            return await _ask_all(research, chance)


async def _ask_all(research: Research, chance: random.Random) -> list[Asked]:
    questions = iter([chance.choice(QUESTIONS) for _ in range(ASKED)])
    asked: list[Asked] = []

    async def work() -> None:
        for text in questions:
            began = time.perf_counter()
            given = None
            budget = Budget(max_seconds=DEADLINE_SECONDS)
            async for event in research.stream(Question(text=text, budget=budget)):
                if isinstance(event, Done):
                    given = event.answer
            asked.append(Asked(time.perf_counter() - began, given))

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    return asked
