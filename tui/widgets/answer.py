"""The answer's text as it streams, with citations that can be clicked."""

from __future__ import annotations

import time

from textual import on
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Markdown

from assistant.events import Answer
from tui.markdown import answer_parser, cited_evidence, mark_unsupported
from tui.safe import shown

__all__ = ["AnswerText"]

_FLUSH_SECONDS = 0.1
"""Tokens are gathered at least this long before the Markdown is parsed again; no token is ever dropped."""
_REST = 3.0
"""Times what showing them took: a long answer is drawn less often, and whoever types meanwhile is heard."""


class AnswerText(Markdown):
    """Markdown that grows."""

    class CitationOpened(Message):
        """A citation was clicked."""

        def __init__(self, evidence_id: int) -> None:
            super().__init__()
            self.evidence_id = evidence_id

    def __init__(self) -> None:
        super().__init__(parser_factory=answer_parser, open_links=False)
        self.display = False
        self._pending = ""
        self._flushing: Timer | None = None

    def stream(self, text: str) -> None:
        """Adds text, shown with the next flush."""
        self._pending += shown(text)
        if self._flushing is None:
            self._flushing = self.set_timer(_FLUSH_SECONDS, self._flush)

    async def start_over(self) -> None:
        """Drops what was streamed: its author failed and another one writes."""
        self._pending = ""
        await self.update("")

    async def stop(self) -> None:
        """Shows what has come so far and takes no more."""
        self._stop_flushing()
        await self.show(self.source + self._pending)

    async def complete(self, answer: Answer) -> None:
        """Shows the verified text in place of what was streamed."""
        self._stop_flushing()
        await self.show(shown(mark_unsupported(answer)))

    async def show(self, text: str) -> None:
        """Shows `text` parsed as a whole: an appended one can lose its last code block."""
        self._pending = ""
        self.display = bool(text)
        await self.update(text)
        self._silence_tooltips()

    @on(Markdown.LinkClicked)
    def _open_citation(self, event: Markdown.LinkClicked) -> None:
        event.stop()
        if (evidence_id := cited_evidence(event.href)) is not None:
            self.post_message(self.CitationOpened(evidence_id))

    async def _flush(self) -> None:
        began = time.monotonic()
        text, self._pending = self._pending, ""
        if text:
            self.display = True
            await self.append(text)
            self._silence_tooltips()
        self.call_after_refresh(self._rest, began)

    def _rest(self, began: float) -> None:
        """Flushes again in a while, if there is more by now; else the next text begins anew."""
        if self._flushing is None:
            return
        seconds = max(_FLUSH_SECONDS, _REST * (time.monotonic() - began))
        self._flushing = self.set_timer(seconds, self._flush) if self._pending else None

    def _stop_flushing(self) -> None:
        if self._flushing is not None:
            self._flushing.stop()
            self._flushing = None

    def _silence_tooltips(self) -> None:
        """Tooltips of table cells would parse the cell's text as markup."""
        for cell in self.query("MarkdownTableCellContents"):
            cell.tooltip = None
