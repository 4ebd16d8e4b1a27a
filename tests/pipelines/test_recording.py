"""A run is recorded to one file and replayed from it, with no model, no library and no network behind it."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from indexes.errors import CarrelError, PathMissing, SearchError
from indexes.protocols import Retriever
from indexes.types import Hits
from pipelines.consents import consents, web_consent
from pipelines.errors import ModelLimited, ModelRefused
from pipelines.events import Asked, Decided, Done, Failed, HitsFound
from pipelines.gate import Gate
from pipelines.metered import Metered
from pipelines.models import ChatModel, Models, ModelSettings, Prompt
from pipelines.person import Person
from pipelines.recorded import RecordingError
from pipelines.recording import Recording, RecordingExists, recording_decide, recording_services
from pipelines.replay import RecordingDamaged, Replay, ReplayMissing, replayed_decide, replayed_services
from pipelines.research import Research
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.testing import PageShelves, ScriptedModel
from pipelines.trace import Recorder, current_span
from pipelines.types import Answer, Budget, Outcome, Question, Usage
from tests.pipelines.papers import BREAKER, FUSION, JITTER, Found, hit, pages

NOTES = [
    hit(f"{text}{' More about retries of clients.' * 40}", title=title, rank=rank)
    for rank, (title, text) in enumerate([("Jitter", JITTER), ("Breakers", BREAKER), ("Fusion", FUSION)], 1)
]
QUESTION = Question(text="How does full jitter spread retries of clients?")
PROMPT = Prompt(system="Answer.", user="Why?")
HOSTILE = '\x1b]0;owned\x07"}\n{"format": "carrel recording"}\r\n\u2028[/nope] \u202e<script> \\ud800 \x00'
SPENT = Usage(calls=1, input_tokens=7, output_tokens=3, cost_usd=0.25)


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


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def rewrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


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


async def test_hostile_text_survives_the_trip_and_breaks_no_line(path: Path) -> None:
    hostile = hit(HOSTILE, title=HOSTILE)
    given = services(
        models=Models(
            small=ScriptedModel(HOSTILE), reasoning=ScriptedModel(ModelRefused(HOSTILE, hint=HOSTILE))
        ),
        retrievers=(Found("keyword", [hostile]),),
        library=PageShelves(pages([hostile])),
    )

    async def everything(services: Mapping[str, Any]) -> list[Any]:
        with pytest.raises(ModelRefused) as refused:
            await services["reasoning"].complete(PROMPT)
        return [
            [piece async for piece in services["small"].stream(PROMPT)],
            await services["small"].complete(PROMPT),
            await services["retrievers"][0].search(HOSTILE, limit=3),
            await services["library"].page(hostile.document.id, 1),
            await services["library"].rarity([HOSTILE]),
            (refused.value.message, refused.value.hint),
        ]

    with Recording(path, Question(text=HOSTILE)) as recording:
        recorded = await everything(recording_services(given, recording))
    assert bytes_of(path).isascii()
    assert len(bytes_of(path).splitlines()) == 7
    assert await everything(replayed_services(Replay(path))) == recorded
    assert "".join(recorded[0]) == HOSTILE


async def test_half_a_character_is_written_as_a_question_mark(path: Path) -> None:
    with Recording(path, QUESTION) as recording:
        model = recording_services(services(models=Models(small=ScriptedModel("a\ud800b"))), recording)[
            "small"
        ]
        assert await model.complete(PROMPT) == "a\ud800b"
    assert await replayed_services(Replay(path))["small"].complete(PROMPT) == "a?b"


async def test_the_file_says_what_it_holds_and_only_its_owner_can_read_it(path: Path) -> None:
    await recorded(path, services())
    header = lines_of(path)[0]
    assert mode_of(path) == 0o600
    assert (header["format"], header["version"]) == ("carrel recording", 1)
    assert header["question"]["text"] == QUESTION.text
    assert "text of the papers and replies of the models" in header["note"]
    other = path.with_name("other.jsonl")
    await recorded(other, services(limits=Limits(papers=3, reason_seconds=0.05)))
    assert lines_of(other)[0]["settings"] != header["settings"]


async def test_no_address_and_no_name_of_a_key_is_in_the_file(path: Path) -> None:
    model = ScriptedModel("Yes.")
    model.settings = ModelSettings(
        name="openai:large", base_url="https://me:secret@models.example/v1", api_key_env="MY_SECRET_KEY"
    )
    await recorded(path, services(models=Models(small=model)))
    assert b"secret" not in bytes_of(path).lower()
    assert Replay(path).header.models["small"].name == "openai:large"


async def test_calls_that_overlap_in_one_attempt_are_spent_once(path: Path) -> None:
    both = asyncio.Barrier(2)

    class Meeting(ScriptedModel):
        async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
            span = current_span()
            assert span is not None
            span.model = self.settings.name
            span.spend(SPENT)
            await both.wait()
            span.spend(Usage(output_tokens=5))
            yield "Yes."

    async def asked_twice(services: Mapping[str, Any]) -> Recorder:
        recorder = Recorder(lambda event: None)
        with recorder.span("search", "search") as span:
            span.spend(Usage(web_searches=1))
            prompts = [PROMPT, PROMPT.model_copy(update={"user": "Why not?"})]
            await asyncio.gather(*(services["small"].complete(prompt) for prompt in prompts))
        return recorder

    with Recording(path, QUESTION) as recording:
        one = await asked_twice(recording_services(services(models=Models(small=Meeting(""))), recording))
    other = await asked_twice(replayed_services(Replay(path)))
    assert one.trace.spans[0].usage == other.trace.spans[0].usage
    assert other.trace.spans[0].usage == Usage(
        calls=2, input_tokens=14, output_tokens=16, web_searches=1, cost_usd=0.5
    )
    assert other.trace.spans[0].model == "scripted:small"


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


@pytest.mark.parametrize(
    "error", [SearchError("Gone."), KeyError("doc"), TimeoutError(), UnicodeDecodeError("utf-8", b"", 0, 1, "bad")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_an_error_comes_back_as_what_it_was(path: Path, error: Exception) -> None:
    with Recording(path, QUESTION) as recording:
        source = recording_services(services(retrievers=(Found("keyword", error),)), recording)["retrievers"][
            0
        ]
        with pytest.raises(type(error)):
            await source.search("jitter", limit=3)
    expected = RuntimeError if isinstance(error, UnicodeDecodeError) else type(error)
    with pytest.raises(expected) as caught:
        await replayed_services(Replay(path))["retrievers"][0].search("jitter", limit=3)
    assert str(error).strip("'") in str(caught.value)


def test_an_error_of_a_kind_that_would_end_the_process_is_not_rebuilt(path: Path) -> None:
    asyncio.run(recorded(path, services()))
    rewrite(path, bytes_of(path).replace(b'"SearchError"', b'"SystemExit"'))
    with pytest.raises(RuntimeError, match="The index is gone"):
        asyncio.run(replayed_services(Replay(path))["retrievers"][0].search(QUESTION.text, limit=40))


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


def test_a_recording_never_replaces_a_file(path: Path) -> None:
    path.write_text("Dear diary", "utf-8")
    with pytest.raises(RecordingExists, match=r"run\.jsonl"):
        Recording(path, QUESTION)
    assert path.read_text("utf-8") == "Dear diary"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathMissing, match="nowhere"):
        Recording(tmp_path / "nowhere" / "run.jsonl", QUESTION)
    with pytest.raises(PathMissing, match="nowhere"):
        Replay(tmp_path / "nowhere" / "run.jsonl")
    with pytest.raises(RecordingError, match="cannot be read"):
        Replay(tmp_path)


@pytest.mark.parametrize("text", ["", "\n\n", "Dear diary,\nnothing new.", '{"spans": []}', "\x00\xff"])
def test_what_is_not_a_recording_is_refused(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    with pytest.raises(RecordingDamaged, match=r"run\.jsonl"):
        Replay(path)


async def test_a_recording_of_a_newer_version_and_one_broken_in_the_middle_are_refused(path: Path) -> None:
    await recorded(path, services())
    whole = bytes_of(path)
    rewrite(path, whole.replace(b'"version": 1', b'"version": 2', 1))
    with pytest.raises(RecordingDamaged, match="newer version, in format 2"):
        Replay(path)
    lines = whole.splitlines(keepends=True)
    rewrite(path, b"".join([*lines[:2], b"{}\n", *lines[3:]]))
    with pytest.raises(RecordingDamaged, match="Line 3"):
        Replay(path)


async def test_a_value_of_the_wrong_kind_is_a_damaged_recording(path: Path) -> None:
    await recorded(path, services())
    rewrite(path, bytes_of(path).replace(b'"value": {"hits"', b'"value": {"misses"'))
    keyword = replayed_services(Replay(path))["retrievers"][1]
    with pytest.raises(RecordingDamaged, match="is not what such a call returns"):
        await keyword.search(QUESTION.text, limit=40)


async def test_what_stands_in_for_a_service_offers_all_of_its_protocol(path: Path) -> None:
    given = services(web=Found("web", []))
    with Recording(path, QUESTION) as recording:
        stand_ins = recording_services(given, recording)
    asks = {name for name in vars(Shelves) if not name.startswith("_")}
    assert len(asks) == 4
    for each in (stand_ins, replayed_services(Replay(path))):
        assert set(each) == set(given)
        assert isinstance(each["small"], ChatModel)
        assert each["models"].reasoning is each["reasoning"]
        assert all(isinstance(retriever, Retriever) for retriever in (*each["retrievers"], each["web"]))
        assert asks <= set(dir(type(each["library"])))


DISK_FULL = """
import asyncio, resource, sys
from pathlib import Path
from pipelines.models import Models, Prompt
from pipelines.recording import Recording, recording_services
from pipelines.settings import Limits
from pipelines.testing import PageShelves, ScriptedModel
from pipelines.types import Question

resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
models = Models(small=ScriptedModel("x" * 500))
services = {"library": PageShelves({}), "retrievers": (), "web": None, "models": models, "limits": Limits(),
            "small": models.small, "reasoning": None}
with Recording(Path(sys.argv[1]), Question(text="Why?")) as recording:
    model = recording_services(services, recording)["small"]
    for number in range(10):
        assert asyncio.run(model.complete(Prompt(system="", user=str(number)))) == "x" * 500
print(recording.problem)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of a file as POSIX does")
def test_a_full_disk_ends_the_recording_and_not_the_question(path: Path) -> None:
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(path)],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "ends early: File too large" in run.stdout
    assert Replay(path).truncated


def test_every_error_says_so_in_one_tree() -> None:
    assert all(issubclass(error, CarrelError) for error in (RecordingExists, RecordingDamaged, ReplayMissing))
