"""Finds words in the transcript: as they stand, without regard to case, and says how often."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.widgets.answer import AnswerPart
from tui.widgets.line_box import LineBox
from tui.widgets.transcript import Notice

if TYPE_CHECKING:
    from tui.widgets.transcript import Transcript

__all__ = ["FindBar"]

_FOUND = "$background on $warning"
_HERE = "$background on $accent bold"


class FindBar(Horizontal):
    """A line to type in; what is found is marked in the transcript until it closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, id="close_find"),
        Binding("down", "step(1)", "Next", show=False, id="find_down"),
        Binding("up", "step(-1)", "Previous", show=False, id="find_up"),
    ]

    def __init__(self, transcript: Transcript, words: str = "") -> None:
        """Takes where to look.

        Args:
            transcript: The questions and answers.
            words: What to look for at once.
        """
        super().__init__(id="find-bar")
        self._transcript = transcript
        self._words = words
        self._marked: dict[Static, tuple[Content, Content]] = {}
        """Each part that was marked: as it was, and as it is."""
        self._matches: list[tuple[Static, int]] = []
        """In the order of reading: a part, and which one of its matches."""
        self._here = -1

    def compose(self) -> ComposeResult:
        """What is looked for, and how often it is there."""
        yield LineBox(self._words, placeholder="Find in the answers", id="find-words", compact=True)
        yield Static("", markup=False, id="find-count")

    def take(self, words: str) -> None:
        """Looks for the words; without any, they are typed here."""
        box = self.query_one(Input)
        if words:
            box.value = words
            self._transcript.focus()
        else:
            box.focus()

    @on(Input.Changed)
    def look(self, event: Input.Changed) -> None:
        """Marks what is typed, and goes to the latest place where it is."""
        event.stop()
        self.find(event.value)

    @on(Input.Submitted)
    def leave_box(self, event: Input.Submitted) -> None:
        """To the answers, where n and N go on."""
        event.stop()
        self._transcript.focus()

    def action_close(self) -> None:
        """Unmarks all."""
        self.close()

    def action_step(self, step: int) -> None:
        """Goes to the match after, or before."""
        self.step(step)

    def find(self, words: str) -> None:
        """Marks every place where the words stand, and goes to the last of them, which is the newest."""
        self._unmark()
        if words.strip():
            for part in _parts(self._transcript):
                text = str(part.content)
                self._matches += [(part, number) for number in range(len(_places(words, text)))]
        self._words = words
        self._here = len(self._matches) - 1
        self._mark()

    def step(self, step: int) -> None:
        """Goes to the match after the present one, or before; from the last on to the first."""
        if self._matches:
            self._here = (self._here + step) % len(self._matches)
            self._mark()

    def close(self) -> None:
        """Unmarks all and is gone; the keyboard goes back to the answers."""
        self._unmark()
        self._transcript.focus()
        self.remove()

    def _mark(self) -> None:
        self._tell()
        if not self._matches:
            return
        here = self._matches[self._here]
        for part in dict.fromkeys(part for part, _ in self._matches):
            original = self._marked[part][0] if part in self._marked else _content(part)
            marked = original
            for number, (start, end) in enumerate(_places(self._words, original.plain)):
                marked = marked.stylize(_HERE if (part, number) == here else _FOUND, start, end)
            self._marked[part] = (original, marked)
            part.update(marked)
        part, number = here
        start, _ = _places(self._words, _content(part).plain)[number]
        self._transcript.show_found(part, part.row_of(start) if isinstance(part, AnswerPart) else None)

    def _unmark(self) -> None:
        for part, (original, marked) in self._marked.items():
            if part.is_attached and part.content is marked:  # else it has changed meanwhile
                part.update(original)
        self._marked.clear()
        self._matches.clear()

    def _tell(self) -> None:
        said = f"{self._here + 1:,} of {len(self._matches):,} · Enter, then n and N" if self._matches else ""
        nothing = "nothing found" if self._words.strip() and not self._matches else ""
        self.query_one("#find-count", Static).update(said or nothing)


def _parts(transcript: Widget) -> list[Static]:
    """What is read in the transcript: questions, answers, remarks, notices; not the steps, which move."""
    return [
        part
        for part in transcript.query(Static)
        if isinstance(part, AnswerPart | Notice) or part.has_class("question") or part.has_class("remarks")
    ]


def _content(part: Static) -> Content:
    return part.content if isinstance(part.content, Content) else Content(str(part.content))


def _places(words: str, text: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(re.escape(words.strip()), text, re.IGNORECASE)]
