"""`carrel demo`: the whole path, offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.demo import NOTES, QUESTION
from tests.assistant.command_line import Ran, carrel


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def first(home: Path) -> Ran:
    """The first run on a machine."""
    return carrel("demo", env={"CARREL_HOME": str(home)}, folder=home)


def check(ran: Ran) -> None:
    assert ran.code == 0, ran.stderr
    for heading in ("Library", "Question", "Route", "Steps", "Answer", "Sources", "What to try next"):
        assert f"{heading}\n" in ran.stdout
    for step in ("classify", "route", "search", "retrieve", "reason", "verify"):
        assert f"  {step} " in ran.stdout
    assert QUESTION in ran.stdout
    assert "[1] " in ran.stdout
    assert "” verified" in ran.stdout
    assert "not verified" not in ran.stdout
    assert "(unsupported)" not in ran.stdout


def test_it_shows_every_part_and_searches_by_meaning_without_a_download(first: Ran) -> None:
    check(first)
    assert "by meaning with carrel-small, which comes with Carrel" in first.stdout
    assert "No passage found has" not in first.stdout


def test_it_builds_a_generation_for_the_vector_search_apart_from_the_persons_library(
    first: Ran, home: Path
) -> None:
    assert list((home / "data" / "demo").rglob("chroma.sqlite3"))
    assert not (home / "data" / "library").exists()


def test_its_library_is_used_again_and_may_be_asked_something_else(first: Ran, home: Path) -> None:
    again = carrel("demo", "-q", "What", "is", "a", "circuit", "breaker?", env={"CARREL_HOME": str(home)})
    assert again.code == 0
    assert "What is a circuit breaker?" in again.stdout
    assert "Library\n  11 notes" in again.stdout
    assert again.stderr == ""


def test_the_notes_come_in_several_formats() -> None:
    kinds = [path.suffix for path in NOTES.iterdir() if path.is_file()]
    assert len(kinds) >= 8
    assert {".md", ".txt", ".html", ".tex", ".pdf"} <= set(kinds)
