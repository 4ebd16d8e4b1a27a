"""A follow-up becomes a whole question: by the small model, or by a plain rule; what stands alone is left."""

from __future__ import annotations

import pytest

from pipelines.condense import needs_context
from pipelines.errors import ModelUnreachable
from pipelines.events import Classified, Done
from pipelines.models import Models
from pipelines.research import Research
from pipelines.settings import Limits
from pipelines.testing import PageShelves, ScriptedModel
from pipelines.types import Answer, Earlier, Question
from tests.pipelines.papers import JITTER, Found, hit, pages

NOTES = [hit(JITTER, title="Jitter", rank=1)]
EARLIER = "Does full jitter spread the retries of many clients?"


def research(small: ScriptedModel | None = None) -> tuple[Research, Found]:
    source = Found("keyword", NOTES)
    models = Models(small=small)
    limits = Limits.model_validate({"cascade": {"on": False}, "attempts": 1})
    return Research(PageShelves(pages(NOTES)), (source,), models=models, limits=limits), source


async def ask(pipeline: Research, text: str, earlier: str = EARLIER) -> Answer:
    question = Question(text=text, follows=Earlier(text=earlier))
    events = [event async for event in pipeline.stream(question)]
    assert isinstance(events[-1], Done), events[-1]
    told = [event.query for event in events if isinstance(event, Classified)]
    assert told[-1] == events[-1].answer.query
    return events[-1].answer


@pytest.mark.parametrize(
    "text",
    [
        "and in mice?",
        "What about servers?",
        "Why?",
        "in worms",
        "How large are they?",
        "Does it help servers too?",
        "Which of these are open source?",
        "Who found that?",
        "and in:notes what about servers",
    ],
)
def test_what_goes_on_is_known_by_its_wording(text: str) -> None:
    assert needs_context(text)


@pytest.mark.parametrize(
    "text",
    [
        "What does full jitter do to the retries of many clients?",
        "How do circuit breakers decide when to close again?",
        "Is it true that jitter reduces load?",
        "In which year was reciprocal rank fusion published?",
        "Which evidence suggests that retries help?",
        "in:notes year:2020",
    ],
)
def test_what_stands_alone_is_left_as_it_is(text: str) -> None:
    assert not needs_context(text)


async def test_without_a_model_both_questions_are_asked_as_they_stand() -> None:
    pipeline, source = research()
    answer = await ask(pipeline, "and for servers?")
    assert answer.query.text == f"{EARLIER} And for servers?"
    assert answer.query.said == "and for servers?"
    assert {text for text, _ in source.asked} == {answer.query.text}
    third = await ask(pipeline, "and for phones?", earlier=answer.query.text)
    assert third.query.text == f"{EARLIER} And for phones?"


async def test_the_small_model_writes_the_whole_question_and_the_filters_stay() -> None:
    small = ScriptedModel(
        lambda prompt: (
            "Does full jitter spread the retries of servers?"
            if "Follow-up: and for servers?" in prompt.user
            else "Full jitter spreads retries [1]."
        )
    )
    pipeline, _ = research(small)
    answer = await ask(pipeline, "and for servers? type:md", earlier=f"{EARLIER} year:2019..")
    assert answer.query.text == "Does full jitter spread the retries of servers?"
    assert answer.query.for_library == f"{answer.query.text} year:2019.. type:md"
    assert answer.query.said == "and for servers? type:md"
    assert "year:" not in small.prompts[0].user


@pytest.mark.parametrize(
    "reply",
    ["", "Bananas are yellow.", "x" * 500, ModelUnreachable("No connection.")],
    ids=["nothing", "about something else", "endless", "unreachable"],
)
async def test_a_model_that_writes_no_question_is_replaced_by_the_rule(reply: str | Exception) -> None:
    small = ScriptedModel(lambda prompt: reply if "Follow-up:" in prompt.user else "It spreads them [1].")
    pipeline, _ = research(small)
    answer = await ask(pipeline, "and for servers?")
    assert answer.query.text == f"{EARLIER} And for servers?"
    assert any(each.step == "condense" for each in answer.degraded)


async def test_a_question_that_stands_alone_is_asked_as_it_is() -> None:
    pipeline, _ = research()
    answer = await ask(pipeline, "How does full jitter spread retries?")
    assert answer.query.text == "How does full jitter spread retries?"
    assert answer.query.said == ""
    assert not answer.trace.of("condense")
