"""A list that fetches its rows: what is on its way never mixes with what stands there."""

from __future__ import annotations

import asyncio

import pytest
from textual.app import App, ComposeResult

from tui.screens.filtered import FilteredList
from tui.screens.history import HistoryScreen
from tui.screens.library import LibraryScreen
from tui.screens.settings import SettingsScreen
from tui.widgets.paged_list import Column, Fetched, PagedList, Row

NAMES = (Column("Name"), Column("Year", width=4))
REASONS = (Column("Why it failed"),)


class Lists(App[None]):
    """One list, whose rows come when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield PagedList(NAMES)

    async def names(self, offset: int, limit: int) -> Fetched:
        return Fetched(200, [Row((f"Paper {offset + n}", "1999")) for n in range(limit)])

    async def reasons(self, offset: int, limit: int) -> Fetched:
        await self.failures.wait()
        return Fetched(1, [Row(("It is broken.",))])


async def test_another_list_takes_over_with_its_first_page_and_until_then_the_old_one_can_be_read() -> None:
    app = Lists()
    async with app.run_test(size=(40, 10)) as pilot:
        papers = app.query_one(PagedList)
        papers.show(app.names)
        await pilot.pause(0.05)
        papers.show(app.reasons, columns=REASONS)
        await pilot.resize_terminal(60, 20)
        papers.action_go(150)
        await pilot.pause(0.05)
        drawn = [papers.render_line(y).text for y in range(papers.size.height)]
        assert drawn[0].split() == ["Name", "Year"]
        assert "Paper 150" in drawn[-1]

        app.failures.set()
        await pilot.pause(0.05)
        assert papers.render_line(0).text.strip() == "Why it failed"
        assert papers.render_line(1).text.strip() == "It is broken."


@pytest.mark.parametrize("screen", [HistoryScreen, LibraryScreen, SettingsScreen])
def test_a_key_that_comes_before_the_list_is_there_does_nothing(screen: type[FilteredList]) -> None:
    opened = screen()
    keys = {binding.action.partition("(")[0] for _, binding in opened._bindings}
    assert len(keys) >= 5
    assert not any(opened.check_action(action, ()) for action in keys)
