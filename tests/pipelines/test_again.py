"""Asking again uses the evidence that is there: nothing is searched for but the web, and that only if allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from indexes.types import Hit
from pipelines.again import opened
from pipelines.consents import consents
from pipelines.events import Classified, Done, EvidenceReady, Failed, Routed
from pipelines.models import Models
from pipelines.person import Person, Setting
from pipelines.research import Research
from pipelines.settings import Limits
from pipelines.testing import PageShelves, ScriptedModel
from pipelines.types import Again, Answer, Question
from tests.pipelines.papers import BREAKER, JITTER, Found, hit, pages

NOTES = [hit(JITTER, title="Jitter", rank=1), hit(BREAKER, title="Breakers", rank=2)]
PAGE = hit("Full jitter is described on the web.", title="A page", rank=1, retriever="web", origin="web")
QUESTION = "How does full jitter spread retries of clients?"
WRITTEN = "Full jitter spreads the retries of clients [1]."
DEEPER = "Each client waits a random time [1]."


class Desk:
    """A pipeline whose retrievers can be looked at."""

    def __init__(self, web: Sequence[Hit] | Exception | None = None) -> None:
        self.small = ScriptedModel(WRITTEN)
        self.reasoning = ScriptedModel(DEEPER, name="scripted:large")
        self.sources = (Found("dense", NOTES), Found("keyword", NOTES))
        self.web = None if web is None else Found("web", web)
        self.research = Research(
            PageShelves(pages(NOTES)),
            self.sources,
            models=Models(small=self.small, reasoning=self.reasoning),
            web=self.web,
            limits=Limits.model_validate({"cascade": {"kinds": ["method"]}}),
        )

    @property
    def searches(self) -> int:
        return sum(len(source.asked) for source in self.sources)

    async def events(self, question: Question, web: Setting = "auto") -> list[Any]:
        person = Person(consents=consents(web=web))
        return [event async for event in self.research.stream(question, person=person)]

    async def ask(self, question: Question, web: Setting = "auto") -> Answer:
        events = await self.events(question, web)
        assert isinstance(events[-1], Done), events[-1]
        return events[-1].answer


def again(answer: Answer, how: Any, model: str = "") -> Question:
    return Question(
        text=QUESTION, again=Again(how=how, model=model, query=answer.query, evidence=answer.evidence)
    )


async def test_asked_deeper_the_reasoning_model_reads_the_same_evidence_and_nothing_is_searched() -> None:
    desk = Desk()
    first = await desk.ask(Question(text=QUESTION))
    assert first.author == "scripted:small"
    before = desk.searches
    events = await desk.events(again(first, "deeper"))
    second = events[-1].answer
    assert (second.text, second.author) == (DEEPER, "scripted:large")
    assert second.evidence == first.evidence
    assert desk.searches == before
    assert {span.name for span in second.trace} == {"understand", "route", "draft", "reason", "verify"}
    assert second.route.why.startswith("Asked deeper: scripted:large reads")
    kinds = [type(event) for event in events]
    assert kinds.index(Classified) < kinds.index(Routed) < kinds.index(EvidenceReady)


async def test_another_model_answers_in_the_place_of_the_reasoning_model() -> None:
    desk = Desk()
    first = await desk.ask(Question(text=QUESTION))
    calls = len(desk.small.prompts)
    second = await desk.ask(again(first, "model", "scripted:large"))
    assert second.route.name == "again: scripted:large"
    assert len(desk.small.prompts) == calls


async def test_the_web_adds_to_the_evidence_and_keeps_its_numbers() -> None:
    desk = Desk(web=[PAGE])
    first = await desk.ask(Question(text=QUESTION))
    before = desk.searches
    second = await desk.ask(again(first, "web"))
    assert second.evidence[: len(first.evidence)] == first.evidence
    assert [each.document.origin for each in second.evidence[len(first.evidence) :]] == ["web"]
    assert [each.id for each in second.evidence] == list(range(1, len(second.evidence) + 1))
    assert desk.searches == before
    assert second.usage.web_searches == 1
    assert any("is from the web" in note for note in second.notes)


@pytest.mark.parametrize(
    ("web", "setting", "why"),
    [
        (None, "auto", "switched off"),
        ([PAGE], "never", "not allowed"),
        ([PAGE], "ask", "nobody allowed it"),
        ([], "auto", "found nothing"),
    ],
)
async def test_without_anything_from_the_web_no_model_is_paid_for_the_same_answer(
    web: Any, setting: Setting, why: str
) -> None:
    desk = Desk(web=web)
    first = await desk.ask(Question(text=QUESTION))
    calls = len(desk.reasoning.prompts)
    events = await desk.events(again(first, "web"), web=setting)
    assert isinstance(events[-1], Failed)
    assert why in events[-1].message
    assert "stands as it is" in events[-1].message
    assert len(desk.reasoning.prompts) == calls


async def test_deeper_opens_the_passages_behind_summaries_as_far_as_they_fit() -> None:
    desk = Desk()
    first = await desk.ask(Question(text=QUESTION))
    read = tuple(
        each.model_copy(update={"read_by": "scripted:small", "summary": "It helps."})
        for each in first.evidence
    )
    assert [each.read_by for each in opened(read, room_tokens=16_000)] == [""] * len(read)
    assert opened(read, room_tokens=900) == read
