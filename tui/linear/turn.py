"""A question of a linear session and what came of it, as data."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.events import Answer, Evidence
from tui.widgets.evidence import checked

__all__ = ["Turn"]


@dataclass
class Turn:
    """One question."""

    number: int
    """From 1, in the order they were asked or shown."""
    question: str
    again: str = ""
    """How the question of an earlier turn is asked again; empty for one that is new."""
    text: str = ""
    """The answer as it came, unchecked."""
    evidence: tuple[Evidence, ...] = ()
    """What the answer is written from, as far as it is known."""
    answer: Answer | None = None
    """The verified answer; `None` until there is one."""
    helped: bool | None = None
    """What the person said of it."""

    @property
    def checks(self) -> dict[int, str]:
        """Evidence number to what became of its check, in words; empty before the answer is checked."""
        return checked(self.evidence, self.answer.citations) if self.answer else {}
