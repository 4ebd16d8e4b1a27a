"""How past questions are told, in words: when, what became of them, and what can be done with each."""

from __future__ import annotations

from datetime import datetime

from assistant.engine.errands import PastQuestion, State

__all__ = ["ANSWERED", "STATES", "can_go_on", "local_time", "text_of"]

STATES = {
    State.OK: "answered",
    State.PARTIAL: "fell back",
    State.CANCELLED: "stopped",
    State.ERROR: "failed",
    State.RUNNING: "unfinished",
}
ANSWERED = (State.OK, State.PARTIAL)


def can_go_on(past: PastQuestion) -> bool:
    """Whether it was stopped on the way; a batch goes on with its own."""
    return past.state not in ANSWERED and not past.in_batch


def text_of(past: PastQuestion) -> str:
    """The question, and how it was asked again."""
    return f"↳ {past.text} (again: {past.again})" if past.again else past.text


def local_time(moment: str) -> str:
    """A moment as the person's clock shows it; as it was written where that is no moment."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return moment
