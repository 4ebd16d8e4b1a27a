"""The limits of a question: how much is retrieved, read and written, and how long each rung may take."""

from __future__ import annotations

from pydantic import Field

from indexes.types import Model

__all__ = ["Limits"]


class Limits(Model):
    """Every number that the research pipeline goes by."""

    hits: int = Field(default=40, ge=1, le=500)
    """Passages asked of each retriever."""
    papers: int = Field(default=8, ge=1, le=50)
    """Most papers read for one question."""
    passages_per_paper: int = Field(default=4, ge=1, le=20)
    relevant: float = Field(default=0.4, ge=0, le=1)
    """Least relevance, from 0 to 1, for a passage to count as evidence."""
    sure: float = Field(default=0.5, ge=0, le=1)
    """Least confidence with which the classification by cues stands without asking a model."""
    supported: float = Field(default=0.4, ge=0, le=1)
    """Least support, from 0 to 1, for a sentence of the answer to count as supported."""
    sentences: int = Field(default=5, ge=1, le=20)
    """Most sentences of an extractive answer."""
    worth: float = Field(default=0.65, ge=0, le=1)
    """Least score of a sentence in an extractive answer, as a share of the best one's. On the development
    questions, 0.65 leaves a quarter of the sentences out and loses 2 answers in 1,000."""
    search_seconds: float = Field(default=10.0, gt=0)
    classify_seconds: float = Field(default=10.0, gt=0)
    summary_seconds: float = Field(default=45.0, gt=0)
    """For one paper."""
    reason_seconds: float = Field(default=120.0, gt=0)
    """For the reasoning model's whole answer; then the simpler summary is used."""
    simpler_seconds: float = Field(default=60.0, gt=0)
    web_seconds: float = Field(default=20.0, gt=0)
