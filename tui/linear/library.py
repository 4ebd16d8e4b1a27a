"""The library in linear mode: papers and failed files by number, a paper with all known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, get_args

from assistant.engine.errands import FindFailed, FindPaper, FindPapers, PaperOrder, Record, RemovePapers
from assistant.events import Listed, Passage
from tui.linear.adding import add
from tui.linear.listing import Listing, ListRoom
from tui.linear.page import PageRoom
from tui.linear.papers import PaperRoom
from tui.opening import Place
from tui.safe import shown_line
from tui.screens.paper import as_evidence, sheet_of
from tui.shelf import DESCENDING, ORDERS, authors_of, found_by, kind_of, title_of
from tui.words import count_of

if TYPE_CHECKING:
    from assistant.events import Document
    from tui.linear.session import Session

__all__ = ["LibraryRoom", "PaperSheetRoom"]

_FAILED = "failed files"
_NUMBERED = ("open_paper", "remove", "retry_one", "file", "doi", "cite", "bibtex")


class LibraryRoom(ListRoom, PaperRoom):
    """Words narrow the list; a number opens that paper."""

    places = ("library", "document")
    name = "library"
    arguments: ClassVar[Mapping[str, str]] = {**dict.fromkeys(_NUMBERED, "NUMBER"), "filter": "FILTER"}

    def __init__(self, session: Session, text: str = "") -> None:
        """Takes what to filter by at first."""
        super().__init__(session, text)
        self._order: PaperOrder = "title"
        self._collection = ""
        """Empty for all of them; `_FAILED` for the files that could not be read."""
        self._papers: Listing[Listed] = Listing(
            self.lines, self._fetch_papers, _told_paper, noun="paper", nothing="No paper fits."
        )
        self._failed: Listing[Record] = Listing(
            self.lines, self._fetch_failed, _told_failed, noun="file", nothing="Every file was read."
        )

    async def enter(self) -> None:
        """Tells the list."""
        if self._collection == _FAILED:
            await self._failed.begin(" could not be read")
            return
        within = f" in {self._collection}" if self._collection else ""
        fitting = f" that fit “{self._text}”" if self._text else ""
        await self._papers.begin(f"{within}{fitting}, {ORDERS[self._order]}")

    @property
    def listing(self) -> Listing[Listed] | Listing[Record]:
        """The papers, or the files that could not be read."""
        return self._failed if self._collection == _FAILED else self._papers

    async def pick(self, number: str) -> None:
        """Tells all that is known of the paper."""
        await self.do_open_paper(number)

    async def place(self, number: str) -> Place | None:
        """The paper of that number, at its first page."""
        listed = self._papers.item(number)
        return Place(listed.document, 1) if listed else None

    async def do_open_paper(self, argument: str) -> None:
        """Tells all that is known of the paper."""
        if (listed := self._papers.item(argument)) is not None:
            await self.session.go_to(PaperSheetRoom(self.session, listed.document))

    async def do_filter(self, argument: str) -> None:
        """Tells what fits; nothing typed behind it means everything."""
        await self.narrow(argument)

    async def do_next_collection(self, argument: str) -> None:
        """Tells the next collection, then the failed files."""
        await self._go(1)

    async def do_previous_collection(self, argument: str) -> None:
        """Tells the collection before."""
        await self._go(-1)

    async def do_sort(self, argument: str) -> None:
        """Takes the next order."""
        orders = list(get_args(PaperOrder))
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        await self.enter()

    async def do_retry(self, argument: str) -> None:
        """Reads all failed files again."""
        await add(self.session, self.session.engine.retry(()), "what failed")

    async def do_retry_one(self, argument: str) -> None:
        """Reads that failed file again."""
        if self._collection != _FAILED:
            self.lines.say("The failed files come after the collections: /next goes there.")
        elif (record := self._failed.item(argument)) is not None:
            await add(self.session, self.session.engine.retry((record.path,)), record.path)

    async def do_remove(self, argument: str) -> None:
        """Asks, and takes the paper out; its file stays."""
        if (listed := self._papers.item(argument)) is None:
            return
        title = shown_line(title_of(listed.document), 160)
        prompt = f"Take “{title}” out of the library, with all that was made from it? Its file stays."
        if await self.session.choose(prompt, ("Keep", "Remove"), "Keep") == "Keep":
            self.lines.say("It stays.")
            return
        await self.session.engine.run(RemovePapers(document_ids=(listed.document.id,)))
        self.lines.say(f"Removed “{title}”. Its file is where it was.")
        await self.session.refresh_status()
        await self.enter()

    async def _go(self, by: int) -> None:
        await self.session.refresh_status()
        status = self.session.status
        names = [each.name for each in status.collections if each.documents] if status else []
        failed = (await self.session.engine.run(FindFailed(limit=1))).total
        rooms = ["", *names, *([_FAILED] if failed else [])]
        at = rooms.index(self._collection) if self._collection in rooms else 0
        self._collection = rooms[(at + by) % len(rooms)]
        await self.enter()

    async def _fetch_papers(self, offset: int, limit: int) -> tuple[int, Sequence[Listed]]:
        within = f'in:"{self._collection}" ' if self._collection else ""
        wanted = FindPapers(
            text=f"{within}{self._text}".strip(),
            order=self._order,
            descending=self._order in DESCENDING,
            offset=offset,
            limit=limit,
        )
        page = (await self.session.engine.run(wanted)).page
        return page.total, page.papers

    async def _fetch_failed(self, offset: int, limit: int) -> tuple[int, Sequence[Record]]:
        page = await self.session.engine.run(FindFailed(text=self._text, offset=offset, limit=limit))
        return page.total, page.records


class PaperSheetRoom(PaperRoom):
    """One paper: what is known of it and who says so, then its passages by number."""

    places = ("paper", "document")
    name = "paper"
    arguments: ClassVar[Mapping[str, str]] = {"open_passage": "NUMBER"}

    def __init__(self, session: Session, document: Document) -> None:
        """Takes the paper, as the list knows it."""
        super().__init__(session)
        self._document = document
        self._passages: tuple[Passage, ...] = ()
        self._listing: Listing[Passage] = Listing(
            self.lines, self._fetch, _told_passage, noun="passage", nothing="It has no passages."
        )

    async def enter(self) -> None:
        """Tells the sheet and the first passages."""
        sheet = await self.session.engine.run(FindPaper(document_id=self._document.id))
        self._document, self._passages = sheet.document, sheet.passages
        self.lines.fields(sheet_of(sheet).plain)
        await self._listing.begin(". A number tells that one on its page.")

    async def take(self, text: str) -> None:
        """A number tells that passage; a question is asked."""
        if text.isdecimal():
            await self.do_open_passage(text)
        else:
            await self.session.do_ask(text)

    async def more(self) -> None:
        """Tells the next passages."""
        await self._listing.more()

    async def place(self, number: str) -> Place | None:
        """The paper, at its first page."""
        return Place(self._document, 1)

    async def do_open_passage(self, argument: str) -> None:
        """Tells the passage on its page; the others are a command away."""
        if (passage := self._listing.item(argument)) is None:
            return
        evidence = [as_evidence(self._document, each, n) for n, each in enumerate(self._passages, 1)]
        await self.session.go_to(
            PageRoom(self.session, evidence, {}, start_at=self._passages.index(passage) + 1)
        )

    async def _fetch(self, offset: int, limit: int) -> tuple[int, Sequence[Passage]]:
        return len(self._passages), self._passages[offset : offset + limit]


def _told_paper(listed: Listed) -> str:
    document = listed.document
    said = [
        title_of(document),
        authors_of(document),
        str(document.year or ""),
        document.collection,
        kind_of(document.media_type, document.source),
        count_of(document.page_count, "page"),
        f"found by {found_by(listed)}",
        listed.trouble,
    ]
    return ", ".join(shown_line(part, 200) for part in said if part)


def _told_failed(record: Record) -> str:
    return f"{record.path}: {record.reason or record.fate}, {count_of(record.attempts, 'attempt')}"


def _told_passage(passage: Passage) -> str:
    where = f"page {passage.page}" + (f", {passage.section}" if passage.section else "")
    return f"{shown_line(where, 100)}: {shown_line(passage.text, 200)}"
