"""The library: its papers and what failed, filtered and put in order; a paper opens its page."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, ClassVar, get_args

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Footer, Input, Static

from assistant.engine.errands import FindFailed, FindPapers, PaperOrder, Record, RemovePapers
from assistant.events import Listed
from assistant.failures import failed_of
from tui.commands import bindings
from tui.opening import Place
from tui.reading import PaperActions
from tui.safe import shown_line
from tui.screens.filtered import FilteredList
from tui.shelf import DESCENDING, ORDERS, authors_of, found_by, kind_of, title_of
from tui.widgets.choices import Choices
from tui.widgets.line_box import LineBox
from tui.widgets.paged_list import Column, Fetched, PagedList, Row
from tui.words import FAILED, count_of

if TYPE_CHECKING:
    from assistant.engine.protocol import Status
    from tui.app import CarrelApp

__all__ = ["LibraryScreen"]

_PAUSE_SECONDS = 0.15
"""How long the person has stopped typing before the list is fetched anew."""
_PAPERS = (
    Column("Title", share=3),
    Column("Authors", from_width=76, share=2),
    Column("Year", 4, style="paged-list--quiet"),
    Column("Collection", 12, 130, "paged-list--quiet"),
    Column("Kind", 5, 100, "paged-list--quiet"),
    Column("Pages", 5, 100, "paged-list--quiet"),
    Column("Found by", 15, 56, "paged-list--quiet"),
)
_FAILED = (
    Column("File", cut_left=True),
    Column("Why it was not read", from_width=56),
    Column("Tries", 5, 76, "paged-list--quiet"),
    Column("Collection", 12, 130, "paged-list--quiet"),
)
_NO_PAPERS = "  No paper fits. Esc empties the filter."
_NO_LIBRARY = "  The library is empty. F3 adds papers."
_NO_FAILURES = "  Every file was read."


class LibraryScreen(FilteredList, PaperActions):
    """A filter above, a long list below; the collections are a line of choices."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("library", "document"),
        Binding("escape", "back", "Back", key_display="Esc", id="leave_library"),
    ]

    def __init__(self, text: str = "") -> None:
        """Takes what to filter by at first.

        Args:
            text: Filters and words.
        """
        super().__init__()
        self._text = text
        self._order: PaperOrder = "title"
        self._collections: tuple[str, ...] = ()
        self._failures = 0
        self._typing: Timer | None = None
        self._was_left = False
        self._looked_around = False

    def compose(self) -> ComposeResult:
        """From the whole to the papers."""
        yield Static("Library", markup=False, classes="screen-title")
        yield Choices(id="collections")
        yield LineBox(
            self._text,
            placeholder="author:nguyen year:2019.. type:pdf, or words of a title",
            id="filter",
            compact=True,
        )
        yield Static("", markup=False, classes="list-remark")
        yield PagedList(_PAPERS, id="papers")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Fetches the first page, and the collections once that is there."""
        self._list.focus()
        self.refresh_list()

    def on_screen_suspend(self) -> None:
        """Another screen lies over it."""
        self._was_left = True

    def on_screen_resume(self) -> None:
        """Papers may have come or gone meanwhile."""
        if self._was_left:
            self.refresh_all()

    @property
    def shows_failures(self) -> bool:
        """Whether the list is of files that failed."""
        choices = self.query_one(Choices)
        return bool(self._failures) and choices.chosen == 1 + len(self._collections)

    def refresh_all(self) -> None:
        """Fetches what is shown again; the cursor stays where it is."""
        self._look_around()
        self.refresh_list(keep_place=True)

    def refresh_list(self, *, keep_place: bool = False) -> None:
        """Fetches the list again."""
        if self.shows_failures:
            self._list.show(self._fetch_failed, columns=_FAILED, empty=_NO_FAILURES, keep_place=keep_place)
        else:
            empty = _NO_PAPERS if self._filters else _NO_LIBRARY
            self._list.show(self._fetch_papers, columns=_PAPERS, empty=empty, keep_place=keep_place)
        self.refresh_bindings()

    def place(self, number: str = "") -> Place | None:
        """The paper with the cursor, at its first page."""
        return Place(listed.document, 1) if (listed := self._listed) else None

    # What the person does.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Files that failed can be read again; papers can be opened, put in order and removed."""
        if not super().check_action(action, parameters):
            return False
        if action in ("retry", "retry_one"):
            return self.shows_failures
        if action in ("sort", "remove", "open_paper"):
            return not self.shows_failures
        return True

    def action_collection(self, by: int) -> None:
        """Shows the next collection, or the one before."""
        choices = self.query_one(Choices)
        choices.choose(choices.chosen + by)

    def action_sort(self) -> None:
        """Takes the next order."""
        orders = list(get_args(PaperOrder))
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self.refresh_list()

    async def action_open_paper(self) -> None:
        """Opens the page of the paper with the cursor."""
        from tui.screens.paper import PaperScreen

        if (listed := self._listed) is not None:
            await self.app.push_screen(PaperScreen(listed.document))

    def action_retry(self) -> None:
        """Reads all files again that failed."""
        self._retry(())

    def action_retry_one(self) -> None:
        """Reads the file with the cursor again."""
        row = self._list.row
        if row is not None and isinstance(row.value, Record):
            self._retry((row.value.path,))

    def action_remove(self) -> None:
        """Asks, and takes the paper with the cursor out."""
        from tui.screens.choose import ChooseScreen

        if (listed := self._listed) is None:
            return
        title = shown_line(listed.document.title, 160) or "this paper"
        prompt = (
            f"Take “{title}” out of the library, with all that was made from it? Its file stays on the disk."
        )

        def removed(choice: str | None) -> None:
            if choice == "Remove":
                self._remove(listed)

        self.app.push_screen(ChooseScreen(prompt, ("Keep", "Remove")), removed)

    @on(Input.Changed, "#filter")
    def narrow(self, event: Input.Changed) -> None:
        """Waits for a pause in the typing."""
        if event.value == self._text:
            return
        self._text = event.value
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(_PAUSE_SECONDS, self.refresh_list)

    @on(Choices.Chosen)
    def change_collection(self) -> None:
        """Shows another collection, or what failed."""
        self.refresh_list()

    @on(PagedList.Chosen)
    async def open_clicked(self) -> None:
        """A second click opens."""
        if not self.shows_failures:
            await self.action_open_paper()

    @on(PagedList.Counted)
    def tell_count(self, event: PagedList.Counted) -> None:
        """Says how many there are."""
        if not self._looked_around:
            self._looked_around = True
            self._look_around()
        if self.shows_failures:
            self._remark(f"{count_of(event.total, 'file')} could not be read.")
        else:
            self._remark(f"{count_of(event.total, 'paper')}, {ORDERS[self._order]}")

    # What the engine does.

    @property
    def _listed(self) -> Listed | None:
        row = self._list.row
        return row.value if row is not None and isinstance(row.value, Listed) else None

    @property
    def _filters(self) -> str:
        chosen = self.query_one(Choices).chosen
        typed = self.query_one("#filter", Input).value.strip()
        within = f'in:"{self._collections[chosen - 1]}" ' if 0 < chosen <= len(self._collections) else ""
        return f"{within}{typed}".strip()

    @work(group="collections", exclusive=True, exit_on_error=False, description="look around")
    async def _look_around(self) -> None:
        """Finds out which collections there are, and how many files failed."""
        await self.app.ready()
        try:
            status = await self.app.engine.status()
            failed = await self.app.engine.run(FindFailed(limit=1))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self._tell(error)
            return
        self._show_collections(status, failed.total)

    def _show_collections(self, status: Status, failed: int) -> None:
        choices = self.query_one(Choices)
        showed_failures = self.shows_failures
        there = [each for each in status.collections if each.documents]
        self._collections = tuple(each.name for each in there)
        self._failures = failed
        labels = [f"All {sum(each.documents for each in there):,}"]
        labels += [f"{each.name} {each.documents:,}" for each in there]
        labels += [f"{FAILED} failed {failed:,}"] if failed else []
        choices.offer(labels, chosen=len(labels) - 1 if showed_failures else choices.chosen)
        if showed_failures and not failed:
            choices.choose(0)
        self.refresh_bindings()

    def _fetch_papers(self, offset: int, limit: int) -> Awaitable[Fetched]:
        wanted = FindPapers(
            text=self._filters,
            order=self._order,
            descending=self._order in DESCENDING,
            offset=offset,
            limit=limit,
        )

        async def fetch() -> Fetched:
            await self.app.ready()
            page = (await self.app.engine.run(wanted)).page
            return Fetched(page.total, [_paper_row(listed) for listed in page.papers])

        return fetch()

    def _fetch_failed(self, offset: int, limit: int) -> Awaitable[Fetched]:
        wanted = FindFailed(text=self.query_one("#filter", Input).value, offset=offset, limit=limit)

        async def fetch() -> Fetched:
            await self.app.ready()
            page = await self.app.engine.run(wanted)
            return Fetched(page.total, [_failed_row(record) for record in page.records])

        return fetch()

    def _retry(self, paths: Sequence[str]) -> None:
        if self.app.start_retrying(paths):
            self.app.toast("Reading again what failed; F3 shows how it goes.")
        else:
            self.app.toast("Papers are being added already; wait until that is done.", error=True)

    @work(exit_on_error=False, description="remove")
    async def _remove(self, listed: Listed) -> None:
        try:
            await self.app.engine.run(RemovePapers(document_ids=(listed.document.id,)))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            self.app.toast(f"{failed.message} {failed.hint}", error=True)
            return
        self.app.toast(f"Removed “{shown_line(listed.document.title, 100)}”. Its file is where it was.")
        self.app.refresh_status()
        self.refresh_all()


def _paper_row(listed: Listed) -> Row:
    document = listed.document
    return Row(
        (
            title_of(document),
            authors_of(document),
            str(document.year or ""),
            document.collection,
            kind_of(document.media_type, document.source),
            f"{document.page_count:>5}",
            found_by(listed),
        ),
        listed,
        "paged-list--error" if listed.trouble or document.retraction else "",
    )


def _failed_row(record: Record) -> Row:
    return Row(
        (record.path, record.reason or str(record.fate), f"{record.attempts:>5}", record.collection), record
    )
