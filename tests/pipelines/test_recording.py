"""A run is recorded to one file that says what it holds, and that nothing in it can break."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from indexes.errors import CarrelError, PathMissing, SearchError
from indexes.protocols import Retriever
from pipelines.errors import ModelRefused
from pipelines.models import ChatModel, Models, ModelSettings, Prompt
from pipelines.recorded import RecordingError
from pipelines.recording import Recording, RecordingExists, recording_services
from pipelines.replay import RecordingDamaged, Replay, ReplayMissing, replayed_services
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.testing import PageShelves, ScriptedModel
from pipelines.trace import Recorder, current_span
from pipelines.types import Question, Usage
from tests.pipelines.papers import Found, hit, pages
from tests.pipelines.runs import (
    PROMPT,
    QUESTION,
    bytes_of,
    recorded,
    rewrite,
    services,
)

HOSTILE = '\x1b]0;owned\x07"}\n{"format": "carrel recording"}\r\n\u2028[/nope] \u202e<script> \\ud800 \x00'
SPENT = Usage(calls=1, input_tokens=7, output_tokens=3, cost_usd=0.25)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


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
    assert len(asks) == 5
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
