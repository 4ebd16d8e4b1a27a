"""A recorded run is replayed as it was, with no model, no library and no network behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from indexes.types import Hits
from pipelines.consents import consents, web_consent
from pipelines.errors import ModelLimited, ModelRefused
from pipelines.events import Asked, Decided, Done, Failed, HitsFound
from pipelines.gate import Gate
from pipelines.metered import Metered
from pipelines.models import Models, Prompt
from pipelines.person import Person
from pipelines.recording import Recording, recording_decide, recording_services
from pipelines.replay import Replay, ReplayMissing, replayed_decide, replayed_services
from pipelines.settings import Limits
from pipelines.testing import ScriptedModel
from pipelines.trace import current_span
from pipelines.types import Budget, Outcome, Question
from tests.pipelines.papers import JITTER, Found, hit
from tests.pipelines.runs import (
    NOTES,
    PROMPT,
    QUESTION,
    answer_of,
    bytes_of,
    events_of,
    hanging_model,
    recorded,
    rewrite,
    services,
    small_model,
    without_seconds,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


async def test_a_run_with_a_hanging_model_and_a_failing_source_is_replayed_as_it_was(path: Path) -> None:
    answer = await recorded(path, services())
    assert {(each.step, each.outcome) for each in answer.degraded} == {
        ("search", Outcome.INTERNAL),
        ("summarise", Outcome.REFUSED),
        ("reason", Outcome.TIMED_OUT),
    }
    replay = Replay(path)
    again = answer_of(await events_of(replayed_services(replay), replay.question))
    replay.check()
    assert (again.text, again.citations) == (answer.text, answer.citations)
    assert again.degraded == answer.degraded
    assert again.usage.calls == answer.usage.calls == 5
    assert without_seconds(again) == without_seconds(answer)


async def test_a_run_without_models_is_replayed_too(path: Path) -> None:
    answer = await recorded(path, services(models=Models()))
    replay = Replay(path)
    assert without_seconds(answer_of(await events_of(replayed_services(replay)))) == without_seconds(answer)
    assert replay.missing == []


async def test_a_call_that_was_given_up_times_out_again_without_the_wait(path: Path) -> None:
    await recorded(path, services())
    patient = {**replayed_services(Replay(path)), "limits": Limits(reason_seconds=3600)}
    answer = answer_of(await events_of(patient))
    assert ("reason", Outcome.TIMED_OUT) in {(each.step, each.outcome) for each in answer.degraded}


async def test_what_ended_first_ends_first_again(path: Path) -> None:
    keyword_is_done = asyncio.Event()

    class Noting(Found):
        async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
            if self.name == "dense":
                await keyword_is_done.wait()
            else:
                keyword_is_done.set()
            return Hits(hits=tuple(NOTES), notes=(f"A note of {self.name}.",))

    answer = await recorded(
        path, services(retrievers=(Noting("dense", []), Noting("keyword", [])), models=Models())
    )
    notes = [note for note in answer.notes if note.startswith("A note")]
    assert notes == ["A note of keyword.", "A note of dense."]
    assert answer_of(await events_of(replayed_services(Replay(path)))).notes == answer.notes


async def test_a_persons_word_is_recorded_and_replayed(path: Path) -> None:
    async def yes(asked: Asked) -> str:
        return "yes"

    snippet = hit(JITTER, title="A page", retriever="web", origin="web", collection="web")
    nothing_but_the_web = services(
        retrievers=(Found("keyword", []),), web=Found("web", [snippet]), models=Models()
    )
    consents = {"web": web_consent("ask")}
    with Recording(path, QUESTION) as recording:
        person = Person(decide=recording_decide(yes, recording), consents=consents)
        events = await events_of(recording_services(nothing_but_the_web, recording), person=person)
    replay = Replay(path)
    person = Person(decide=replayed_decide(replay), consents=consents)
    again = await events_of(replayed_services(replay), person=person)
    assert [event.choice for event in again if isinstance(event, Decided)] == ["yes"]
    assert without_seconds(answer_of(again)) == without_seconds(answer_of(events))
    assert answer_of(again).usage.web_searches == 1


async def test_a_budget_that_a_person_lifted_is_lifted_again(path: Path) -> None:
    async def yes(asked: Asked) -> str:
        return "yes"

    metered = Models(
        small=Metered(small_model(), Gate("one")), reasoning=Metered(hanging_model(), Gate("another"))
    )
    asked = QUESTION.model_copy(update={"budget": Budget(max_calls=2)})
    with Recording(path, asked) as recording:
        person = Person(decide=recording_decide(yes, recording), consents=consents())
        given = recording_services(services(models=metered), recording)
        answer = answer_of(await events_of(given, asked, person=person))
    assert answer.usage.calls > 2
    replay = Replay(path)
    person = Person(decide=replayed_decide(replay), consents=consents())
    again = answer_of(await events_of(replayed_services(replay), replay.question, person=person))
    replay.check()
    assert without_seconds(again) == without_seconds(answer)


async def test_what_was_tried_again_after_a_wait_is_tried_again_at_once(path: Path) -> None:
    limited = ModelLimited("Too many calls.")
    limited.retry_after_seconds = 0.001
    replies = iter([limited, limited, "Full jitter spreads the retries of clients [1]."])
    writing = Models(reasoning=ScriptedModel(lambda prompt: next(replies), name="scripted:large"))
    answer = await recorded(path, services(models=writing, limits=Limits()))
    assert [span.attempt for span in answer.trace.of("reason")] == [1, 2, 3]
    rewrite(path, bytes_of(path).replace(b'"retry_after_seconds": 0.001', b'"retry_after_seconds": 100.0'))
    again = answer_of(await events_of(replayed_services(Replay(path))))
    assert without_seconds(again) == without_seconds(answer)


async def test_a_wait_that_was_too_long_is_told_again(path: Path) -> None:
    limited = ModelLimited("Too many calls.")
    limited.retry_after_seconds = 7200.0
    answer = await recorded(path, services(models=Models(reasoning=ScriptedModel(limited)), limits=Limits()))
    (fallback,) = [each for each in answer.degraded if each.step == "reason"]
    assert fallback.retry_after_seconds == 7200
    again = answer_of(await events_of(replayed_services(Replay(path))))
    assert without_seconds(again) == without_seconds(answer)


async def test_a_reply_that_was_cut_at_its_longest_is_partial_again(path: Path) -> None:
    class Cut(ScriptedModel):
        async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
            async for piece in super().stream(prompt):
                yield piece
            if span := current_span():
                span.truncated = True

    answer = await recorded(path, services(models=Models(small=Cut("Full jitter spreads retries [1]."))))
    assert any("stopped at its longest reply" in note for note in answer.notes)
    assert without_seconds(answer_of(await events_of(replayed_services(Replay(path))))) == without_seconds(
        answer
    )


async def test_a_call_that_the_file_does_not_hold_names_itself(path: Path) -> None:
    await recorded(path, services())
    replay = Replay(path)
    asked = Question(text="What does a circuit breaker do?")
    await events_of(replayed_services(replay), asked)
    with pytest.raises(ReplayMissing, match=r"'run\.jsonl' does not hold retrievers\.dense\.search"):
        replay.check()
    assert "Record the run again" in replay.missing[0].hint
    assert {type(error) for error in replay.missing} == {ReplayMissing}


async def test_a_call_is_answered_once(path: Path) -> None:
    with Recording(path, QUESTION) as recording:
        await recording_services(services(), recording)["library"].page("doc-Jitter", 1)
    library = replayed_services(Replay(path))["library"]
    assert await library.page("doc-Jitter", 1) == NOTES[0].passage.text
    with pytest.raises(ReplayMissing, match=r"library\.page \(\w+\) a time number 2"):
        await library.page("doc-Jitter", 1)


async def test_calls_with_the_same_arguments_get_their_results_in_order(path: Path) -> None:
    replies = iter([ModelRefused("Not now."), "Second.", "Third."])
    with Recording(path, QUESTION) as recording:
        model = recording_services(
            services(models=Models(small=ScriptedModel(lambda prompt: next(replies)))), recording
        )["small"]
        with pytest.raises(ModelRefused):
            await model.complete(PROMPT)
        assert [await model.complete(PROMPT), await model.complete(PROMPT)] == ["Second.", "Third."]
    again = replayed_services(Replay(path))["small"]
    with pytest.raises(ModelRefused, match=r"Not now\."):
        await again.complete(PROMPT)
    assert [await again.complete(PROMPT), await again.complete(PROMPT)] == ["Second.", "Third."]


async def test_a_stream_that_nobody_read_to_its_end_yields_what_it_had_yielded(path: Path) -> None:
    with Recording(path, QUESTION) as recording:
        model = recording_services(
            services(models=Models(small=ScriptedModel("One\nTwo\nThree"))), recording
        )["small"]
        async with aclosing(model.stream(PROMPT)) as pieces:
            assert await anext(pieces) == "One\n"
    async with aclosing(replayed_services(Replay(path))["small"].stream(PROMPT)) as pieces:
        assert await anext(pieces) == "One\n"
        with pytest.raises(TimeoutError):
            await anext(pieces)


async def test_at_recorded_speed_a_reply_takes_as_long_as_it_did(path: Path) -> None:
    with Recording(path, QUESTION) as recording:
        model = recording_services(
            services(models=Models(small=ScriptedModel("A\nB", seconds=0.02))), recording
        )["small"]
        await model.complete(PROMPT)
    began = time.monotonic()
    assert await replayed_services(Replay(path, speed=1))["small"].complete(PROMPT) == "A\nB"
    assert time.monotonic() - began >= 0.02
    with pytest.raises(ValueError, match="at least 0"):
        Replay(path, speed=-1)


async def test_a_file_whose_last_line_is_cut_is_replayed_up_to_there(path: Path) -> None:
    await recorded(path, services())
    whole = bytes_of(path).splitlines(keepends=True)
    (number,) = [
        number for number, line in enumerate(whole) if b'"reasoning"' in line and b'"stream"' in line
    ]
    rewrite(path, b"".join(whole[:number]) + whole[number][:50])
    replay = Replay(path)
    events = await events_of(replayed_services(replay))
    assert replay.truncated
    assert [event.count for event in events if isinstance(event, HitsFound)] == [3]
    assert "reasoning.stream" in replay.missing[0].message
    assert replay.missing[0].hint == "It ends early: its last line is cut."
    assert isinstance(events[-1], Done | Failed)


async def test_a_file_may_be_cut_anywhere(path: Path) -> None:
    await recorded(path, services())
    whole = bytes_of(path)
    header = whole.index(b"\n") + 1
    for end in range(header, len(whole), 997):
        rewrite(path, whole[:end])
        assert Replay(path).question == QUESTION
