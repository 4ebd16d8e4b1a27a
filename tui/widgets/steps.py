"""The steps of a question as a score: live while it runs, one line when it is over, all again on request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.content import Content
from textual.widgets import Static

from assistant.events import AskEvent
from tui.board import Board, Row
from tui.score import drawn, whole
from tui.words import DONE, FAILED, FELL_BACK, RUNNING, SKIPPED, duration, shorten, spinner

__all__ = ["Steps"]

_REDRAW_SECONDS = 0.1
_STILL_SECONDS = 1.0
"""Where nothing is to move, the times are still told."""
_NAME_WIDTHS = (16, 30)
"""A name gets a third of the line, within these."""
_LEAST_FOR_SCORE = 70
"""Columns; a narrower line says in words what ran when."""
_NAME_BESIDE_SCORE = 20
_STROKES = (12, 28)
"""A stroke gets a sixth of the line, within these."""
_GLYPHS = {"done": DONE, "failed": FAILED, "skipped": SKIPPED, "fell back": FELL_BACK}
_STYLES = {"done": "$success", "failed": "$error", "skipped": "$secondary", "fell back": "$warning"}


class Steps(Static):
    """Draws a `Board`; a click shows or hides the lines under the first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Starts the clock of the question.

        Args:
            clock: Gives seconds; only differences matter.
        """
        super().__init__("", markup=False)
        self._clock = clock
        self._asked = clock()
        self._seconds: float | None = None
        self._ending = ""
        self._board = Board()
        self.expanded = True
        """Whether the lines are shown."""
        self._chosen = False
        """The person has said whether the lines are shown; nothing else changes it then."""

    def on_mount(self) -> None:
        """Ticks while the question runs."""
        self._ticking = self.set_interval(_STILL_SECONDS if self._is_still else _REDRAW_SECONDS, self.draw)
        self.draw()

    def on_resize(self) -> None:
        """Divides the lines anew; in a running question, the next tick does."""
        if self._seconds is not None:
            self.draw()

    def on_click(self) -> None:
        """Shows or hides the lines."""
        self.toggle()

    def apply(self, event: AskEvent) -> None:
        """Takes an event in; it is drawn with the next tick."""
        self._board.apply(event)

    def finish(self, ending: str = "", *, seconds: float = 0.0) -> None:
        """Stops the clock and folds the lines away.

        Args:
            ending: How it ended, when not with an answer: `cancelled`, `failed`.
            seconds: What the engine measured; 0 leaves it to the clock here.
        """
        self._seconds = seconds or self._clock() - self._asked
        self._ending = ending
        self._ticking.stop()
        self.fold()
        self.draw()

    def toggle(self) -> None:
        """Shows or hides the lines."""
        self.expanded = not self.expanded
        self._chosen = True
        self.draw()

    def fold(self) -> None:
        """Makes room for the answer, unless the person wants to see the lines."""
        self.expanded = self.expanded and self._chosen

    def unfold(self) -> None:
        """Shows the lines again because something worth seeing happens, unless the person has hidden them."""
        self.expanded = self.expanded or not self._chosen

    def draw(self) -> None:
        """Puts what is known on the screen."""
        now = self._clock() - self._asked if self._seconds is None else self._seconds
        running = RUNNING if self._is_still else spinner(now)
        lines = [self._headline(now, running)]
        if self.expanded:
            until = whole(now) if self._seconds is None else now
            lines += _drawn(self._board.rows(now), running, Columns.of(self.size.width), until)
        self.update(Content("\n").join(lines))

    @property
    def _is_still(self) -> bool:
        """Whether nothing is to move by itself."""
        return self.app.animation_level == "none"

    def _headline(self, now: float, running: str) -> Content:
        if self._seconds is None:
            parts = [self._board.activity(), duration(now), self._board.spent()]
            return Content.assemble((running, "$accent"), " ", " · ".join(part for part in parts if part))
        glyph, style = (FAILED, "$error") if self._ending else (DONE, "$success")
        ending = f"{self._ending} · " if self._ending else ""
        return Content.assemble((glyph, style), f" {ending}{self._board.summary(now)}")


@dataclass(frozen=True)
class Columns:
    """How a line is divided: name, stroke, time, detail."""

    name: int
    """At most; shorter names take less."""
    stroke: int
    """0 where there is no room for a score, and words have to do."""

    @classmethod
    def of(cls, width: int) -> Columns:
        """As much of a score as fits a line of this width."""
        least, most = _NAME_WIDTHS
        name = min(max(width // 3, least), most)
        if width < _LEAST_FOR_SCORE:
            return cls(name, 0)
        return cls(min(name, _NAME_BESIDE_SCORE), min(max(width // 6, _STROKES[0]), _STROKES[1]))


def _drawn(rows: list[Row], running: str, columns: Columns, until: float) -> list[Content]:
    named = [(row, shorten(row.name, columns.name - _indent(row))) for row in rows]
    width = max((_indent(row) + len(name) for row, name in named if _in_columns(row)), default=0)
    return [_line(row, name, running, Columns(width, columns.stroke), until) for row, name in named]


def _line(row: Row, name: str, running: str, columns: Columns, until: float) -> Content:
    glyph = running if row.state == "running" else _GLYPHS[row.state]
    style = _STYLES.get(row.state, "$accent")
    head = Content.assemble(" " * (_indent(row) + 2), (glyph, style), f" {name}")
    if not _in_columns(row):
        separator = ": " if row.state == "fell back" else "  "
        return Content.assemble(head, (f"{separator}{row.detail}" if row.detail else "", "$secondary"))
    gap = " " * (columns.name - _indent(row) - len(name))
    stroke = drawn(row.stretches, until=until, columns=columns.stroke)
    took = "" if row.seconds is None else duration(row.seconds)
    return Content.assemble(
        head, gap, (f"  {stroke}" if stroke else "", style), f"{took:>9}", (f"  {row.detail}", "$secondary")
    )


def _in_columns(row: Row) -> bool:
    """Fallbacks and counts are sentences; all else is a name, a time and a detail."""
    return row.seconds is not None or row.state == "skipped"


def _indent(row: Row) -> int:
    return 2 * row.depth
