"""A run to record: papers that have to be summarised, a model that hangs, a source that fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from indexes.errors import SearchError
from pipelines.errors import ModelRefused
from pipelines.events import Done
from pipelines.models import Models, Prompt
from pipelines.person import Person
from pipelines.recording import Recording, recording_services
from pipelines.research import Research
from pipelines.settings import Limits
from pipelines.testing import PageShelves, ScriptedModel
from pipelines.types import Answer, Question
from tests.pipelines.papers import BREAKER, FUSION, JITTER, Found, hit, pages

NOTES = [
    hit(f"{text}{' More about retries of clients.' * 40}", title=title, rank=rank)
    for rank, (title, text) in enumerate([("Jitter", JITTER), ("Breakers", BREAKER), ("Fusion", FUSION)], 1)
]
QUESTION = Question(text="How does full jitter spread retries of clients?")
PROMPT = Prompt(system="Answer.", user="Why?")


def small_model() -> ScriptedModel:
    """Reads each paper, refuses one, and answers when the reasoning model does not."""

    def reply(prompt: Prompt) -> str | Exception:
        if "SUMMARY" not in prompt.user + prompt.system:
            return "Full jitter spreads the retries of clients [1].\nEach waits a random time [1]."
        return (
            ModelRefused("I'd rather not.")
            if "Breakers" in prompt.user
            else "RELEVANCE: 8\nSUMMARY: At random."
        )

    return ScriptedModel(reply)


def hanging_model() -> ScriptedModel:
    return ScriptedModel("never", name="scripted:large", seconds=float("inf"), context_tokens=1100)


def services(**other: Any) -> dict[str, Any]:
    """A hanging reasoning model, a failing retriever, and papers that have to be summarised."""
    models = Models(small=small_model(), reasoning=hanging_model())
    standard = {
        "library": PageShelves(pages(NOTES)),
        "retrievers": (Found("dense", SearchError("The index is gone.")), Found("keyword", NOTES)),
        "web": None,
        "models": models,
        "limits": Limits(reason_seconds=0.05),
    }
    given = {**standard, **other}
    return {**given, "small": given["models"].small, "reasoning": given["models"].reasoning}


async def events_of(
    services: Mapping[str, Any], question: Question = QUESTION, *, person: Person | None = None
) -> list[Any]:
    pipeline = Research(
        services["library"],
        services["retrievers"],
        models=services["models"],
        web=services["web"],
        limits=services["limits"],
    )
    return [event async for event in pipeline.stream(question, person=person)]


async def recorded(path: Path, services: Mapping[str, Any], *, person: Person | None = None) -> Answer:
    with Recording(path, QUESTION) as recording:
        events = await events_of(recording_services(services, recording), person=person)
    return answer_of(events)


def answer_of(events: Sequence[Any]) -> Answer:
    assert isinstance(events[-1], Done), events[-1]
    return events[-1].answer


def without_seconds(answer: Answer) -> dict[str, Any]:
    """All of an answer that does not depend on how long things took."""
    plain = answer.model_dump(mode="json")
    plain["usage"].pop("seconds")
    for span in plain["trace"]["spans"]:
        for name in ("id", "started", "ended"):
            span.pop(name)
    plain["trace"] = sorted(plain["trace"]["spans"], key=str)
    return plain


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def rewrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)
