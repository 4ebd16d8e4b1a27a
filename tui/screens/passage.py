"""The page a piece of evidence is from, with the quote marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from assistant.engine.protocol import Surroundings
from assistant.events import CarrelError, Evidence
from tui.commands import bindings
from tui.opening import Place
from tui.reading import PaperActions
from tui.safe import shown, shown_line

if TYPE_CHECKING:
    from tui.app import CarrelApp

__all__ = ["PassageScreen", "passage_only", "where_in"]

_LINES_ABOVE_QUOTE = 3


class PassageScreen(PaperActions):
    """Steps through the evidence of one answer; Esc goes back."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("page", "document"),
        Binding("escape,backspace", "back", "Back", key_display="Esc", id="back"),
    ]

    def __init__(self, evidence: Sequence[Evidence], checks: Mapping[int, str], *, start_at: int) -> None:
        """Takes what there is to step through.

        Args:
            evidence: Of one answer, in the order of its numbers.
            checks: Evidence number to what became of its check, in words.
            start_at: The number of the evidence to open.
        """
        super().__init__()
        self._evidence = evidence
        self._checks = checks
        self._position = [each.id for each in evidence].index(start_at)

    def compose(self) -> ComposeResult:
        """Which paper and page, then the text."""
        yield Static("", markup=False, id="passage-heading")
        with VerticalScroll(id="page"):
            yield Static("", markup=False, id="page-text")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Opens the first page."""
        self.query_one("#page").focus()
        self._open()

    def place(self, number: str = "") -> Place | None:
        """The paper of the evidence that is shown, at its page."""
        evidence = self._evidence[self._position]
        return Place(evidence.document, evidence.page)

    def action_back(self) -> None:
        """Returns to the answer."""
        self.dismiss()

    def action_step(self, by: int) -> None:
        """Opens the page of the next or previous piece of evidence, round and round."""
        self._position = (self._position + by) % len(self._evidence)
        self._open()

    def _open(self) -> None:
        self.run_worker(self._load(self._evidence[self._position]), exclusive=True, exit_on_error=False)

    async def _load(self, evidence: Evidence) -> None:
        self._show_heading(evidence, "")
        try:
            page = await self._page_of(evidence)
        except CarrelError as error:
            self._show_heading(evidence, f"Only the passage is shown: {shown_line(error.message)}")
            page = passage_only(evidence)
        else:
            self._show_heading(evidence, "")
        self._show_page(page, evidence)

    async def _page_of(self, evidence: Evidence) -> Surroundings:
        if evidence.document.origin == "web":
            return passage_only(evidence)
        return await self.app.engine.surroundings(
            evidence.document.id, start=evidence.quote_start, end=evidence.quote_start + len(evidence.quote)
        )

    def _show_heading(self, evidence: Evidence, remark: str) -> None:
        document = evidence.document
        authors = shown_line(", ".join(document.authors), 100)
        known = [authors, str(document.year or ""), where_in(evidence), self._checks.get(evidence.id, "")]
        heading = Content.assemble(
            (f"[{evidence.id}] ", "$accent bold"),
            (shown_line(document.title, 200) or "Untitled", "bold"),
            "\n" + " · ".join(part for part in known if part),
            ("\n" + shown_line(document.source, 200), "$secondary"),
            f"\n{remark}" if remark else "",
        )
        self.query_one("#passage-heading", Static).update(heading)

    def _show_page(self, page: Surroundings, evidence: Evidence) -> None:
        before = shown(page.text[: page.start])
        quote = shown(page.text[page.start : page.end])
        after = shown(page.text[page.end :])
        text = self.query_one("#page-text", Static)
        text.update(Content.assemble(before, (quote, "bold underline $text on $warning-muted"), after))
        self.call_after_refresh(self._scroll_to_quote, before)

    def _scroll_to_quote(self, before: str) -> None:
        width = self.query_one("#page-text", Static).content_size.width
        above = len(Content(before).wrap(width)) - 1 if before and width else 0
        self.query_one("#page", VerticalScroll).scroll_to(y=max(above - _LINES_ABOVE_QUOTE, 0), animate=False)


def passage_only(evidence: Evidence) -> Surroundings:
    """The passage as it was retrieved, with the quote found in it; all of it where the quote is not."""
    text = evidence.hits[0].passage.text
    start = max(text.find(evidence.quote), 0)
    end = start + len(evidence.quote) if evidence.quote in text else start
    return Surroundings(
        page=evidence.page, page_count=evidence.document.page_count, text=text, start=start, end=end
    )


def where_in(evidence: Evidence) -> str:
    """Where a quote stands, in words: page and section, the web, or an abstract."""
    document = evidence.document
    if document.origin == "web":
        return "from the web"
    if document.abstract_only:
        return "abstract only, from a bibliography"
    section = evidence.hits[0].passage.section
    page = f"page {evidence.page} of {document.page_count}"
    return f"{page} · {shown_line(section, 60)}" if section else page
