"""The numbers a question goes by: how much is retrieved, read and written, how long, and at what risk."""

from __future__ import annotations

from pydantic import Field

from indexes.types import Model
from pipelines.types import Kind

__all__ = ["Cascade", "GateSettings", "Learning", "Limits"]


class Cascade(Model):
    """When the small model drafts first, and when its draft is enough."""

    on: bool = True
    kinds: tuple[Kind, ...] = (Kind.FACT, Kind.DEFINITION)
    """The kinds of question a small model is trusted to try."""
    drafts: int = Field(default=1, ge=1, le=2)
    """Two are compared with each other, for the price of one more small call."""
    supported: float = Field(default=0.8, ge=0, le=1)
    """Least share of its sentences that must be supported by what they cite."""
    gap: float = Field(default=0.0, ge=0, le=1)
    """Least distance in relevance between the best evidence and the middle of the rest."""
    agreement: float = Field(default=0.35, ge=0, le=1)
    """Least share of content that two drafts must have in common."""


class Learning(Model):
    """When the marks that you give answers change which model is asked first."""

    on: bool = True
    marks: int = Field(default=8, ge=1)
    """Least marks for each of the two models, of one kind of question, before anything changes."""
    sure: float = Field(default=0.95, gt=0.5, lt=1)
    """Least probability that the one helps more often than the other."""


class GateSettings(Model):
    """How a provider is spared."""

    connections: int = Field(default=8, ge=1, le=256)
    """Most calls to one provider at the same time."""
    failures: int = Field(default=5, ge=1)
    """Failures in a row that close the door (a circuit breaker's "open")."""
    pause_seconds: float = Field(default=30.0, gt=0)
    """How long it stays closed before one call is let through as a probe."""


class Limits(Model):
    """Every number that the research pipeline goes by."""

    hits: int = Field(default=40, ge=1, le=500)
    """Passages asked of each retriever."""
    papers: int = Field(default=8, ge=1, le=50)
    """Most papers read for one question."""
    passages_per_paper: int = Field(default=5, ge=1, le=20)
    relevant: float = Field(default=0.4, ge=0, le=1)
    """Least relevance, from 0 to 1, for a passage to count as evidence."""
    sure: float = Field(default=0.5, ge=0, le=1)
    """Least confidence with which the classification by cues stands without asking a model."""
    supported: float = Field(default=0.4, ge=0, le=1)
    """Least support, from 0 to 1, for a sentence of the answer to count as supported."""
    sentences: int = Field(default=5, ge=1, le=20)
    """Most sentences of an extractive answer."""
    worth: float = Field(default=0.4, ge=0, le=1)
    """Least score of a sentence in an extractive answer, as a share of the best one's. Where the scores were
    chosen, 0.4 leaves out no sentence that answers; 0.65 leaves out a sixth of all, and 1 answer in 140."""
    search_seconds: float = Field(default=10.0, gt=0)
    classify_seconds: float = Field(default=10.0, gt=0)
    summary_seconds: float = Field(default=45.0, gt=0)
    """For one paper."""
    reason_seconds: float = Field(default=120.0, gt=0)
    """For the reasoning model's whole answer; then the simpler summary is used."""
    simpler_seconds: float = Field(default=60.0, gt=0)
    web_seconds: float = Field(default=20.0, gt=0)
    attempts: int = Field(default=3, ge=1, le=4)
    """Tries of one model call at a fault that may pass."""
    cascade: Cascade = Cascade()
    learning: Learning = Learning()
