"""Model calls that the routes save, counted on the development questions against always doing everything."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.desk import answer
from benchmarks.measure import Report, Target, data_folder
from indexes.library import Library
from indexes.types import ParsedDocument
from pipelines.models import Models, Prompt
from pipelines.research import Research
from pipelines.settings import Cascade, Limits
from pipelines.testing import ScriptedModel

QUESTIONS = 200
"""Of the 408, every other one: enough to count calls by."""


@dataclass
class Count:
    """What one way of asking has cost."""

    small: int = 0
    reasoning: int = 0
    routes: Counter[str] = field(default_factory=Counter)
    summaries_skipped: int = 0

    @property
    def calls(self) -> int:
        """Of both models."""
        return self.small + self.reasoning


def run() -> Report:
    """Ask every other question as Carrel does by itself, and with every step done every time."""
    folder = data_folder("qa", "covidqa")
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines][::2][:QUESTIONS]
    articles = {path.stem: path.read_text("utf-8") for path in sorted((folder / "docs").iterdir())}
    ours, everything = asyncio.run(_measure(questions, articles))
    return Report(
        benchmark="calls",
        claim="no call is made that another answer to the question does not need",
        targets=(
            Target("calls saved, as a share", 1 - ours.calls / everything.calls, ">=", 0.5),
            Target(
                "calls of the reasoning model saved, as a share",
                1 - ours.reasoning / everything.reasoning,
                ">=",
                0.2,
            ),
        ),
        repeats=len(questions),
        numbers={
            "carrel": _numbers(ours),
            "always_everything": _numbers(everything),
        },
    )


async def _measure(questions: list[str], articles: dict[str, str]) -> tuple[Count, Count]:
    with tempfile.TemporaryDirectory() as folder:
        async with Library.open(Path(folder)) as library:
            await library.add_texts(
                {
                    name: ParsedDocument(media_type="text/plain", pages=(text,), title=name)
                    for name, text in articles.items()
                }
            )
            ours = await _count(library, questions, Limits(), context_tokens=16_000)
            # The same, with a context into which nothing fits and a cascade that is off.
            everything = Limits(cascade=Cascade(on=False))
            return ours, await _count(library, questions, everything, context_tokens=1_000)


async def _count(library: Library, questions: list[str], limits: Limits, *, context_tokens: int) -> Count:
    count = Count()
    small = ScriptedModel(_says, context_tokens=16_000)
    reasoning = ScriptedModel(_says, name="scripted:reasoning", context_tokens=context_tokens)
    research = Research(library, library.retrievers, models=Models(small, reasoning), limits=limits)
    for question in questions:
        found = await answer(research, question)
        count.routes[found.route.name] += 1
        count.summaries_skipped += not found.trace.of("summarise")
    count.small, count.reasoning = len(small.prompts), len(reasoning.prompts)
    return count


def _says(prompt: Prompt) -> str:
    """What a faithful model would: a sentence of the first evidence, cited."""
    _, _, evidence = prompt.user.partition("[1] ")
    body = evidence.partition("\n")[2] or prompt.user
    sentence = " ".join(body.split(". ")[0].split()[:40])
    return f"RELEVANCE: 8\nSUMMARY: {sentence}" if "RELEVANCE" in prompt.system else f"{sentence} [1]."


def _numbers(count: Count) -> dict[str, object]:
    return {
        "calls": count.calls,
        "small": count.small,
        "reasoning": count.reasoning,
        "questions_without_summaries": count.summaries_skipped,
        "routes": dict(count.routes),
    }
