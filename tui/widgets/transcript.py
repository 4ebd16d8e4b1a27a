"""The questions and answers of a session, kept scrolled to the end until the person scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Static

if TYPE_CHECKING:
    from assistant.engine.protocol import Status

__all__ = ["Notice", "Transcript", "Welcome"]


_EMPTY = """\
Your library is empty. To begin:

  F3 or /add ~/papers    add a folder of papers
  carrel demo            in a shell: try it on built-in notes

Then ask below."""
_FILLED = """\
Ask below. Every citation in an answer opens the page it is from.

  Esc, then 1 to 9       open that piece of evidence
  F3 or /add ~/papers    add more papers
  F1 or /help            all keys and commands"""


class Welcome(Static):
    """What stands there before the first question."""

    def __init__(self) -> None:
        super().__init__(_welcome("Type your question below; it waits while Carrel starts."), markup=False)

    def greet(self, status: Status) -> None:
        """Says what can be done with this library."""
        empty = not any(collection.documents for collection in status.collections)
        self.update(_welcome(_EMPTY if empty else _FILLED))


class Notice(Static):
    """A sentence of the app itself: an error and its hint, or what became of an `add`."""

    def __init__(self, sentence: str, *, hint: str = "", error: bool = False) -> None:
        text = f"{'Error: ' if error else ''}{sentence}" + (f"\n{hint}" if hint else "")
        super().__init__(text, markup=False, classes="error" if error else None)


class Transcript(VerticalScroll):
    """Turns and notices, oldest first.

    They stand in a container that is at least as high as the view: an anchored view would otherwise push
    a short transcript down to its end.
    """

    def __init__(self) -> None:
        super().__init__(id="transcript")
        self._wanted: Widget | None = None
        """Goes to the top of the view as soon as it is known to be longer than that."""

    def compose(self) -> ComposeResult:
        """The welcome, until there is something else."""
        with Vertical(id="entries"):
            yield Welcome()

    def on_mount(self) -> None:
        """Stays at the end as text arrives; Textual lets go when the person scrolls up."""
        self.anchor()

    async def add(self, entry: Widget) -> None:
        """Appends an entry and goes to the end."""
        self._wanted = None
        await self.query(Welcome).remove()
        await self.query_one("#entries").mount(entry)
        self.anchor()

    def show_top(self, entry: Widget) -> None:
        """Goes to the beginning of an entry that is longer than the view, where reading begins."""
        self._wanted = entry
        self.call_after_refresh(self._show_wanted)

    def show_entry(self, entry: Widget) -> None:
        """Goes to an entry, whatever its length."""
        self._wanted = None
        self.release_anchor()
        self.scroll_to_widget(entry, top=True, animate=False)

    def show_found(self, part: Widget, row: int | None = None) -> None:
        """Goes to a part of an entry, or to one of its rows."""
        self._wanted = None
        self.release_anchor()
        if row is None:
            self.scroll_to_center(part, animate=False)
            return
        place = part.content_region.translate(self.scroll_offset - self.content_region.offset)
        self.scroll_to_region(Region(place.x, place.y + row, place.width, 1), center=True, animate=False)

    def watch_virtual_size(self) -> None:
        """What is wanted at the top may have been laid out only now; and the bar beside it is drawn anew.

        While the view is held at the end, Textual (8.2) may leave the bar as it was before the last change.
        """
        self.call_after_refresh(self.vertical_scrollbar.refresh)
        if self._wanted is not None:
            self.call_after_refresh(self._show_wanted)

    def scroll_pages(self, pages: int) -> None:
        """Scrolls by whole pages, back where negative; at the end it holds on again."""
        self._wanted = None
        self.release_anchor()
        if pages < 0:
            self.scroll_page_up()
        else:
            self.scroll_page_down()

    def _show_wanted(self) -> None:
        entry = self._wanted
        if entry is None or not entry.is_attached or entry.outer_size.height <= self.size.height:
            return
        self._wanted = None
        self.release_anchor()
        self.scroll_to_widget(entry, top=True, animate=False)


def _welcome(text: str) -> Content:
    return Content.assemble(
        ("Carrel", "bold $primary"), "\n", ("answers from the papers you have", "$secondary"), "\n\n", text
    )
