"""A research pipeline over the built-in notes, with a real library and models that take a set time."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.measure import shipped_folder
from indexes.embed import OnnxEncoder
from indexes.library import Library
from indexes.protocols import Encoder
from pipelines.events import Done
from pipelines.models import Models
from pipelines.research import Research
from pipelines.settings import Limits
from pipelines.types import Answer, Question

__all__ = ["NARROW_QUESTIONS", "QUESTIONS", "WIDE_QUESTIONS", "answer", "research_over_notes"]

NOTES = Path(__file__).parents[1] / "assistant" / "demo" / "notes"

NARROW_QUESTIONS = (
    "When does a circuit breaker open, and what does it do then?",
    "What is full jitter?",
    "Where does keyword retrieval fail?",
    "When should a person be asked?",
)
WIDE_QUESTIONS = (
    "Why does reciprocal rank fusion use ranks and not scores?",
    "How is time reserved for a fallback?",
    "How are retries of many clients spread over time?",
    "Compare a cascade of models with always using the large model.",
)
QUESTIONS = NARROW_QUESTIONS + WIDE_QUESTIONS


@asynccontextmanager
async def research_over_notes(
    models: Models, *, limits: Limits | None = None
) -> AsyncGenerator[tuple[Research, Encoder]]:
    """Yields a pipeline over the notes, embedded by the model that ships, and the encoder."""
    encoder = OnnxEncoder(shipped_folder())
    with tempfile.TemporaryDirectory() as folder:
        async with Library.open(Path(folder), encoder=encoder) as library:
            await library.add([NOTES])
            yield Research(library, library.retrievers, models=models, limits=limits), encoder


async def answer(research: Research, text: str) -> Answer:
    """The whole answer to one question."""
    async for event in research.stream(Question(text=text)):
        if isinstance(event, Done):
            return event.answer
    raise AssertionError(f"no answer to {text!r}")
