"""What is put down about a question beside its answer: a recording to replay, a trace for OpenTelemetry."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.events import AskEvent
from pipelines.types import Answer

if TYPE_CHECKING:
    from assistant.build import Workbench
    from assistant.settings import Settings, TracingSettings
    from pipelines.person import Decide, Person
    from pipelines.research import Around, Research
    from pipelines.types import Question

__all__ = ["exported", "person_of", "recorded", "replaying"]

_log = logging.getLogger("carrel")


def person_of(settings: Settings, decide: Decide | None) -> Person:
    """Whoever can be asked, and what the settings leave to them."""
    from pipelines.consents import consents
    from pipelines.person import Person

    policies = settings.person
    return Person(
        decide=decide,
        consents=consents(
            web=settings.web,
            budget=policies.budget,
            collection=policies.collection,
            failure=policies.failure,
        ),
        timeout_seconds=policies.timeout_seconds,
    )


@contextmanager
def recorded(
    workbench: Workbench,
    question: Question,
    decide: Decide | None,
    path: Path | None,
    around: Around | None = None,
) -> Iterator[tuple[Research, Person]]:
    """The pipeline and the person for one question; with a path, everything they are asked is recorded.

    Args:
        workbench: What is open.
        question: What is asked.
        decide: Shows a question to the person.
        path: Where to record; a file that does not exist yet.
        around: Puts something around the services, below what is recorded.

    Raises:
        RecordingError: The file exists already, or cannot be written.
    """
    from assistant.asking_again import models_for

    models = models_for(workbench, question)
    if path is None:
        usual = models is workbench.models and around is None
        research = workbench.research if usual else workbench.composed(around, models=models)
        yield research, person_of(workbench.settings, decide)
        return
    from pipelines.recording import Recording, recording_decide, recording_services

    with Recording(path, question) as recording:
        deciding = recording_decide(decide, recording) if decide else None

        def services(given: Mapping[str, Any]) -> Mapping[str, Any]:
            return recording_services(around(given) if around else given, recording)

        research = workbench.composed(services, models=models)
        yield research, person_of(workbench.settings, deciding)
        if recording.problem:
            _log.warning("%s is incomplete: %s", path, recording.problem)


async def replaying(settings: Settings, path: Path, *, speed: float = 0.0) -> AsyncGenerator[AskEvent, None]:
    """Yields the events of a recorded question once more: no model, no library and no network is needed.

    Args:
        settings: What is left to a person; the same as when it was recorded.
        path: The recording.
        speed: 1 takes as long as it took, 2 half of that, 0 no time at all.

    Raises:
        CarrelError: The file is no recording, or holds less than the question asks for.
    """
    from pipelines.models import Models
    from pipelines.replay import Replay, replayed_decide, replayed_services
    from pipelines.research import Research
    from pipelines.testing import PageShelves

    replay = await asyncio.to_thread(Replay, path, speed=speed)
    research = Research(
        PageShelves({}),
        (),
        models=Models(),
        limits=replay.header.limits,
        around=lambda services: replayed_services(replay),
    )
    person = person_of(settings, replayed_decide(replay))
    async with aclosing(research.stream(replay.question, person=person)) as events:
        async for event in events:
            yield event
    replay.check()


async def exported(answer: Answer, settings: TracingSettings) -> None:
    """Gives the answer's trace to OpenTelemetry, where the settings say so; a fault there is only logged."""
    if not settings.opentelemetry:
        return
    from pipelines.otel import export, facts_of

    try:
        facts = facts_of(answer, with_text=settings.text)
        await asyncio.to_thread(export, answer.trace, facts=facts, with_text=settings.text)
    except Exception:  # noqa: BLE001 - the outer door to the person's own exporters
        _log.exception("The trace could not be given to OpenTelemetry")
