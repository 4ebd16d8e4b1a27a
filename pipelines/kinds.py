"""What kinds of question there are, and how often answers to each have helped."""

from __future__ import annotations

from enum import StrEnum

from indexes.types import Model

__all__ = ["Kind", "Tally"]


class Kind(StrEnum):
    """What a question wants."""

    DEFINITION = "definition"
    FACT = "fact"
    METHOD = "method"
    COMPARISON = "comparison"
    REASON = "reason"
    OVERVIEW = "overview"
    GENERAL = "general"


class Tally(Model):
    """How often answers by one model to one kind of question helped."""

    kind: Kind
    author: str
    """Name of the model."""
    helped: int = 0
    not_helped: int = 0
