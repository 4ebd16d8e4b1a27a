"""Linear mode: the whole app in plain lines, over the same engine and the same list of commands."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistant.engine.errands import ExportAnswer, Exported, FindReferences, Rate, Rated, References
from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import Asked, Decided, Done, Failed, Noted, Token
from tests.tui.setting_rows import Configurable
from tests.tui.shelves import Shelves
from tests.tui.test_safety import ALL_ATTACKS, FORBIDDEN, _answer, _library, _script
from tui.commands import COMMANDS, PLACES
from tui.example import QUESTION, example_answer, example_engine
from tui.linear.choices import chosen
from tui.linear.desk import Desk
from tui.linear.history import HistoryRoom
from tui.linear.library import LibraryRoom, PaperSheetRoom
from tui.linear.lines import Lines
from tui.linear.page import PageRoom
from tui.linear.rooms import LINEAR, Room
from tui.linear.session import Session
from tui.linear.settings import SettingsRoom
from tui.linear.typed import Typed

ROOMS: tuple[type[Room], ...] = (Desk, LibraryRoom, PaperSheetRoom, HistoryRoom, SettingsRoom, PageRoom)
ASKED = Asked(id="a", prompt="Search the web?", choices=("yes", "no"), default="no", timeout_seconds=30)
TOLD_AT_ONCE = {"trace"}
"""Places whose screen is a page to look at and has no command of its own."""


class Talk:
    """A session over a pipe: what is typed into it, and what it says."""

    def __init__(self, session: Session, out: io.StringIO, write: int, ended: asyncio.Task[int]) -> None:
        self.session = session
        self._out = out
        self._write: int | None = write
        self._ended = ended

    @property
    def text(self) -> str:
        return self._out.getvalue()

    def type(self, *lines: str) -> None:
        assert self._write is not None
        os.write(self._write, "".join(f"{line}\n" for line in lines).encode())

    def hang_up(self) -> None:
        if self._write is not None:
            os.close(self._write)
            self._write = None

    async def says(self, *words: str) -> None:
        async with asyncio.timeout(20):
            while not all(word in self.text for word in words):  # noqa: ASYNC110 - a text has no event
                await asyncio.sleep(0.005)

    async def end(self) -> int:
        self.hang_up()
        async with asyncio.timeout(20):
            return await self._ended


@pytest.fixture
async def talk() -> AsyncIterator[object]:
    """Begins a session over an engine: `talk(engine)`; a `person` is asked again, as at a terminal."""
    begun: list[Talk] = []
    reads: list[int] = []

    def begin(engine: ScriptedEngine, *, person: bool = False, resume: str = "") -> Talk:
        read, write = os.pipe()
        reads.append(read)
        typed, out = Typed(read), io.StringIO()
        typed.is_person = person
        session = Session(engine, Lines(out), typed)
        begun.append(Talk(session, out, write, asyncio.create_task(session.run(resume))))
        return begun[-1]

    yield begin
    for each in begun:
        await each.end()
    for read in reads:
        os.close(read)


async def said(talk, engine: ScriptedEngine, *lines: str) -> str:
    """All that a session says to these lines."""
    here = talk(engine)
    here.type(*lines)
    assert await here.end() == 0
    return str(here.text)


# The registry.


def test_every_command_of_the_registry_can_be_typed_and_nothing_else_can():
    assert set(PLACES) == {"anywhere", *TOLD_AT_ONCE, *(place for room in ROOMS for place in room.places)}
    for room in ROOMS:
        known = {command.name for command in COMMANDS if command.place in room.places}
        assert {name[3:] for name in dir(room) if name.startswith("do_")} >= known, room
        assert {name[3:] for name in vars(room) if name.startswith("do_")} <= known, room
    anywhere = {command.name for command in (*COMMANDS, *LINEAR) if command.place == "anywhere"}
    assert {name[3:] for name in vars(Session) if name.startswith("do_")} == anywhere


@pytest.mark.parametrize("room", ["", "/library", "/history", "/settings"])
async def test_the_help_tells_every_command_of_the_place_from_the_registry(talk, room):
    engine = {"/settings": Configurable, "": ScriptedEngine}.get(room, Shelves)()
    here = talk(engine)
    here.type(*([room] if room else []), "/help")
    await here.end()
    for command in COMMANDS:
        if command.place in (*here.session.room.places, "anywhere"):
            assert f": {command.summary}" in here.text


# Asking.


async def test_a_question_is_told_event_by_event_and_its_answer_with_sources(talk):
    text = await said(talk, example_engine(), QUESTION)
    assert text.splitlines()[0].startswith("Carrel, in plain lines.")
    assert f"1> {QUESTION}\n" in text
    assert "keyword: 7 passages\n" in text
    assert text.index("evidence:") if "evidence:" in text else True
    assert text.index("Answer 1:\n") < text.index("Sources\n[1] Retries, back-off and jitter, p. 1")
    assert "recommend this today. (unsupported)" in text
    assert text.endswith("2> \n")


async def test_evidence_opens_by_its_number_and_the_next_is_a_command_away(talk):
    text = await said(talk, example_engine(), QUESTION, "2", "/next", "/previous", "/back", "/evidence")
    assert "2> 2\n[2] Deadlines and reserved time for fallbacks\n" in text
    assert "page 3> /next\n[3] Circuit breakers" in text
    assert "page 4> /previous\n[2] Deadlines" in text
    assert "The quote:\nA retry policy therefore begins with the kind of the error" in text
    assert "6> /evidence\n[1] Retries, back-off and jitter, p. 1, quote verified ✓: “A retry policy" in text


async def test_a_choice_is_numbered_lines_and_is_made_by_number_or_word(talk):
    for typed in ("1", "yes", "Y"):
        engine = ScriptedEngine([ASKED, Done(answer=example_answer())])
        here = talk(engine, person=True)
        await here.says("1> ")
        here.type("Why?")
        await here.says("Search the web?\n1. yes\n2. no (default: Enter)\n“no” is taken in 30 s.\n")
        here.type("perhaps")
        await here.says("Type a number from 1 to 2, or Enter for “no”.")
        here.type(typed)
        await here.says("Answer 1:")
        assert engine.decisions == [("a", "yes")]


async def test_a_script_that_does_not_choose_gets_the_default_and_loses_no_line(talk):
    engine = ScriptedEngine([ASKED, Decided(id="a", choice="no", by="person"), Done(answer=example_answer())])
    text = await said(talk, engine, "Why?", "/evidence")
    assert engine.decisions == [("a", "no")]
    assert "2> /evidence\n[1] Retries" in text


async def test_nobody_left_to_ask_means_the_default(talk):
    engine = ScriptedEngine([ASKED, Done(answer=example_answer())])
    await said(talk, engine, "Why?")
    assert engine.decisions == [("a", "no")]


async def test_ctrl_c_stops_the_question_and_keeps_what_came_and_a_second_one_leaves(talk):
    engine = ScriptedEngine([Token(text="Half of an "), Token(text="answer [1]"), gate := Gate()])
    here = talk(engine)
    here.type("Why?")
    await gate.reached.wait()
    here.session.interrupt()
    await here.says("Cancelled.\nWhat was written before is kept, unchecked:\nHalf of an answer [1]\n2> ")
    assert engine.cancelled == 1
    here.session.interrupt()
    assert await here.end() == 130
    assert engine.closed


async def test_ctrl_c_with_nothing_running_only_says_so(talk):
    here = talk(ScriptedEngine())
    await here.says("1> ")
    here.session.interrupt()
    await here.says("Ctrl+C again leaves.\n1> ")
    here.type("/quit")
    assert await here.end() == 0


async def test_cancel_is_heard_while_a_question_runs_and_other_lines_wait(talk):
    engine = ScriptedEngine([gate := Gate()])
    here = talk(engine, person=True)
    here.type("Why?")
    await gate.reached.wait()
    here.type("/theme")
    await here.says("This waits until the answer is there")
    here.type("/cancel")
    await here.says("Cancelled.", "Plain lines have no colours.")


async def test_a_failure_is_told_with_its_hint_and_the_session_goes_on(talk):
    engine = ScriptedEngine(
        [Failed(kind="ModelRefused", message="The key is refused.", hint="See /settings.")]
    )
    text = await said(talk, engine, "Why?", "/copy", "/trace", "/deeper")
    assert "Error: The key is refused.\nSee /settings.\n" in text
    assert text.count("There is no answer yet.") == 3


async def test_a_line_that_ends_with_a_backslash_goes_on_below(talk):
    engine = ScriptedEngine([Done(answer=example_answer())])
    here = talk(engine, person=True)
    here.type("What is said of", "jitter \\", "and of breakers?")
    await here.says("Answer 2:")
    assert [question for question, _ in engine.questions] == ["What is said of", "jitter \nand of breakers?"]


# Reading.


async def test_asking_again_helped_find_and_going_between_answers(talk):
    answer = example_answer().model_copy(update={"run": "r", "question_id": "q"})
    engine = ScriptedEngine([Done(answer=answer)], found={Rate: Rated(kept=True)})
    text = await said(
        talk,
        engine,
        QUESTION,
        "/deeper",
        "/helped",
        "/helped",
        "/find full jitter",
        "/next",
        "/before",
        "/after",
    )
    assert len(engine.questions) == 2
    assert "It helped: noted.\n" in text
    assert "Taken back: noted.\n" in text
    assert "1 of 2: Answer 1: 1. Back off with full jitter." in text
    assert "2 of 2: Answer 2:" in text
    assert f"> /before\nQuestion 1: {QUESTION}\n\nAnswer 1:" in text
    assert f"> /after\nQuestion 2: {QUESTION} (again: deeper)\n" in text


async def test_another_model_is_chosen_by_number(talk):
    engine = example_engine()
    text = await said(talk, engine, QUESTION, "/model", "2")
    assert "Which model?\n1. ollama:qwen3:4b (default: Enter)\n2. ollama:qwen3:32b\nNumber> 2\n" in text
    assert f"Question 2: {QUESTION} (again: ollama:qwen3:32b)" not in text  # told once it is gone back to
    assert "Answer 2:" in text


async def test_copies_and_exports_say_where_they_went(talk, carrel_home: Path, tmp_path: Path):
    engine = ScriptedEngine(
        [Done(answer=example_answer())],
        found={
            FindReferences: References(text="@misc{a}\n"),
            ExportAnswer: lambda errand: Exported(path=errand.path),
        },
    )
    target = tmp_path / "answer.html"
    text = await said(
        talk, engine, QUESTION, "/copy", "/cite 2", "/bibtex", "/export", "2", str(target), "/cite 99"
    )
    file = carrel_home / "state" / "clipboard.txt"
    assert f"The answer was written to {file}" in text
    assert "Carrel contributors (2026). Deadlines and reserved time for fallbacks\n" in text
    assert file.read_text() == "@misc{a}\n"
    assert f"Written to {target}\n" in text
    assert "There is no evidence [99].\n" in text
    (errand,) = [each for each in engine.errands if isinstance(each, ExportAnswer)]
    assert errand.form == "html"


# Lists.


async def test_the_library_is_numbered_narrowed_sorted_and_a_paper_opened(talk):
    engine = Shelves(45)
    text = await said(
        talk, engine, "/library", "/more", "/sort", "jitter", "1", "2", "/back", "/back", "/filter", "/next"
    )
    assert "45 papers, by title\n1. " in text
    assert "25 more: /more tells them.\n" in text
    assert "\n40. " in text
    assert "by author\n" in text
    assert "that fit “jitter”" in text
    assert "6 passages. A number tells that one on its page.\n1. page 1, Abstract: Passage 1" in text
    assert "page 7> /back\npaper 8> /back\nlibrary 9> /filter\n45 papers, by author\n" in text
    assert "papers in papers, by author" in text


async def test_a_paper_is_removed_only_after_a_choice_whose_default_is_to_keep_it(talk):
    engine = Shelves(12)
    text = await said(talk, engine, "/library", "/remove 1", "", "/remove 1", "2")
    assert "1. Keep (default: Enter)\n2. Remove\nNumber> \nIt stays.\n" in text
    assert "Its file is where it was.\n11 papers, by title\n" in text


async def test_the_history_tells_opens_goes_on_rates_and_compares(talk):
    engine = Shelves(events=[Done(answer=example_answer())])
    text = await said(
        talk,
        engine,
        "/history",
        "/helped 2",
        "/compare 1",
        "/compare 2",
        "/compare 3",
        "/go-on 1",
        "/go-on 3",
        "/history",
        "1",
        "1",
    )
    assert "12 questions, newest first\n1. How should a client" in text
    assert "It helped: noted.\n" in text
    assert "Picked: How should a client" in text
    assert "Only the answer to “How should a client" in text
    assert "There is no answer to compare.\n" in text
    assert "Only a question that was stopped can go on.\n" in text
    assert len(engine.questions) == 1
    assert "Question 2: How should a client" in text
    assert "[1] Retries, back-off and jitter\n" in text


async def test_a_setting_is_told_checked_changed_and_a_model_tried(talk):
    engine = Configurable()
    numbers = {key: str(number) for number, key in enumerate(engine.rows, 1)}
    papers, web = numbers["limits.papers"], numbers["web"]
    small = numbers[next(key for key in engine.rows if key.startswith("models.small"))]
    text = await said(
        talk, engine, "/settings", papers, "many", papers, "6", web, "never", f"/try-model {small}", "/quit"
    )
    assert "limits.papers is wrong: it is no number.\n" in text
    assert "limits.papers is 6, from user settings" in text
    assert "1. ask (default: Enter)\n2. auto\n3. never\nNumber> never\n" in text
    assert "ollama:qwen3:4b answered “ready” in 0.8 s.\n" in text


# Whatever is said.


@pytest.mark.parametrize("rooms", [("/library", "1", "1"), ("/history", "1", "/trace"), ("/settings", "1")])
async def test_nothing_that_a_terminal_acts_on_gets_out(talk, rooms):
    engine = _library(ALL_ATTACKS)
    text = await said(talk, engine, *rooms, "", "/help")
    assert not FORBIDDEN.search(text.replace("\n", ""))


async def test_no_event_or_answer_lets_an_escape_out_either(talk):
    engine = ScriptedEngine(
        [*_script(ALL_ATTACKS)[:-1], Noted(note=ALL_ATTACKS), Done(answer=_answer(ALL_ATTACKS))]
    )
    text = await said(talk, engine, f"? {ALL_ATTACKS.splitlines()[0]}", "/evidence", "1", "/frob\x1b[2J")
    assert "Answer 1:" in text
    assert not FORBIDDEN.search(text.replace("\n", ""))


async def test_signs_are_spelled_where_the_locale_has_none(talk, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    text = await said(talk, example_engine(), QUESTION, "/evidence")
    assert text.isascii()
    assert 'quote verified +: "A retry policy' in text


@pytest.mark.parametrize(
    ("line", "choice"),
    [
        ("", "no"),
        ("1", "yes"),
        ("2", "no"),
        ("3", None),
        ("0", None),
        ("ye", "yes"),
        ("NO", "no"),
        ("x", None),
    ],
)
def test_a_choice_is_a_number_a_word_or_the_default(line, choice):
    assert chosen(line, ("yes", "no"), "no") == choice
