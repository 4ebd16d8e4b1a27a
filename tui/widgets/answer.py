"""The answer's text as it streams, with citations that can be clicked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.selection import Selection
from textual.timer import Timer
from textual.visual import Visual, VisualType
from textual.widgets import Static

from assistant.events import Answer
from tui.blocks import BETWEEN, blocks_of
from tui.markdown import mark_unsupported
from tui.prose import Line, Prose
from tui.safe import shown

__all__ = ["AnswerPart", "AnswerText"]

_FLUSH_SECONDS = 0.1
"""Tokens are gathered at least this long before they are shown; no token is ever dropped."""
_REST = 3.0
"""Times what showing them took: a long answer is drawn less often, and whoever types meanwhile is heard."""
_LINES_OF_A_PART = 40
"""A part that has so many is left as it is."""


class AnswerPart(Static):
    """A few blocks of an answer, which are drawn together."""

    class CitationOpened(Message):
        """A citation was clicked."""

        def __init__(self, evidence_id: int) -> None:
            super().__init__()
            self.evidence_id = evidence_id

    def __init__(self) -> None:
        self._prose = Prose(())
        super().__init__(self._prose.content, markup=False)

    @property
    def lines(self) -> Sequence[Line]:
        """What it shows."""
        return self._prose.lines

    def show(self, lines: Sequence[Line]) -> None:
        """Shows other lines."""
        self._prose = Prose(lines)
        super().update(self._prose.content)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Shows the same text in other styles."""
        assert isinstance(content, Content)
        self._prose = self._prose.with_content(content)
        super().update(content, layout=layout)

    def render(self) -> Visual:
        """The lines, which are laid out for the width."""
        return self._prose

    def row_of(self, place: int) -> int:
        """Returns in which row, from 0, a place of the text is shown."""
        return self._prose.row_of(place, self.content_size.width)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Returns the lines that are selected as they were before they were wrapped."""
        width = self.content_size.width
        start, end = (offset and self._prose.place_of(offset, width) for offset in selection)
        return Selection(start, end).extract(self._prose.text), "\n"

    def action_open_citation(self, evidence_id: int) -> None:
        """A citation was clicked."""
        self.post_message(self.CitationOpened(evidence_id))


class AnswerText(Vertical):
    """Markdown that grows: what is finished stays as it is, and only the last block is read again."""

    def __init__(self) -> None:
        super().__init__()
        self.display = False
        self.source = ""
        """What is shown."""
        self._settled = 0
        """Up to here the blocks of `source` are finished."""
        self._finished: list[Line] = []
        """Lines of the last part whose blocks are."""
        self._pending = ""
        self._flushing: Timer | None = None
        self._changing = asyncio.Lock()

    @property
    def parts(self) -> list[AnswerPart]:
        """What it is drawn in, from top to bottom."""
        return list(self.query_children(AnswerPart))

    def stream(self, text: str) -> None:
        """Adds text, shown with the next flush."""
        self._pending += shown(text)
        if self._flushing is None:
            self._flushing = self.set_timer(_FLUSH_SECONDS, self._flush)

    async def start_over(self) -> None:
        """Drops what was streamed: its author failed and another one writes."""
        await self.show("")

    async def stop(self) -> None:
        """Shows what has come so far and takes no more."""
        self._stop_flushing()
        await self.show(self.source + self._pending)

    async def complete(self, answer: Answer) -> None:
        """Shows the verified text in place of what was streamed."""
        self._stop_flushing()
        await self.show(shown(mark_unsupported(answer)))

    async def show(self, text: str) -> None:
        """Shows `text`; of what is there already, the blocks that it begins with stay."""
        self._pending = ""
        async with self._changing:
            if not text.startswith(self.source[: self._settled]):
                self.source, self._settled, self._finished = "", 0, []
                await self.remove_children()
            await self._grow_to(text)

    async def _flush(self) -> None:
        began = time.monotonic()
        async with self._changing:
            text, self._pending = self._pending, ""
            await self._grow_to(self.source + text)
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

    async def _grow_to(self, text: str) -> None:
        """Shows a text that begins with the finished blocks of `source`."""
        blocks = blocks_of(text[self._settled :])
        part = next(reversed(self.parts), None)
        lines: list[Line] = []
        new: list[AnswerPart] = []
        for block in blocks:
            if part is None or len(self._finished) >= _LINES_OF_A_PART:
                if part is not None:
                    part.show(self._finished)
                part, self._finished = AnswerPart(), []
                new.append(part)
            lines = [*self._finished, *([BETWEEN] if self._finished else []), *block.lines]
            if block is not blocks[-1]:
                self._finished = lines
        if part is not None:
            part.show(lines)
        self.source = text
        self._settled += blocks[-1].start if blocks else 0
        self.display = bool(text)
        await self.mount_all(new)
