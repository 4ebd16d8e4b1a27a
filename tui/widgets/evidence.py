"""The evidence beside the answer: title, page, check and quote of each paper; choosing one opens its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from assistant.events import Citation, Evidence
from tui.safe import shown_line
from tui.sturdy import Options
from tui.words import DONE, FAILED, count_of, shorten

__all__ = ["EvidencePane", "checked", "place"]

_LONGEST_QUOTE = 280
_SHORTEST_TITLE = 12
_KEYS = ("o file", "d DOI", "c cite", "b BibTeX", "y copy", "e export", "+ - helped")
"""The first ones matter most: as many are named as there is room for."""


class EvidencePane(Vertical):
    """A list of evidence; short lines where the screen is narrow."""

    class Opened(Message):
        """A piece of evidence was chosen."""

        def __init__(self, evidence_id: int) -> None:
            super().__init__()
            self.evidence_id = evidence_id

    def __init__(self) -> None:
        super().__init__(id="evidence")
        self._evidence: Sequence[Evidence] = ()
        self._checks: Mapping[int, str] = {}
        self._title = "Evidence"
        self._keys: Sequence[str] = ()
        self._with_quotes = True
        self._width = 0
        """Columns for an entry."""

    def compose(self) -> ComposeResult:
        """A heading and the list."""
        yield Static(self._title, id="evidence-heading", markup=False)
        yield Options(id="evidence-list", markup=False)

    def show(self, evidence: Sequence[Evidence], checks: Mapping[int, str], *, note: str = "") -> None:
        """Lists `evidence`.

        Args:
            evidence: In the order of its numbers.
            checks: Evidence number to what became of its check, in words.
            note: Stands in the heading: which question it belongs to.
        """
        self._evidence, self._checks = evidence, checks
        self._title = _heading(evidence, note)
        self._show_title()
        self._fill()

    def set_quotes(self, with_quotes: bool) -> None:
        """Whether there is room for the quotes."""
        if with_quotes != self._with_quotes:
            self._with_quotes = with_quotes
            self._fill()

    def on_resize(self) -> None:
        """Fits the entries to the width."""
        if self._width != (width := self.query_one(OptionList).scrollable_content_region.width):
            self._width = width
            self._show_title()
            self._fill()

    @property
    def current(self) -> Evidence | None:
        """The evidence with the cursor."""
        highlighted = self.query_one(OptionList).highlighted
        known = highlighted is not None and highlighted < len(self._evidence)
        return self._evidence[highlighted] if known and highlighted is not None else None

    def on_descendant_focus(self) -> None:
        """The keys that work here are shown while they do.

        They stand in the heading, where they move nothing: the click that brings the keyboard here is still
        to end on the piece it began on.
        """
        self._keys = _KEYS
        self._show_title()

    def on_descendant_blur(self) -> None:
        """The keyboard is elsewhere."""
        self._keys = ()
        self._show_title()

    def _show_title(self) -> None:
        heading = self.query_one("#evidence-heading", Static)
        title = self._title
        for key in self._keys:
            if len(longer := f"{title} · {key}") > heading.content_size.width:
                break
            title = longer
        heading.update(title)

    def focus_list(self) -> None:
        """Puts the keyboard on the list."""
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Opened(self._evidence[event.option_index].id))

    def _fill(self) -> None:
        options = self.query_one(OptionList)
        highlighted = options.highlighted
        options.clear_options()
        options.add_options([Option(self._entry(each)) for each in self._evidence])
        if self._evidence:
            options.highlighted = min(highlighted or 0, len(self._evidence) - 1)

    def _entry(self, evidence: Evidence) -> Content:
        number = f"[{evidence.id}]"
        title = shown_line(evidence.document.title, 120)
        where = f"{place(evidence)} · {self._checks.get(evidence.id, 'not checked yet')}"
        if not self._with_quotes:
            room = self._width - len(f"{number}  · {where}")
            title = shorten(title, max(room, _SHORTEST_TITLE))
            return Content.assemble((number, "$accent"), f" {title} ", (f"· {where}", "$secondary"))
        quote = shown_line(evidence.quote, _LONGEST_QUOTE)
        return Content.assemble(
            (number, "$accent"), " ", (title, "bold"), "\n", (where, "$secondary"), f"\n“{quote}”\n"
        )


def _heading(evidence: Sequence[Evidence], note: str) -> str:
    papers = len({each.document.id for each in evidence})
    several = f"{len(evidence)} from " if len(evidence) > papers else ""
    counted = f"{several}{count_of(papers, 'paper')}" if papers else "none yet"
    return f"Evidence · {counted} {note}".rstrip()


def checked(evidence: Sequence[Evidence], citations: Sequence[Citation]) -> dict[int, str]:
    """Evidence number to the outcome of its citations' check, in words."""
    return {each.id: _check(each, [c for c in citations if c.evidence_id == each.id]) for each in evidence}


def _check(evidence: Evidence, citations: Sequence[Citation]) -> str:
    if not citations:
        return "not cited"
    if all(citation.verified for citation in citations):
        return f"quote verified {DONE}"
    return f"quote not verified {FAILED}"


def place(evidence: Evidence) -> str:
    """Where a quote stands in its paper, in a word."""
    if evidence.document.abstract_only:
        return "abstract only"
    return "web" if evidence.document.origin == "web" else f"p. {evidence.page}"
