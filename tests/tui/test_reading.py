"""Reading: a paper's file, DOI, citation and BibTeX, the answer copied, exported and rated, its trace."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from assistant.engine.errands import (
    ExportAnswer,
    Exported,
    FindReferences,
    ForgetMarks,
    Forgotten,
    Rate,
    Rated,
    References,
)
from assistant.engine.scripted import ScriptedEngine
from assistant.events import Done
from assistant.export import exported
from indexes.errors import OutputExists
from tests.tui.shelves import paper
from tui.example import QUESTION, example_answer, example_trace
from tui.opening import citation_of
from tui.screens.export import ExportScreen, form_named
from tui.screens.trace import TraceScreen
from tui.widgets.question_box import QuestionBox

WIDE = (160, 48)
BIBTEX = "@article{nguyen2026jitter,\n  title = {Jitter},\n}\n"


def _answer(**changes):
    """The example's answer; its first paper is the given file."""
    answer = example_answer()
    first, *others = answer.evidence
    document = first.document.model_copy(update={"doi": "10.1000/a(b)<c>", "page_count": 9, **changes})
    passage = first.hits[0].passage.model_copy(update={"page": 7})
    hit = first.hits[0].model_copy(update={"document": document, "passage": passage})
    evidence = (first.model_copy(update={"hits": (hit,)}), *others)
    return answer.model_copy(
        update={"evidence": evidence, "run": "r", "question_id": "q", "trace": example_trace()}
    )


def _engine(answer=None, found=()):
    errands = {FindReferences: References(text=BIBTEX), Rate: Rated(kept=True), **dict(found)}
    return ScriptedEngine([Done(answer=answer or _answer())], found=errands)


async def _reading(desk):
    await desk.ask(QUESTION)
    await desk.answered()
    await desk.press("escape")


@pytest.fixture
def viewer(tmp_path, monkeypatch):
    """A viewer on the path that writes down its arguments, and a screen for it."""
    called = tmp_path / "called"
    program = tmp_path / "bin" / "okular"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {called}.new && mv {called}.new {called}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (program.parent / "xdg-open").symlink_to(program)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("DISPLAY", ":0")
    return called


async def test_o_opens_the_file_at_the_page_of_the_evidence(sit_down, viewer, tmp_path):
    file = tmp_path / "a b; touch nothing $(x) {page}.pdf"
    file.write_bytes(b"%PDF-1.4")
    async with sit_down(_engine(_answer(source=str(file))), size=WIDE) as desk:
        await _reading(desk)
        await desk.press("o")
        await desk.until(viewer.exists)
        assert viewer.read_text().splitlines() == ["--page", "7", str(file)]
        await desk.sees("Opened with okular.")


async def test_a_file_that_is_gone_is_named(sit_down, viewer):
    async with sit_down(_engine(_answer(source="/nowhere/gone.pdf")), size=WIDE) as desk:
        await _reading(desk)
        await desk.press("o")
        await desk.sees("There is no file /nowhere/gone.pdf any")
        assert not viewer.exists()


async def test_without_a_screen_the_path_is_copied_with_the_page_to_go_to(sit_down, tmp_path, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    file = tmp_path / "paper.pdf"
    file.write_bytes(b"%PDF-1.4")
    async with sit_down(_engine(_answer(source=str(file))), size=WIDE) as desk:
        await _reading(desk)
        await desk.press("o")
        await desk.sees("Nothing here can open", "page 7")
        assert desk.app.clipboard == str(file)


async def test_d_opens_the_doi_with_every_odd_character_written_out(sit_down, viewer):
    async with sit_down(_engine(), size=WIDE) as desk:
        await _reading(desk)
        await desk.press("d")
        await desk.until(viewer.exists)
        assert viewer.read_text().splitlines() == ["https://doi.org/10.1000/a%28b%29%3Cc%3E"]


async def test_a_paper_without_a_doi_says_so(sit_down):
    async with sit_down(_engine(_answer(doi=None)), size=WIDE) as desk:
        await _reading(desk)
        await desk.press("d")
        await desk.sees("This paper has no DOI that is known.")


async def test_c_copies_the_citation_of_the_evidence_with_the_cursor(sit_down):
    async with sit_down(_engine(), size=WIDE) as desk:
        await _reading(desk)
        await desk.press("down", "c")
        await desk.until(lambda: desk.app.clipboard)
        assert desk.app.clipboard == "Carrel contributors (2026). Deadlines and reserved time for fallbacks"


async def test_b_copies_the_bibtex_of_what_is_cited(sit_down):
    engine = _engine()
    async with sit_down(engine, size=WIDE) as desk:
        await _reading(desk)
        await desk.press("b")
        await desk.sees("BibTeX of 3 papers")
        assert desk.app.clipboard == BIBTEX
        (errand,) = [each for each in engine.errands if isinstance(each, FindReferences)]
        assert [each.id for each in errand.documents] == ["demo-1", "demo-2", "demo-3"]


@pytest.mark.parametrize(
    ("key", "said", "helped"),
    [("plus", "It helped: noted.", True), ("minus", "It did not help: noted.", False)],
)
async def test_plus_and_minus_say_whether_it_helped_and_once_more_takes_it_back(sit_down, key, said, helped):
    engine = _engine()
    async with sit_down(engine, size=WIDE) as desk:
        await _reading(desk)
        await desk.press(key)
        await desk.sees(said)
        await desk.press(key)
        await desk.sees("Taken back: noted.")
        ratings = [
            (each.run, each.question_id, each.helped) for each in engine.errands if isinstance(each, Rate)
        ]
        assert ratings == [("r", "q", helped), ("r", "q", None)]


async def test_letters_that_are_no_key_still_go_into_the_question(sit_down):
    async with sit_down(_engine(), size=WIDE) as desk:
        await _reading(desk)
        await desk.press("w", "h", "y")
        assert desk.app.screen.query_one(QuestionBox).text == "why"


async def test_the_same_can_be_typed_with_a_number(sit_down):
    async with sit_down(_engine(), size=WIDE) as desk:
        await desk.ask(QUESTION)
        await desk.answered()
        await desk.ask("/cite 3")
        await desk.until(lambda: "Circuit breakers" in desk.app.clipboard)
        await desk.ask("/cite 9")
        await desk.sees("There is no evidence [9].")


async def test_before_the_first_answer_there_is_nothing_to_do_it_with(sit_down):
    async with sit_down(_engine(), size=WIDE) as desk:
        for typed in ("/copy", "/export", "/trace", "/helped", "/file", "/bibtex"):
            await desk.ask(typed)
        await desk.sees("There is no answer yet.", "There is no paper here.", "No paper is cited here.")


async def test_the_route_is_explained_under_the_answer(sit_down):
    async with sit_down(_engine(), size=WIDE) as desk:
        await _reading(desk)
        await desk.sees("Why this route: A method question: read at most 6 papers in demo, then reason.")


async def test_e_writes_the_answer_in_the_form_that_is_chosen(sit_down):
    written: list[ExportAnswer] = []

    def write(errand: ExportAnswer) -> Exported:
        written.append(errand)
        return Exported(path=errand.path)

    async with sit_down(_engine(found={ExportAnswer: write}), size=WIDE) as desk:
        await _reading(desk)
        await desk.press("e")
        await desk.until(lambda: isinstance(desk.app.screen, ExportScreen))
        await desk.sees("how-should-a-client-retry-a-failing-model-and-when-should-it.md")
        await desk.press("down")
        await desk.sees("when-should-it.html")
        await desk.press("enter", "enter")
        await desk.sees("Written to", "Back off with full jitter")
        assert written[0].form == "html"
        assert Path(written[0].path).is_absolute()


async def test_a_file_that_is_there_stays_and_another_name_can_be_typed(sit_down):
    there = OutputExists("There is a file 'answer.md' already.")
    async with sit_down(_engine(found={ExportAnswer: there}), size=WIDE) as desk:
        await _reading(desk)
        await desk.press("e")
        await desk.until(lambda: isinstance(desk.app.screen, ExportScreen))
        await desk.press("enter", "enter")
        await desk.sees("There is a file 'answer.md' already.", "Export the answer")


async def test_f7_shows_the_trace_and_opens_each_span(sit_down):
    async with sit_down(_engine(), size=WIDE) as desk:
        await desk.ask(QUESTION)
        await desk.answered()
        await desk.press("f7")
        await desk.until(lambda: isinstance(desk.app.screen, TraceScreen))
        await desk.sees("Why this route:", "━", "5.62 s · 5 model calls", "classify · by cues")
        await desk.press("end", "up")
        await desk.sees("reason · by reasoning model", "ollama:qwen3:32b", "3.5 s, from 2.10 s to 5.60 s")
        await desk.press("escape")
        await desk.sees("Back off with full jitter")


async def test_an_answer_that_nothing_was_run_for_has_an_empty_trace(sit_down):
    answer = _answer().model_copy(update={"trace": type(example_trace())()})
    async with sit_down(_engine(answer), size=WIDE) as desk:
        await desk.ask(QUESTION)
        await desk.answered()
        await desk.press("f7")
        await desk.sees("Nothing was run.")


def test_a_citation_says_what_is_known():
    assert citation_of(paper(2, doi="10.1/x", venue="Journal of Waiting."), 3) == (
        "Jan van der Berg, Li Wei, Ada Nguyen et al. (2024). Circuit breakers, part 3. Journal of Waiting. p. 3."
        " https://doi.org/10.1/x"
    )
    assert citation_of(paper(0, authors=(), year=None, title="", page_count=1), 1) == "Untitled"


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("", "markdown"),
        ("md", "markdown"),
        ("html", "html"),
        ("bib", "bibtex"),
        ("JSON", "json"),
        ("what", "markdown"),
    ],
)
def test_a_form_is_named_by_its_beginning_or_its_suffix(word, form):
    assert form_named(word) == form


@pytest.mark.parametrize("form", ["markdown", "html", "json", "bibtex"])
def test_every_form_can_be_written_and_none_runs_anything(form):
    hostile = example_answer().model_copy(update={"text": "<script>alert(1)</script> \x1b[2J [1]"})
    text = exported(hostile, form)
    assert "\x1b" not in text
    assert form != "html" or "<script" not in text


async def test_what_marks_have_taught_is_forgotten_on_request(sit_down):
    engine = ScriptedEngine(found={ForgetMarks: Forgotten(marks=6)})
    async with sit_down(engine, size=WIDE) as desk:
        await desk.ask("/forget")
        await desk.sees("6 marks forgotten; the history keeps what you said.")
