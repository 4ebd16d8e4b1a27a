"""The question box: what it completes, long pastes, pasted paths, earlier questions, the person's own editor."""

from __future__ import annotations

import stat
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual.app import SuspendNotSupported

from assistant.engine.errands import FindPapers
from assistant.engine.scripted import ScriptedEngine
from assistant.failures import EngineDied
from tests.tui.shelves import Shelves, paper
from tui.completion import Wanted, authors_that_fit, known_offers, paper_offers, wanted_at
from tui.editor import editor_of, written_with
from tui.example import QUESTION
from tui.pastes import Pastes, doi_in
from tui.widgets.composer import Composer
from tui.widgets.question_box import QuestionBox

LONG = "A line of a paper.\n" * 60


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("What does @retries and", Wanted("paper", "retries and", 10)),
        ("#no", Wanted("collection", "no", 0)),
        ("jitter author:ngu", Wanted("author", "ngu", 7)),
        ('jitter author:"van der', Wanted("author", "van der", 7)),
        ("jitter author:ngu and", None),
        ("in:", Wanted("in", "", 0)),
        ("a mail to ada@example.org", None),
        ("C# in practice", None),
        ("about @retries in:no", Wanted("in", "no", 15)),
        ("@" + "x" * 61, None),
    ],
)
def test_what_is_being_typed_is_known_from_the_line(line, wanted):
    assert wanted_at(line, len(line)) == wanted


@settings(deadline=None)
@given(st.text(), st.integers(0, 50))
def test_any_line_can_be_looked_at(line, column):
    wanted = wanted_at(line, column)
    assert wanted is None or 0 <= wanted.start <= len(line)


def test_collections_kinds_and_years_are_offered_as_filters():
    collections = ("notes", "papers", "old papers")
    assert [each.text for each in known_offers(Wanted("collection", "o", 0), collections)] == [
        'in:"old papers"'
    ]
    assert [each.text for each in known_offers(Wanted("in", "", 0), collections)][:2] == [
        "in:notes",
        "in:papers",
    ]
    assert [each.text for each in known_offers(Wanted("type", "p", 0), ())] == ["type:pdf"]
    assert known_offers(Wanted("type", "pdf", 0), ()) == []


def test_names_are_offered_once_and_titles_without_quotes():
    assert [each.text for each in authors_that_fit("ngu", [paper(0), paper(2)])] == ['author:"Ada Nguyen"']
    assert paper_offers([paper(0, title='On "waiting"')])[0].text == "On waiting"


@settings(deadline=None)
@given(st.text(alphabet="ab\n", max_size=2_000))
def test_a_folded_paste_comes_back_as_it_was(text):
    pastes = Pastes()
    folded = pastes.folded(text)
    assert pastes.unfolded(f"Look: {folded}!") == f"Look: {text}!"
    assert len(folded) <= 800


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("10.1000/jitter.5", "10.1000/jitter.5"),
        (" https://doi.org/10.1000/jitter ", "10.1000/jitter"),
        ("doi: 10.1000/a(b)c.", "10.1000/a(b)c"),
        ("See 10.1000/jitter", ""),
        ("10 papers", ""),
    ],
)
def test_a_doi_is_known_in_any_of_its_forms(text, doi):
    assert doi_in(text) == doi


async def test_tab_takes_what_the_library_offers(sit_down):
    engine = Shelves(40)
    async with sit_down(engine, size=(100, 30)) as desk:
        await desk.sees("40 papers")
        await desk.press(*"about @cas")
        await desk.sees("Cascades and escalation, part 4 (", "Tab takes it")
        await desk.press("down", "up", "tab")
        assert _box(desk).text == "about Cascades and escalation, part 4 "
        assert [errand.text for errand in engine.errands if isinstance(errand, FindPapers)] == ["cas"]
        await desk.press(*"#no")
        await desk.sees("in:notes")
        await desk.press("tab", *"author:")
        await desk.sees('author:"Ben Okafor"')
        await desk.press(*"oka")
        await desk.press("escape")
        assert _box(desk).has_focus
        assert "Enter sends" in desk.text
        await desk.press("enter")
        await desk.until(lambda: engine.questions)
        assert engine.questions[0][0] == "about Cascades and escalation, part 4 in:notes author:oka"


async def test_an_engine_without_an_answer_offers_nothing_and_typing_goes_on(sit_down):
    async with sit_down(ScriptedEngine(found={FindPapers: EngineDied("Gone.")})) as desk:
        await desk.press(*"@cas")
        await desk.pilot.pause(0.4)
        await desk.press("x")
        assert _box(desk).text == "@casx"
        assert not desk.app.query_one(Composer).offers.display


async def test_a_long_paste_is_folded_and_sent_in_full(sit_down):
    engine = ScriptedEngine()
    async with sit_down(engine) as desk:
        await desk.type("Is this right? ")
        _paste(desk, LONG)
        await desk.sees("[paste 1: 1,140 characters, 61 lines]")
        assert not engine.questions
        await desk.press("ctrl+z")
        assert _box(desk).text == "Is this right? "
        _paste(desk, LONG)
        await desk.sees("[paste 2")
        await desk.press("enter")
        await desk.until(lambda: engine.questions)
        assert engine.questions[0][0] == f"Is this right? {LONG}".strip()


async def test_enter_inside_a_paste_that_comes_as_keys_does_not_send(sit_down):
    engine = ScriptedEngine()
    async with sit_down(engine) as desk:
        box = _box(desk)
        for character in "a line that is pasted without marks":
            box.post_message(events.Key("space" if character == " " else character, character))
        box.post_message(events.Key("enter", "\r"))
        box.post_message(events.Key("b", "b"))
        await desk.until(lambda: box.text.endswith("b"))
        assert box.text == "a line that is pasted without marks\nb"
        assert not engine.questions
        await desk.pilot.pause(0.05)
        await desk.press("enter")
        await desk.until(lambda: engine.questions)


async def test_a_pasted_path_can_be_added_with_tab(sit_down, tmp_path):
    paper_file = tmp_path / "a paper.pdf"
    paper_file.write_bytes(b"%PDF-")
    engine = ScriptedEngine()
    async with sit_down(engine) as desk:
        _paste(desk, str(paper_file).replace(" ", "\\ "))
        await desk.sees("Tab adds ")
        await desk.press("tab")
        await desk.until(lambda: engine.added)
        assert engine.added == [((str(paper_file),), "papers")]
        assert _box(desk).text == ""


async def test_a_pasted_path_that_leads_nowhere_is_text(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        _paste(desk, "/no/such/paper.pdf")
        await desk.sees("/no/such/paper.pdf")
        await desk.pilot.pause(0.2)
        assert not desk.app.query_one(Composer).offers.display


async def test_a_pasted_doi_can_be_opened(sit_down, monkeypatch):
    monkeypatch.setattr("assistant.viewers.opening_of_address", lambda address: None)
    async with sit_down(ScriptedEngine(), size=(110, 30)) as desk:
        _paste(desk, "https://doi.org/10.1000/jitter")
        await desk.sees("Tab opens 10.1000/jitter in your browser")
        await desk.press("tab")
        await desk.sees("Nothing here can open", "https://doi.org/10.1000/jitter")


async def test_up_goes_back_to_earlier_sessions(sit_down):
    async with sit_down(Shelves(questions=3)) as desk:
        await desk.ask("Mine?")
        await desk.until(lambda: desk.turns)
        await desk.press("up")
        assert _box(desk).text == "Mine?"
        await desk.press("up")
        await desk.until(lambda: _box(desk).text not in ("", "Mine?"))
        older = _box(desk).text
        await desk.press("down")
        assert _box(desk).text == "Mine?"
        assert QUESTION in older or older


def test_the_editor_is_the_persons_and_no_shell_is_asked():
    assert editor_of({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor_of({"EDITOR": "'/opt/my editor/e' -n"}) == ["/opt/my editor/e", "-n"]
    assert editor_of({"VISUAL": "'", "EDITOR": "vi"}) == ["vi"]


def test_the_editors_file_is_theirs_alone_and_gone_afterwards(tmp_path):
    script = tmp_path / "edit.py"
    seen = tmp_path / "seen"
    script.write_text(
        "import os, pathlib, sys\n"
        "file = pathlib.Path(sys.argv[1])\n"
        f"pathlib.Path({str(seen)!r}).write_text(str(file) + ' ' + oct(file.parent.stat().st_mode))\n"
        "file.write_text(file.read_text() + ' And more; rm -rf $HOME?\\n')\n"
    )
    assert written_with([sys.executable, str(script)], "Why?") == "Why? And more; rm -rf $HOME?"
    name, _, mode = seen.read_text().partition(" ")
    assert stat.S_IMODE(int(mode, 8)) == 0o700
    assert not Path(name).exists()
    with pytest.raises(OSError, match="ended with 3"):
        written_with([sys.executable, "-c", "raise SystemExit(3)"], "Why?")


async def test_the_question_goes_to_the_editor_and_comes_back(sit_down, monkeypatch, tmp_path):
    script = tmp_path / "edit.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write(' And when?')")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    async with sit_down(ScriptedEngine()) as desk:
        monkeypatch.setattr(desk.app, "suspend", _suspended)
        await desk.type("Why?")
        await desk.press("ctrl+o")
        assert _box(desk).text == "Why? And when?"


async def test_where_the_screen_cannot_be_left_the_question_stays(sit_down, monkeypatch):
    monkeypatch.setenv("VISUAL", "true")
    async with sit_down(ScriptedEngine()) as desk:
        await desk.type("Why?")
        with pytest.raises(SuspendNotSupported), desk.app.suspend():
            pass
        await desk.press("ctrl+o")
        await desk.sees("An editor cannot be opened")
        assert _box(desk).text == "Why?"


@contextmanager
def _suspended():
    yield


def _box(desk) -> QuestionBox:
    return desk.app.screen_stack[0].query_one(QuestionBox)


def _paste(desk, text: str) -> None:
    _box(desk).post_message(events.Paste(text))
