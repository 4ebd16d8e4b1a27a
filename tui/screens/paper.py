"""One paper: what is known of it and who says so, its sections, and its passages in reading order."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from assistant.engine.errands import FindPaper, PaperSheet
from assistant.events import Document, Evidence, Hit, Passage
from assistant.failures import failed_of
from tui.commands import bindings
from tui.opening import Place
from tui.reading import PaperActions
from tui.safe import shown, shown_line
from tui.widgets.paged_list import Column, Fetched, PagedList, Row
from tui.words import count_of

if TYPE_CHECKING:
    from tui.app import CarrelApp

__all__ = ["PaperScreen", "as_evidence", "sheet_of"]

_SAID_BY = {
    "bibliography": "your bibliography",
    "crossref": "Crossref",
    "openalex": "OpenAlex",
    "text": "the paper's text",
    "file": "the file's own data",
    "name": "the file's name",
}
_NAME_WIDTH = 12
_PASSAGES = (
    Column("Page", 4, style="paged-list--quiet"),
    Column("Section", 24, 100, "paged-list--quiet"),
    Column("Passage"),
)


class PaperScreen(PaperActions):
    """The sheet above, the passages below; Enter opens a passage on its page."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("paper", "document"),
        Binding("escape,backspace", "back", "Back", key_display="Esc", id="leave_paper"),
    ]

    def __init__(self, document: Document) -> None:
        """Takes the paper, as the list knows it."""
        super().__init__()
        self._document = document
        self._passages: tuple[Passage, ...] = ()

    def compose(self) -> ComposeResult:
        """The title at once; the rest when it is here."""
        title = shown_line(self._document.title, 300) or "Untitled"
        yield Static(title, markup=False, classes="screen-title", id="paper-title")
        with VerticalScroll(id="sheet"):
            yield Static("Looking it up…", markup=False, id="sheet-text")
        yield PagedList(_PASSAGES, id="passages")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Looks the paper up."""
        self.query_one(PagedList).focus()
        self._look_up()

    def place(self, number: str = "") -> Place | None:
        """The paper, at the page of the passage with the cursor."""
        row = self.query_one(PagedList).row
        page = row.value.page if row is not None and isinstance(row.value, Passage) else 1
        return Place(self._document, page)

    def action_back(self) -> None:
        """Returns to the library."""
        self.dismiss()

    def action_open_passage(self) -> None:
        """Opens the page of the passage with the cursor; the other passages are a key away."""
        from tui.screens.passage import PassageScreen

        if self._passages:
            evidence = [as_evidence(self._document, each, n) for n, each in enumerate(self._passages, 1)]
            start = self.query_one(PagedList).cursor + 1
            self.app.push_screen(PassageScreen(evidence, {}, start_at=start))

    @on(PagedList.Chosen)
    def open_clicked(self) -> None:
        """A second click opens."""
        self.action_open_passage()

    @work(exclusive=True, exit_on_error=False)
    async def _look_up(self) -> None:
        await self.app.ready()
        try:
            sheet = await self.app.engine.run(FindPaper(document_id=self._document.id))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            self.query_one("#sheet-text", Static).update(shown(f"{failed.message}\n{failed.hint}"))
            return
        self._document, self._passages = sheet.document, sheet.passages
        self.query_one("#sheet-text", Static).update(sheet_of(sheet))
        rows = [_passage_row(passage) for passage in sheet.passages]

        async def fetch(offset: int, limit: int) -> Fetched:
            return Fetched(len(rows), rows[offset : offset + limit])

        self.query_one(PagedList).show(fetch, empty="  It has no passages.")


def sheet_of(sheet: PaperSheet) -> Content:
    """What is known of a paper, a line for each."""
    document, details = sheet.document, sheet.details
    fields = [
        ("authors", "Authors", ", ".join(document.authors)),
        ("year", "Year", str(document.year or "")),
        ("venue", "Published", document.venue),
        ("doi", "DOI", document.doi or ""),
        ("arxiv_id", "arXiv", document.arxiv_id or ""),
    ]
    lines: list[Content] = []
    if document.retraction:
        lines.append(Content.styled(f"RETRACTED: {shown_line(document.retraction, 300)}", "bold $text-error"))
    lines.append(_field("Title", document.title, details.origins.get("title", "")))
    lines += [_field(label, value, details.origins.get(name, "")) for name, label, value in fields if value]
    lines.append(_field("Collection", document.collection))
    pages = "an entry of a bibliography" if document.abstract_only else count_of(document.page_count, "page")
    passages = f"{count_of(len(sheet.passages), 'passage')}, {sheet.embedded:,} found by meaning"
    lines.append(_field("Size", f"{pages}, {document.characters:,} characters, {passages}"))
    for record in sheet.files:
        fate = f"{record.fate}: {record.reason}" if record.reason else str(record.fate)
        lines.append(_field("File", f"{record.path} ({fate})"))
    lines += [_field("Note", note) for note in details.notes]
    if details.references:
        lines.append(_field("Cites", count_of(len(details.references), "work")))
    if details.sections:
        names = " · ".join(shown_line(section.title, 80) for section in details.sections)
        lines.append(_field("Sections", names, limit=3000))
    if details.abstract:
        origin = details.origins.get("abstract", "")
        lines += [Content(""), _field("Abstract", details.abstract, origin, limit=6000)]
    return Content("\n").join(lines)


def _field(label: str, value: str, origin: str = "", *, limit: int = 1000) -> Content:
    """One line: what it is, what it says, and who says so."""
    source = f"  from {_SAID_BY.get(origin, shown_line(origin, 40))}" if origin else ""
    return Content.assemble(
        (f"{label:<{_NAME_WIDTH}}", "$primary"), shown_line(value, limit), (source, "$secondary italic")
    )


def _passage_row(passage: Passage) -> Row:
    part = "" if passage.part == "body" else f"({passage.part}) "
    return Row((f"{passage.page:>4}", f"{part}{passage.section or ''}", passage.text), passage)


def as_evidence(document: Document, passage: Passage, number: int) -> Evidence:
    """A passage as the page shows evidence: quoted whole."""
    hit = Hit(passage=passage, document=document, score=0.0, rank=1, retriever="library")
    return Evidence(
        id=number,
        hits=(hit,),
        quote=passage.text,
        quote_start=passage.start,
        summary="",
        relevance=0.0,
    )
