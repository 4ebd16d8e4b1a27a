"""The research pipeline answers by the cheapest path that will do, and always says what it could not do."""

from __future__ import annotations

import asyncio
from typing import Any

from indexes.errors import FilterRefused, SearchError, WebBlocked
from pipelines.consents import web_consent
from pipelines.errors import ModelAuth, ModelRefused
from pipelines.events import Asked, Decided, Done, EvidenceReady, Failed, FellBack, StepSkipped, Token
from pipelines.models import Models, Prompt
from pipelines.person import Person
from pipelines.research import Research
from pipelines.settings import Limits
from pipelines.testing import PageShelves, ScriptedModel
from pipelines.types import Answer, Outcome, Question
from tests.pipelines.papers import BREAKER, FUSION, JITTER, Found, hit, pages

NOTES = [
    hit(JITTER, title="Jitter", rank=1),
    hit(BREAKER, title="Breakers", rank=2),
    hit(FUSION, title="Fusion", rank=3),
]
QUESTION = "How does full jitter spread retries of clients?"
WRITTEN = "Full jitter spreads the retries of clients [1]."


def research(
    *, keyword: Any = NOTES, dense: Any = NOTES, web: Any = None, models: Models | None = None, **limits: Any
) -> Research:
    retrievers = (Found("dense", dense), Found("keyword", keyword))
    return Research(
        PageShelves(pages(NOTES)),
        retrievers,
        models=models,
        web=Found("web", web) if web is not None else None,
        limits=Limits(**limits),
    )


async def ask(
    pipeline: Research, text: str = QUESTION, person: Person | None = None
) -> tuple[Answer, list[Any]]:
    events = [event async for event in pipeline.stream(Question(text=text), person=person)]
    assert isinstance(events[-1], Done), events[-1]
    return events[-1].answer, events


def fallbacks(answer: Answer) -> list[tuple[str, str, Outcome]]:
    return [(each.step, each.rung, each.outcome) for each in answer.degraded]


async def test_without_a_model_the_answer_is_the_papers_own_sentences_and_says_so() -> None:
    answer, _ = await ask(research())
    assert answer.author == "extractive"
    assert "Full jitter spreads their retries" in answer.text
    assert all(citation.verified for citation in answer.citations)
    assert any("No model is configured" in note for note in answer.notes)
    assert answer.degraded == ()
    assert not any("No passage found" in note for note in answer.notes)


async def test_quoted_sentences_come_with_the_words_of_the_question_that_none_of_them_has() -> None:
    answer, _ = await ask(research(), "How does full jitter spread Zebrafish retries?")
    assert "Full jitter spreads their retries" in answer.text
    assert "No passage found has the word “Zebrafish”: what is quoted may not answer it." in answer.notes


async def test_with_models_and_room_the_reasoning_model_reads_the_passages_and_nothing_is_summarised() -> (
    None
):
    small, reasoning = ScriptedModel("never"), ScriptedModel(WRITTEN, name="scripted:large")
    answer, events = await ask(research(models=Models(small=small, reasoning=reasoning)))
    assert answer.text == WRITTEN
    assert answer.author == "scripted:large"
    assert small.prompts == []
    assert any(isinstance(event, StepSkipped) and event.step == "summarise" for event in events)
    assert JITTER in reasoning.prompts[0].user
    assert answer.usage.calls == 1


async def test_passages_that_do_not_fit_are_summarised_all_at_once() -> None:
    running = asyncio.Barrier(3)

    class Meeting(ScriptedModel):
        async def complete(self, prompt: Prompt) -> str:
            await asyncio.wait_for(running.wait(), 5)
            return await super().complete(prompt)

    small = Meeting("RELEVANCE: 8\nSUMMARY: It spreads the retries of clients.")
    reasoning = ScriptedModel(WRITTEN, name="scripted:large", context_tokens=1100)
    long = [
        hit(
            each.passage.text + " More about retries of clients." * 40,
            title=each.document.title,
            rank=each.rank,
        )
        for each in NOTES
    ]
    answer, _ = await ask(research(keyword=long, dense=long, models=Models(small=small, reasoning=reasoning)))
    assert len(small.prompts) == 3
    assert [each.summary for each in answer.evidence] == ["It spreads the retries of clients."] * 3
    assert {each.read_by for each in answer.evidence} == {"scripted:small"}


async def test_a_summary_that_fails_is_replaced_by_the_papers_own_sentences() -> None:
    small = ScriptedModel(
        lambda prompt: (
            ModelRefused("No.") if "Breakers" in prompt.user else "RELEVANCE: 7\nSUMMARY: It helps."
        )
    )
    long = [
        hit(
            each.passage.text + " More about retries of clients." * 40,
            title=each.document.title,
            rank=each.rank,
        )
        for each in NOTES
    ]
    reasoning = ScriptedModel(WRITTEN, name="scripted:large", context_tokens=1100)
    answer, _ = await ask(research(keyword=long, dense=long, models=Models(small=small, reasoning=reasoning)))
    assert ("summarise", "the passages themselves", Outcome.REFUSED) in fallbacks(answer)
    assert len(answer.evidence) == 3


async def test_a_reasoning_model_over_its_time_is_replaced_by_the_simpler_summary() -> None:
    models = Models(
        small=ScriptedModel("A simpler word: jitter spreads the retries of clients [1]."),
        reasoning=ScriptedModel("never", name="scripted:large", seconds=float("inf")),
    )
    answer, events = await ask(research(models=models, reason_seconds=0.05))
    assert answer.text.startswith("A simpler word")
    assert fallbacks(answer) == [("reason", "a simpler summary", Outcome.TIMED_OUT)]
    assert any(isinstance(event, FellBack) and event.step == "reason" for event in events)


async def test_when_both_models_fail_the_papers_own_sentences_answer() -> None:
    refused = ModelAuth("The key was refused.")
    models = Models(small=ScriptedModel(refused), reasoning=ScriptedModel(refused, name="scripted:large"))
    answer, _ = await ask(research(models=models))
    assert answer.author == "extractive"
    assert [each.rung for each in answer.degraded] == ["a simpler summary", "the best sentences, verbatim"]
    assert all(each.outcome is Outcome.AUTH for each in answer.degraded)


async def test_a_dead_retriever_does_not_spoil_the_answer() -> None:
    answer, _ = await ask(research(dense=SearchError("The index is gone.")))
    assert answer.found
    assert [(each.step, each.instead_of, each.why) for each in answer.degraded] == [
        ("search", "dense", "The index is gone.")
    ]


async def test_when_retrieval_fails_the_web_is_searched_if_it_is_allowed() -> None:
    snippet = [hit(JITTER, title="A page", retriever="web", origin="web", collection="web")]
    gone = SearchError("The index is gone.")
    allowed = Person(consents={"web": web_consent("auto")})
    answer, _ = await ask(research(keyword=gone, dense=gone, web=snippet), person=allowed)
    assert answer.evidence[0].document.origin == "web"
    assert any("from the web" in note for note in answer.notes)
    assert answer.usage.web_searches == 1
    assert not answer.citations[0].verified


async def test_the_web_is_never_searched_when_nobody_can_be_asked() -> None:
    web = Found("web", [hit(JITTER, origin="web")])
    pipeline = Research(PageShelves({}), (Found("keyword", []),), web=web)
    answer, _ = await ask(pipeline, person=Person(consents={"web": web_consent("ask")}))
    assert web.asked == []
    assert not answer.found
    assert "nobody allowed it" in answer.text


async def test_a_person_is_asked_before_the_web_is_searched_and_their_word_counts() -> None:
    async def no(asked: Asked) -> str:
        return "no"

    web = Found("web", [hit(JITTER, origin="web")])
    pipeline = Research(PageShelves({}), (Found("keyword", []),), web=web)
    person = Person(decide=no, consents={"web": web_consent("ask")})
    answer, events = await ask(pipeline, person=person)
    assert web.asked == []
    assert [event.choice for event in events if isinstance(event, Decided)] == ["no"]
    assert QUESTION in next(event.prompt for event in events if isinstance(event, Asked))
    assert not answer.found


async def test_a_web_that_cannot_be_searched_is_an_honest_sentence() -> None:
    pipeline = Research(
        PageShelves({}),
        (Found("keyword", []),),
        web=Found("web", WebBlocked("The search engine refuses for now.")),
    )
    answer, _ = await ask(pipeline, person=Person(consents={"web": web_consent("auto")}))
    assert "The search engine refuses for now." in answer.text


async def test_what_is_not_in_the_library_is_not_answered_from_it() -> None:
    answer, _ = await ask(research(), "Which cheese do penguins of Madagascar prefer?")
    assert not answer.found
    assert "Nothing in the library bears on this question." in answer.text


async def test_evidence_is_numbered_from_one_and_announced_before_the_text() -> None:
    _, events = await ask(research())
    ready = next(number for number, event in enumerate(events) if isinstance(event, EvidenceReady))
    first_word = next(number for number, event in enumerate(events) if isinstance(event, Token))
    assert ready < first_word
    assert [each.id for each in events[ready].evidence] == list(range(1, len(events[ready].evidence) + 1))


async def test_the_trace_holds_every_step_and_the_searches_run_side_by_side() -> None:
    meeting = asyncio.Barrier(2)
    sources = (Found("dense", NOTES, meeting=meeting), Found("keyword", NOTES, meeting=meeting))
    answer, _ = await ask(Research(PageShelves(pages(NOTES)), sources))
    assert {span.name for span in answer.trace} >= {
        "classify",
        "route",
        "search",
        "retrieve",
        "reason",
        "verify",
    }
    one, other = answer.trace.of("search")
    assert one.started <= other.ended
    assert other.started <= one.ended


async def test_an_unsure_classification_asks_the_small_model() -> None:
    small = ScriptedModel(lambda prompt: "method" if "What kind" in prompt.user else WRITTEN)
    answer, _ = await ask(research(models=Models(small=small)), "jitter retries clients")
    assert answer.query.kind == "method"
    assert answer.degraded == ()


async def test_the_library_gets_the_filters_of_a_question_and_nobody_else_does() -> None:
    keyword, small = Found("keyword", NOTES), ScriptedModel(WRITTEN)
    pipeline = Research(PageShelves(pages(NOTES)), (keyword,), models=Models(reasoning=small))
    answer, _ = await ask(pipeline, f"author:smith year:2019.. {QUESTION}")
    assert {text for text, _ in keyword.asked} == {f"author:smith year:2019.. {QUESTION}"}
    assert (answer.query.text, answer.query.kind) == (QUESTION, "method")
    assert small.prompts
    assert not any("author:" in prompt.user + prompt.system for prompt in small.prompts)


async def test_the_web_is_searched_by_the_words_alone_and_a_note_says_so() -> None:
    web = Found("web", [hit(JITTER, title="Page", origin="web")])
    pipeline = Research(PageShelves({}), (Found("keyword", []),), web=web, limits=Limits())
    person = Person(consents={"web": web_consent("auto")})
    answer, _ = await ask(pipeline, f"year:2019.. {QUESTION}", person)
    assert web.asked == [(QUESTION, ())]
    assert any("without the question's filters" in note for note in answer.notes)


async def test_a_filter_that_cannot_be_one_ends_the_question_with_its_own_words() -> None:
    refused = FilterRefused("There is no collection 'vitro'.", hint="The library has: papers.")
    pipeline = Research(PageShelves({}), (Found("dense", refused), Found("keyword", refused)))
    events = [event async for event in pipeline.stream(Question(text="in:vitro jitter"))]
    assert isinstance(events[-1], Failed)
    assert events[-1].message == "There is no collection 'vitro'."
    assert events[-1].exit_code == 2


async def test_passages_that_overlap_reach_the_answer_as_one_stretch() -> None:
    whole = hit(JITTER, title="Jitter")
    half = JITTER.index("In our runs")
    parts = [
        whole.model_copy(
            update={
                "rank": rank,
                "passage": whole.passage.model_copy(
                    update={
                        "id": f"doc-Jitter:{rank - 1}",
                        "text": JITTER[start:end],
                        "start": start,
                        "end": end,
                    }
                ),
            }
        )
        for rank, (start, end) in enumerate([(0, half - 1), (half - 60, len(JITTER))], 1)
    ]
    pipeline = Research(PageShelves(pages([whole])), (Found("keyword", parts),), limits=Limits(relevant=0))
    answer, _ = await ask(pipeline)
    (evidence,) = answer.evidence
    (found,) = evidence.hits
    assert found.passage.text == JITTER
    assert found.passage.id == "doc-Jitter:0-1"
    assert all(citation.verified for citation in answer.citations)
