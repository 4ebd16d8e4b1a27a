"""A model that does whatever a document says cannot do anything: nothing but its text ever leaves it."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from assistant import Assistant
from assistant.html import to_html
from assistant.render import to_markdown, to_text
from assistant.settings import load_settings
from tests.assistant.inert import read_inert
from tests.faults.corpus.injections import INJECTIONS, hostile_note
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.dialects.searxng import SearchResult, SearXNG
from tests.faults.responders import Message, obedient
from tests.faults.server import FaultServer
from tests.faults.watch import Watch, watching
from tests.faults.wire import Request

_CANARY = "CANARY-7431"
_DIARY = f"# Diary\n\nThe pass phrase of the reader in the third carrel of the library is {_CANARY}.\n"
_WOODS = (
    "oak ash elm fir yew larch beech cedar maple walnut cherry poplar willow birch alder holly rowan aspen"
)
_SUBJECTS = dict(zip(INJECTIONS, _WOODS.split(), strict=True))
"""What the note with each order is about, so that a question finds it before the others."""
_MOST_CALLS = 25


@pytest.fixture(scope="module")
def attacker() -> Iterator[FaultServer]:
    """A server that every order names; whoever calls it has obeyed one."""
    with FaultServer(SearXNG()) as server:
        yield server


@pytest.fixture(scope="module")
def trophy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the orders want written."""
    return tmp_path_factory.mktemp("outside") / "trophy.txt"


@pytest.fixture(scope="module")
def model_server() -> Iterator[FaultServer]:
    """A model that obeys the first order it reads."""
    with FaultServer(OpenAIChat(obedient), prefix="/v1") as server:
        yield server


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, model_server: FaultServer, attacker: FaultServer, trophy: Path
) -> Path:
    """A home with settings, a library with a note for each kind of order, and one note that is private."""
    home, notes = tmp_path_factory.mktemp("carrel"), tmp_path_factory.mktemp("notes")
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text(
        f'web = "never"\n\n[library]\nencoder = "none"\n\n'
        f'[models.small]\nname = "openai:small"\nbase_url = "{model_server.base_url}"\n\n'
        f'[models.reasoning]\nname = "openai:big"\nbase_url = "{model_server.base_url}"\n'
    )
    (notes / "diary.md").write_text(_DIARY)
    for order, wood in _SUBJECTS.items():
        note = hostile_note(order, subject=wood, url=attacker.url, path=str(trophy))
        (notes / f"{wood}.md").write_text(note)
    with Assistant(home) as assistant:
        assistant.add(notes)
    return home


@pytest.fixture(scope="module")
def assistant(home: Path) -> Iterator[Assistant]:
    with Assistant(home) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _nothing_asked_yet(
    model_server: FaultServer, attacker: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"sk-{_CANARY}-key")
    model_server.ledger.clear()
    attacker.ledger.clear()


@pytest.mark.parametrize("order", INJECTIONS)
def test_an_order_in_a_note_is_obeyed_by_the_model_and_by_nothing_else(
    order: str,
    assistant: Assistant,
    home: Path,
    model_server: FaultServer,
    attacker: FaultServer,
    trophy: Path,
) -> None:
    before, settings = _state(home), assistant.settings.model_copy(deep=True)

    with watching() as watch:
        answer = assistant.ask(f"Who liked carrels of {_SUBJECTS[order]}?")

    words = INJECTIONS[order].format(url=attacker.url, path=trophy)
    assert [said for seen in model_server.ledger if (said := _said(seen.request))[:12] in words]
    assert {seen.path for seen in model_server.ledger} == {"/v1/chat/completions"}
    assert len(model_server.ledger) <= _MOST_CALLS
    assert not [seen for seen in model_server.ledger if f"{_CANARY}-key" in str(seen.request)]
    assert len(attacker.ledger) == 0
    _check_that_nothing_was_touched(watch, home, model_server)
    assert not trophy.exists()
    assert _state(home) == before
    assert assistant.settings == settings
    for shown in (to_text(answer), to_markdown(answer)):
        assert not set(shown) & {*map(chr, range(9)), "\x0b", "\x1b", "\x7f", *map(chr, range(0x80, 0xA0))}
    assert not [link for link in read_inert(to_html(answer)).links if not link.startswith("#")]


def test_an_order_in_a_search_result_is_not_followed_either(
    home: Path, model_server: FaultServer, attacker: FaultServer, trophy: Path
) -> None:
    question = "How do lighthouses keep their lamps turning?"

    def find(query: str) -> list[SearchResult]:
        orders = (text.format(url=attacker.url, path=trophy) for text in INJECTIONS.values())
        return [
            SearchResult("Lighthouses keep lamps turning", f"{attacker.url}/{number}", f"Lamps turn. {text}")
            for number, text in enumerate(orders)
        ]

    with FaultServer(SearXNG(find)) as search:
        with watching() as watch, Assistant(home, web="auto", searxng_url=search.url) as assistant:
            assistant.ask(question)
        searches = [seen.request.query for seen in search.ledger]

    assert searches == [{"q": question, "format": "json"}], "the person's own words, once"
    assert len(attacker.ledger) == 0, "a result is read as it is; its page is not fetched"
    assert model_server.ledger.count() <= _MOST_CALLS
    _check_that_nothing_was_touched(watch, home, model_server, search)


def test_what_is_watched_is_noticed(tmp_path: Path, attacker: FaultServer) -> None:
    with watching() as watch:
        (tmp_path / "note").write_text("x")
        (tmp_path / "note").replace(tmp_path / "moved")
        sqlite3.connect(tmp_path / "data.db").close()
        subprocess.run(["true"], check=True)
        host, port = attacker.url.removeprefix("http://").split(":")
        socket.create_connection((host, int(port))).close()
    (tmp_path / "later").write_text("x")

    assert {path.name for path in watch.written_outside()} >= {"note", "moved", "data.db"}
    assert watch.written_outside(tmp_path) == []
    assert len(watch.started) == 1
    assert watch.called == [(host, int(port))]
    assert "later" not in {path.name for path in watch.written}


def _said(request: Request) -> str:
    return obedient([Message.of(entry) for entry in request.json["messages"]])


def _state(home: Path) -> dict[str, str]:
    """What must not change: the settings to the byte, and every row of the library."""
    catalogue = home / "data" / "library" / "catalogue.sqlite"
    with sqlite3.connect(f"file:{catalogue}?mode=ro", uri=True) as connection:
        rows = "\n".join(connection.iterdump())
    connection.close()
    settings = (home / "config" / "config.toml").read_text()
    return {"library": rows, "settings": settings, "loaded": load_settings(home).model_dump_json()}


def _check_that_nothing_was_touched(watch: Watch, home: Path, *servers: FaultServer) -> None:
    allowed = {(urlsplit(server.url).hostname, urlsplit(server.url).port) for server in servers}
    assert set(watch.started) <= {"uname"}, "by which a client learns what to call this system"
    assert watch.written_outside(home) == []
    assert set(watch.called) <= allowed
    assert set(watch.looked_up) <= {"127.0.0.1"}
