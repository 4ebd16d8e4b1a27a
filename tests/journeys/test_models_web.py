"""When the library cannot answer, the web does: real model clients and a real search service on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal

import pytest

from indexes.errors import SearchError
from indexes.library import Library
from indexes.protocols import Retriever
from indexes.types import Hits
from indexes.web import SearxNG, WebRetriever
from pipelines.chat import LangChainModel
from pipelines.events import Done
from pipelines.models import Models, ModelSettings
from pipelines.person import Consent, Decide, Person
from pipelines.research import Research
from pipelines.types import Answer, Outcome, Question
from tests.faults.script import Ending, Reply, Status, Step
from tests.faults.server import FaultServer

_QUESTION = "How do circuit breakers work?"


class BrokenIndex:
    """A retriever whose index cannot be read."""

    name = "dense"

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        raise SearchError("The index cannot be read.")


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library") as opened:
        yield opened


def _models(server: FaultServer) -> Models:
    def model(name: str) -> LangChainModel:
        return LangChainModel(ModelSettings(name=f"openai:{name}", base_url=server.base_url))

    return Models(small=model("small"), reasoning=model("big"))


async def _asked(
    library: Library,
    models: Models,
    web: FaultServer,
    *,
    retrievers: Sequence[Retriever] = (BrokenIndex(),),
    setting: Literal["ask", "auto", "never"] = "auto",
    decide: Decide | None = None,
) -> Answer:
    research = Research(library, tuple(retrievers), models=models, web=WebRetriever(SearxNG(web.url)))
    person = Person(decide=decide, consents={"web": Consent(setting=setting, refusal="It is not allowed.")})
    events = [event async for event in research.stream(Question(text=_QUESTION), person=person)]
    assert isinstance(events[-1], Done), events[-1]
    return events[-1].answer


async def test_retrieval_raises_and_the_web_answers_marked_as_web(
    library: Library, model_server: FaultServer, web_server: FaultServer
) -> None:
    answer = await _asked(library, _models(model_server), web_server)

    assert web_server.ledger.count(contains=_QUESTION) == 1
    assert answer.evidence
    assert {each.document.origin for each in answer.evidence} == {"web"}
    assert answer.evidence[0].document.source == "https://example.org/first"
    assert any("web" in note for note in answer.notes)
    assert any("web" in each.rung for each in answer.degraded)
    assert any("cannot be read" in each.why for each in answer.degraded)
    assert answer.author == "openai:big"
    assert {citation.evidence_id for citation in answer.citations} == {1, 2}
    assert not any(citation.verified for citation in answer.citations), "there is no stored page to check"
    assert answer.usage.web_searches == 1


async def test_an_empty_library_asks_the_web_too(
    library: Library, model_server: FaultServer, web_server: FaultServer
) -> None:
    answer = await _asked(library, _models(model_server), web_server, retrievers=library.retrievers)

    assert {each.document.origin for each in answer.evidence} == {"web"}


async def test_only_the_persons_own_words_are_sent(
    library: Library, model_server: FaultServer, web_server: FaultServer
) -> None:
    await _asked(library, _models(model_server), web_server)

    (request,) = [seen.request for seen in web_server.ledger]
    assert request.query == {"q": _QUESTION, "format": "json"}


async def test_without_anybody_to_ask_the_web_is_left_alone(
    library: Library, model_server: FaultServer, web_server: FaultServer
) -> None:
    answer = await _asked(library, _models(model_server), web_server, setting="ask")

    assert len(web_server.ledger) == 0
    assert len(model_server.ledger) == 0, "no model is paid to say that there is nothing"
    assert not answer.found
    assert "not allowed" in answer.text


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (Status(429), Outcome.BLOCKED),
        (Status(500), None),
        (Reply(then=Ending.BAD_JSON), None),
        (Reply(then=Ending.RST), None),
        (Reply(then=Ending.EMPTY), Outcome.NOTHING_FOUND),
    ],
    ids=["blocked", "failing", "garbage", "reset", "nothing found"],
)
async def test_a_failing_web_is_an_honest_nothing(
    library: Library,
    model_server: FaultServer,
    web_server: FaultServer,
    step: Step,
    outcome: Outcome | None,
) -> None:
    web_server.script(step)

    answer = await _asked(library, _models(model_server), web_server)

    assert not answer.found
    assert answer.text
    (web,) = [each for each in answer.degraded if "web" in each.instead_of]
    assert outcome in (None, web.outcome)
    assert web.why
    assert len(web_server.ledger) == 1


async def test_web_and_models_gone_still_end_in_a_sentence(
    library: Library, model_server: FaultServer, web_server: FaultServer
) -> None:
    web_server.script(Status(503))
    model_server.script(Status(503))

    answer = await _asked(library, _models(model_server), web_server)

    assert not answer.found
    assert answer.text


async def test_the_web_answers_extractively_when_the_models_are_gone(
    library: Library, model_server: FaultServer, web_server: FaultServer
) -> None:
    model_server.script(Status(503))

    answer = await _asked(library, _models(model_server), web_server)

    assert answer.author == "extractive"
    assert "[1]" in answer.text
    assert {each.document.origin for each in answer.evidence} == {"web"}
