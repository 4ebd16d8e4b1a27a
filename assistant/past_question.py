"""A past question as a list shows it; light enough for an interface to import."""

from __future__ import annotations

from enum import StrEnum

from indexes.types import Model
from pipelines.types import Answer

__all__ = ["PastAnswer", "PastPage", "PastQuestion", "State"]


class State(StrEnum):
    """How far a question has come."""

    RUNNING = "running"
    """Begun; if no process is at work on it, it was killed."""
    OK = "ok"
    PARTIAL = "partial"
    """Answered, but a fault made a lesser rung serve."""
    CANCELLED = "cancelled"
    ERROR = "error"


class PastQuestion(Model):
    """One question of the history."""

    run: str
    id: str
    text: str
    said: str
    """The beginning of the answer's text, or why there is none."""
    state: State
    asked: str
    """When its run began: UTC, ISO 8601."""
    in_batch: bool = False
    helped: bool | None = None
    """What the person said of the answer; `None` when nothing."""

    @property
    def name(self) -> str:
        """What a person types to mean it."""
        return f"{self.run}/{self.id}" if self.in_batch else self.run

    follows: str = ""
    """Run and id, with a space between, of the question that it followed on."""
    again: str = ""
    """How that one was asked again: `deeper`, `web`, or a model's name."""


class PastAnswer(Model):
    """A past question with all that came of it."""

    question: PastQuestion
    said: str
    """The answer's text, or why there is none."""
    answer: Answer | None = None
    """Of a question that was stopped, as far as it had come."""


class PastPage(Model):
    """A stretch of the list of questions, and how long the list is."""

    total: int
    """Questions that fit."""
    offset: int
    questions: tuple[PastQuestion, ...]
