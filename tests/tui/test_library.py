"""The library's screen: a list of any length, filters, collections, what failed, and a paper's page."""

from __future__ import annotations

import pytest

from assistant.engine.errands import FindPapers, RemovePapers
from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import Added, AddReport, Fate, FilesFound
from indexes.errors import FilterRefused, LibraryBusy
from tests.tui.shelves import Shelves
from tui.screens.add import AddScreen
from tui.screens.library import LibraryScreen
from tui.screens.paper import PaperScreen
from tui.screens.passage import PassageScreen
from tui.widgets.paged_list import PagedList

WIDE, MEDIUM, NARROW = (160, 48), (100, 30), (60, 20)


async def _open(desk):
    await desk.press("f5")
    await desk.until(lambda: isinstance(desk.app.screen, LibraryScreen))
    await desk.sees("part 1")


async def _say_yes(desk):
    await desk.press("x")
    await desk.sees("Its file stays")
    await desk.press("right", "enter")


async def test_f5_lists_the_papers_with_what_is_known_and_how_they_are_found(sit_down):
    async with sit_down(Shelves(12), size=WIDE) as desk:
        await _open(desk)
        await desk.sees(
            "All 12", "papers 10", "notes 2", "✗ failed 3", "12 papers, by title",
            "Retries, back-off and jitter, part 1", "Ada Nguyen, Ben Okafor", "2026",
            "word, meaning", "word, 25%", "word only", "✗ old version",
            "Jan van der Berg, Li Wei, Ada Nguyen a",
        )  # fmt: skip


async def test_esc_leaves_the_library_and_the_question_is_as_it_was(sit_down):
    async with sit_down(Shelves(), size=MEDIUM) as desk:
        await desk.type("Half a question")
        await _open(desk)
        await desk.press("escape")
        await desk.sees("Half a question")


async def test_a_long_list_is_fetched_as_it_comes_into_view(sit_down):
    engine = Shelves(10_000)
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("end")
        await desk.sees("part 9999")
        await desk.press("home")
        await desk.sees("part 1 ")
        fetched = [errand.offset for errand in engine.errands if isinstance(errand, FindPapers)]
        assert len(fetched) < 6, "only what was looked at"


async def test_the_cursor_stays_in_view_whichever_way_it_goes(sit_down):
    async with sit_down(Shelves(300), size=NARROW) as desk:
        await _open(desk)
        papers = desk.app.screen.query_one(PagedList)
        for key in ("down", "pagedown", "pagedown", "up", "pageup", "end", "home", "j", "k"):
            await desk.press(key)
            await desk.until(lambda: papers.row is not None)
            assert papers.scroll_offset.y <= papers.cursor <= papers.scroll_offset.y + papers.size.height - 2


async def test_what_is_typed_into_the_filter_narrows_the_list(sit_down):
    async with sit_down(Shelves(12), size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("slash", *"jitter")
        await desk.sees(" 2 papers, by title", "part 7")
        assert "Circuit breakers" not in desk.text
        await desk.press("enter", "escape")
        await desk.sees("12 papers", "Circuit breakers")


async def test_a_filter_that_cannot_be_one_says_why_and_the_list_stays(sit_down):
    refused = FilterRefused("'year:soon' names no year.", hint="Write year:2020.")

    def page(wanted):
        if "year:soon" in wanted.text:
            raise refused
        return engine._page(wanted)

    engine = Shelves(12, found={FindPapers: page})
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("slash")
        desk.app.screen.query_one("#filter").value = "year:soon"
        await desk.sees("'year:soon' names no year. Write year:2020.", "Circuit breakers")


async def test_a_filter_can_come_with_the_command(sit_down):
    engine = Shelves(12)
    async with sit_down(engine, size=MEDIUM) as desk:
        await desk.ask("/library jitter")
        await desk.sees(" 2 papers, by title")
        assert not engine.questions


async def test_the_arrows_go_through_the_collections_and_to_what_failed(sit_down):
    engine = Shelves(12)
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("right", "right")
        await desk.sees(" 2 papers, by title", "part 5")
        await desk.press("right")
        await desk.sees("3 files could not be read.", "scan-000.pdf", "It needs a password.")
        await desk.press("right")
        await desk.sees("12 papers")
        assert 'in:"notes"' in [errand.text for errand in engine.errands if isinstance(errand, FindPapers)]


async def test_a_click_chooses_a_collection(sit_down):
    async with sit_down(Shelves(12), size=MEDIUM) as desk:
        await _open(desk)
        await desk.sees("notes 2")
        line = next(line for line in desk.text.splitlines() if "notes 2" in line)
        await desk.pilot.click("#collections", offset=(line.index("notes 2") + 2, 0))
        await desk.sees(" 2 papers, by title")


async def test_s_goes_through_the_orders(sit_down):
    engine = Shelves(12)
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        for said in ("by author", "by year, newest first", "newest in the library first", "by title"):
            await desk.press("s")
            await desk.sees(f"12 papers, {said}")
        orders = [(each.order, each.descending) for each in engine.errands if isinstance(each, FindPapers)]
        assert orders[1:] == [("author", False), ("year", True), ("added", True), ("title", False)]


@pytest.mark.parametrize(("key", "paths"), [("r", ()), ("t", ("/home/ada/papers/scans/scan-001.pdf",))])
async def test_failed_files_are_read_again_by_a_key(sit_down, key, paths):
    engine = Shelves(12, add_events=[FilesFound(total=1), Added(report=AddReport(counts={Fate.INDEXED: 1}))])
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.sees("✗ failed 3")
        await desk.press("left", "down")
        await desk.sees("3 files could not be read.")
        engine_failures, engine.failures = engine.failures, []
        assert engine_failures
        await desk.press(key)
        await desk.until(lambda: engine.retried == [paths])
        await desk.sees("12 papers, by title")
        assert "failed" not in desk.text.splitlines()[2]
        await desk.press("escape")
        await desk.sees("Added 1 paper.")


async def test_files_are_not_read_again_while_papers_are_added(sit_down):
    engine = Shelves(12, add_events=[FilesFound(total=1), Gate()])
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.sees("✗ failed 3")
        await desk.press("left")
        await desk.sees("3 files could not be read.")
        await desk.press("r", "r")
        await desk.sees("Papers are being added already")
        assert len(engine.retried) == 1


async def test_a_paper_is_removed_only_after_a_yes(sit_down):
    engine = Shelves(12)
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("down", "x")
        await desk.sees("Take “Deadlines and reserved time for fallbacks, part 2” out", "Its file stays")
        await desk.press("enter")
        await desk.until(lambda: isinstance(desk.app.screen, LibraryScreen))
        assert len(engine.papers) == 12
        await _say_yes(desk)
        await desk.sees("11 papers, by title", "Removed “Deadlines")
        assert [errand.document_ids for errand in engine.errands if isinstance(errand, RemovePapers)] == [
            ("00000001",)
        ]
        assert desk.app.screen.query_one(PagedList).cursor == 1


async def test_a_removal_that_fails_is_told(sit_down):
    busy = LibraryBusy("Another Carrel is adding papers.", hint="Wait until it is done.")
    async with sit_down(Shelves(12, found={RemovePapers: busy}), size=MEDIUM) as desk:
        await _open(desk)
        await _say_yes(desk)
        await desk.sees("Another Carrel is adding papers.", "part 1")


async def test_papers_are_added_from_here(sit_down):
    async with sit_down(Shelves(12), size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("f3")
        await desk.until(lambda: isinstance(desk.app.screen, AddScreen))
        await desk.press("escape")
        await desk.until(lambda: isinstance(desk.app.screen, LibraryScreen))


async def test_an_empty_library_says_how_to_begin(sit_down):
    async with sit_down(Shelves(0, 0), size=MEDIUM) as desk:
        await desk.press("f5")
        await desk.sees("The library is empty. F3 adds papers.")
        await desk.press("enter", "x", "s", "down", "end")
        assert isinstance(desk.app.screen, LibraryScreen)


async def test_an_engine_without_an_answer_is_told_in_the_list(sit_down):
    busy = LibraryBusy("The catalogue is locked.", hint="Try again.")
    async with sit_down(ScriptedEngine(found={FindPapers: busy}, status=busy), size=MEDIUM) as desk:
        await desk.press("f5")
        await desk.sees("The catalogue is locked. Try again.")


async def test_a_paper_shows_who_says_what_of_it(sit_down):
    async with sit_down(Shelves(12), size=WIDE) as desk:
        await _open(desk)
        await desk.press("enter")
        await desk.until(lambda: isinstance(desk.app.screen, PaperScreen))
        await desk.sees(
            "Title       Retries, back-off and jitter, part 1  from the paper's text",
            "Ada Nguyen, Ben Okafor  from your bibliography", "2026  from Crossref",
            "10.1000/jitter  from the file's own data", "6 passages, 6 found by meaning",
            "/home/ada/papers/00000.md (embedded)", "Abstract · Full jitter · Conclusion",
            "2 invisible characters removed", "Passage 6 says",
        )  # fmt: skip


async def test_a_passage_opens_on_its_page_and_esc_goes_back_step_by_step(sit_down):
    engine = Shelves(12)
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("enter")
        await desk.sees("Passage 1 says")
        await desk.press("down", "down", "enter")
        await desk.until(lambda: isinstance(desk.app.screen, PassageScreen))
        await desk.until(lambda: [each[:2] for each in engine.looked_up] == [("00000000", 200)])
        await desk.press("right")
        await desk.until(lambda: engine.looked_up[-1][1] == 300)
        await desk.press("escape")
        await desk.until(lambda: isinstance(desk.app.screen, PaperScreen))
        await desk.press("escape")
        await desk.until(lambda: isinstance(desk.app.screen, LibraryScreen))


async def test_a_paper_that_has_gone_meanwhile_is_told(sit_down):
    engine = Shelves(12)
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        engine.papers = []
        await desk.press("enter")
        await desk.sees("Something inside Carrel failed")
        assert desk.app.is_running
