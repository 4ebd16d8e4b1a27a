"""A list of any length: rows are fetched a page at a time, as they come into view."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.safe import shown_line

__all__ = ["Column", "Fetched", "PagedList", "Row", "fitted"]

_PAGE = 50
"""Rows that are fetched together."""
_MOST_PAGES = 60
"""Pages kept; those longest out of view are fetched again when they are wanted."""
_LONGEST_CELL = 400
_GAP = 2


class Column(NamedTuple):
    """One column."""

    title: str
    width: int = 0
    """Cells; 0 takes what the others leave, and several such columns divide it by their shares."""
    from_width: int = 0
    """The column is left out where the list is narrower."""
    style: str = ""
    """A component class of the list, such as `paged-list--quiet`."""
    share: int = 1
    cut_left: bool = False
    """What does not fit is left out at the beginning: the end of a path tells more."""


@dataclass(frozen=True)
class Row:
    """One line, and what it stands for."""

    cells: tuple[str, ...]
    """One text a column; foreign text is made safe here."""
    value: object = None
    style: str = ""
    """A component class of the list, for all of the line."""


class Fetched(NamedTuple):
    """A page of rows, and how long the list is."""

    total: int
    rows: Sequence[Row]


Fetch = Callable[[int, int], Awaitable[Fetched]]
"""Given an offset and a limit."""


@dataclass
class _Pages:
    """The rows that are here, by page."""

    total: int = 0
    rows: dict[int, Sequence[Row]] = field(default_factory=dict)
    wanted: set[int] = field(default_factory=set)
    """Pages on their way."""

    def row(self, index: int) -> Row | None:
        page = self.rows.get(index // _PAGE, ())
        return page[index % _PAGE] if index % _PAGE < len(page) else None

    def keep(self, number: int, fetched: Fetched) -> None:
        self.total = fetched.total
        self.rows[number] = fetched.rows
        while len(self.rows) > _MOST_PAGES:
            del self.rows[max(self.rows, key=lambda page: abs(page - number))]


class PagedList(ScrollView, can_focus=True):
    """A heading and rows under it, drawn line by line; one row has the cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "paged-list--heading",
        "paged-list--cursor",
        "paged-list--quiet",
        "paged-list--error",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list_up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list_page_up"),
        Binding("pagedown,space", "page(1)", "Page down", show=False, id="list_page_down"),
        Binding("home,g", "go(0)", "First", show=False, id="list_first"),
        Binding("end,G", "go(-1)", "Last", show=False, id="list_last"),
    ]

    cursor = reactive(0, repaint=False)
    """The row with the cursor, from 0."""

    class Chosen(Message):
        """A row was clicked when it had the cursor already."""

    class Moved(Message):
        """The cursor stands on another row, or its row has arrived."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    class Counted(Message):
        """The first page is here; how long the list is."""

        def __init__(self, total: int) -> None:
            super().__init__()
            self.total = total

    class Refused(Message):
        """The rows could not be fetched."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(self, columns: Sequence[Column], *, empty: str = "", id: str | None = None) -> None:
        """Prepares an empty list.

        Args:
            columns: From left to right.
            empty: What stands there when there is no row.
            id: The widget's.
        """
        super().__init__(id=id)
        self._columns = columns
        self._empty = empty
        self._fetch: Fetch | None = None
        self._pages = _Pages()
        self._styles: dict[str, Style] = {}

    @property
    def total(self) -> int:
        """How many rows there are, as far as is known."""
        return self._pages.total

    @property
    def row(self) -> Row | None:
        """The row with the cursor; `None` while it is on its way, and in an empty list."""
        return self._pages.row(self.cursor)

    def show(
        self,
        fetch: Fetch,
        *,
        columns: Sequence[Column] | None = None,
        empty: str = "",
        keep_place: bool = False,
    ) -> None:
        """Shows another list; what stood there stays until the first page of the new one is here.

        Args:
            fetch: Gives the rows.
            columns: Of the new list, where they differ.
            empty: What stands there when there is no row.
            keep_place: Stay at the cursor's row: it is the same list, and something in it has changed.
        """
        first = self.cursor // _PAGE if keep_place else 0
        self._begin(fetch, first, columns or self._columns, empty, keep_place=keep_place)

    # Moving.

    def action_move(self, by: int) -> None:
        """Moves the cursor by some rows."""
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Moves the cursor by what is in view."""
        self._go(self.cursor + by * max(self._rows_in_view - 1, 1))

    def action_go(self, index: int) -> None:
        """Moves the cursor to a row; -1 is the last."""
        self._go(self.total - 1 if index < 0 else index)

    def on_click(self, event: events.Click) -> None:
        """Moves the cursor; a click on the row that has it chooses it."""
        index = event.y - 1 + self.scroll_offset.y
        if event.y < 1 or index >= self.total:
            return
        if index == self.cursor:
            self.post_message(self.Chosen())
        self._go(index)

    def _go(self, index: int) -> None:
        self.cursor = min(max(index, 0), max(self.total - 1, 0))

    def watch_cursor(self) -> None:
        """Keeps the cursor in view."""
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self._rows_in_view - 1
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor > bottom:
            self.scroll_to(y=self.cursor - self._rows_in_view + 1, animate=False)
        self.refresh()
        self.post_message(self.Moved(self.row))

    @property
    def _rows_in_view(self) -> int:
        return max(self.size.height - 1, 1)

    # Fetching.

    @work(group="begin", exclusive=True, exit_on_error=False, description="the first page")
    async def _begin(
        self, fetch: Fetch, number: int, columns: Sequence[Column], empty: str, *, keep_place: bool
    ) -> None:
        try:
            fetched = await fetch(number * _PAGE, _PAGE)
            if number and not fetched.rows:  # the list has become shorter
                number, fetched = 0, await fetch(0, _PAGE)
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self.post_message(self.Refused(error))
            return
        # All at once: until now the list may have been drawn, and more of it wanted, as it was before.
        self._fetch, self._columns, self._empty = fetch, columns, empty
        self._pages = _Pages()
        self._pages.keep(number, fetched)
        self.virtual_size = Size(0, self.total + 1)
        cursor = self.cursor if keep_place else 0
        if not keep_place:
            self.scroll_to(y=0, animate=False)
        self.set_reactive(PagedList.cursor, min(cursor, max(self.total - 1, 0)))
        self.watch_cursor()
        self.post_message(self.Counted(self.total))

    def _want(self, number: int) -> None:
        if self._fetch is None or number in self._pages.wanted or number in self._pages.rows:
            return
        self._pages.wanted.add(number)
        self._bring(self._fetch, self._pages, number)

    @work(group="pages", exit_on_error=False, description="a page")  # else all rows would be spelled out
    async def _bring(self, fetch: Fetch, pages: _Pages, number: int) -> None:
        try:
            fetched = await fetch(number * _PAGE, _PAGE)
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self.post_message(self.Refused(error))
            return
        finally:
            pages.wanted.discard(number)
        if pages is not self._pages:
            return
        pages.keep(number, fetched)
        self.virtual_size = Size(0, self.total + 1)
        if self.cursor // _PAGE == number:
            self.post_message(self.Moved(self.row))
        self.refresh()

    # Drawing.

    def on_focus(self) -> None:
        """The cursor is seen better now."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor steps back."""
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Looks up each style once for all of its lines."""
        self._styles.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The heading, then the rows that are in view."""
        if y == 0:
            return self._line([column.title for column in self._columns], "paged-list--heading")
        index = y - 1 + self.scroll_offset.y
        if index >= self.total:
            blank = self._empty if not self.total and y == 2 else ""
            return self._text(blank, self._style("paged-list--quiet"))
        row = self._pages.row(index)
        if row is None:
            self._want(index // _PAGE)
            return self._text("…", self._style("paged-list--quiet"))
        return self._line(row.cells, "paged-list--cursor" if index == self.cursor else row.style)

    def _line(self, cells: Sequence[str], style: str) -> Strip:
        base = self._style(style)
        width = self.size.width
        segments: list[Segment] = []
        for (column, cell), room in zip(self._shown(cells, width), self._widths(width), strict=True):
            own = self._style(column.style) if column.style and not style else base
            segments.append(Segment(fitted(cell, room, cut_left=column.cut_left) + " " * _GAP, own))
        return Strip(segments).adjust_cell_length(width, base)

    def _text(self, text: str, style: Style) -> Strip:
        return Strip([Segment(text, style)]).adjust_cell_length(self.size.width, style)

    def _shown(self, cells: Sequence[str], width: int) -> list[tuple[Column, str]]:
        pairs = zip(self._columns, cells, strict=True)
        return [(column, cell) for column, cell in pairs if width >= column.from_width]

    def _widths(self, width: int) -> list[int]:
        shown = [column for column in self._columns if width >= column.from_width]
        sharing = sum(column.share for column in shown if not column.width)
        taken = sum(column.width for column in shown) + _GAP * len(shown)
        left = max(width - taken, 0)
        return [column.width or left * column.share // sharing for column in shown]

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(name) if name else self.rich_style
        return self._styles[name]


def fitted(text: str, width: int, *, cut_left: bool = False) -> str:
    """`text` in exactly `width` cells, cut with an ellipsis or filled with spaces."""
    line = shown_line(text, _LONGEST_CELL)
    if cell_len(line) > width > 0:
        line = _tail(line, width) if cut_left else set_cell_size(line, width - 1).rstrip() + "…"
    return set_cell_size(line, max(width, 0))


def _tail(line: str, width: int) -> str:
    start = len(line)
    while start and cell_len(line[start - 1 :]) < width:
        start -= 1
    return "…" + line[start:]
