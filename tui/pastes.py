"""Long pastes folded to a numbered note in the question box, and put back in full when it is sent."""

from __future__ import annotations

import re

from tui.words import count_of

__all__ = ["Pastes", "doi_in"]

_LONGEST, _MOST_LINES = 800, 10
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/[^\s\"<>]{1,200})", re.IGNORECASE)


class Pastes:
    """The texts behind the notes of one box."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def folded(self, text: str) -> str:
        """Returns a note in place of a text of more than 800 characters or ten lines; others as they are."""
        lines = text.count("\n") + 1
        if len(text) <= _LONGEST and lines <= _MOST_LINES:
            return text
        number = len(self._texts) + 1
        note = f"[paste {number}: {count_of(len(text), 'character')}, {count_of(lines, 'line')}]"
        self._texts[note] = text
        return note

    def unfolded(self, text: str) -> str:
        """Returns `text` with every note that is still whole replaced by what it stands for, once."""
        if not self._texts:
            return text
        notes = re.compile("|".join(map(re.escape, self._texts)))
        return notes.sub(lambda note: self._texts[note[0]], text)


def doi_in(text: str) -> str:
    """Returns the DOI that a pasted text is, in any of the ways one is written; empty for anything else."""
    found = _DOI.fullmatch(text.strip())
    return found[1].rstrip(".,;") if found else ""
