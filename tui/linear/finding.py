"""Words found in the answers of a linear session, one place after the other."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.render import to_text
from tui.linear.lines import Lines
from tui.linear.turn import Turn
from tui.words import count_of

__all__ = ["Finding"]


class Finding:
    """Finds without regard to case, as the words stand."""

    def __init__(self, lines: Lines) -> None:
        """Begins with nothing found."""
        self._lines = lines
        self._places: list[str] = []
        self._at = 0

    def begin(self, words: str, turns: Sequence[Turn]) -> None:
        """Looks in questions and answers, and tells the first place."""
        if not words:
            self._lines.say("Write the words behind /find.")
            return
        wanted = words.casefold()
        self._places = [place for turn in turns for place in _places(turn) if wanted in place.casefold()]
        self._at = 0
        self._lines.say(f"{count_of(len(self._places), 'line has', 'lines have')} it.")
        self._tell()

    def step(self, by: int) -> None:
        """Tells the next place or the one before, round and round."""
        if not self._places:
            self._lines.say("Nothing is found: /find WORDS looks for something.")
            return
        self._at = (self._at + by) % len(self._places)
        self._tell()

    def _tell(self) -> None:
        if self._places:
            self._lines.say(f"{self._at + 1} of {len(self._places)}: {self._places[self._at]}")


def _places(turn: Turn) -> list[str]:
    said = to_text(turn.answer) if turn.answer is not None else turn.text
    answer = [f"Answer {turn.number}: {line.strip()}" for line in said.splitlines() if line.strip()]
    return [f"Question {turn.number}: {turn.question}", *answer]
