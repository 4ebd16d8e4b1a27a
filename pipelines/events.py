"""What happens while a question is answered: the one stream that every interface listens to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from indexes.types import Model
from pipelines.types import Answer, Draft, Evidence, Outcome, Query, Route, Span, Usage

__all__ = [
    "AskEvent",
    "Asked",
    "Classified",
    "Decided",
    "Done",
    "Drafted",
    "EvidenceReady",
    "Failed",
    "FellBack",
    "HitsFound",
    "Noted",
    "Retrying",
    "Routed",
    "Spent",
    "StepEnded",
    "StepSkipped",
    "StepStarted",
    "Summarised",
    "Token",
]


class StepStarted(Model):
    """An attempt at a rung of a step begins."""

    type: Literal["step_started"] = "step_started"
    span_id: int
    """Ends with the `StepEnded` whose span has this id."""
    step: str
    rung: str
    branch: str = ""
    """Which of the parallel ones; empty where there is one."""
    attempt: int = 1
    model: str = ""
    started: float = 0.0
    """Seconds since the question was asked."""


class StepEnded(Model):
    """That attempt is over, well or badly."""

    type: Literal["step_ended"] = "step_ended"
    span: Span


class StepSkipped(Model):
    """A step was not needed."""

    type: Literal["step_skipped"] = "step_skipped"
    step: str
    why: str


class FellBack(Model):
    """A rung failed and the next one takes over. Text streamed by the failed rung is void."""

    type: Literal["fell_back"] = "fell_back"
    step: str
    branch: str = ""
    from_rung: str
    to_rung: str
    outcome: Outcome
    why: str


class Retrying(Model):
    """The same rung is tried again after a wait. Text streamed by the failed attempt is void."""

    type: Literal["retrying"] = "retrying"
    step: str
    rung: str
    branch: str = ""
    attempt: int
    """The one that failed, from 1."""
    wait_seconds: float
    outcome: Outcome
    why: str


class Classified(Model):
    """The question has a kind and a domain."""

    type: Literal["classified"] = "classified"
    query: Query


class Routed(Model):
    """What will be done is decided."""

    type: Literal["routed"] = "routed"
    route: Route


class HitsFound(Model):
    """One retriever has answered."""

    type: Literal["hits_found"] = "hits_found"
    retriever: str
    count: int
    titles: tuple[str, ...] = ()
    """The best documents' titles, at most three."""


class Summarised(Model):
    """One paper has been read for the question."""

    type: Literal["summarised"] = "summarised"
    evidence: Evidence


class EvidenceReady(Model):
    """All that the answer will be written from."""

    type: Literal["evidence_ready"] = "evidence_ready"
    evidence: tuple[Evidence, ...]


class Token(Model):
    """More text of the answer, unverified yet."""

    type: Literal["token"] = "token"
    text: str


class Drafted(Model):
    """The text is whole; checking begins."""

    type: Literal["drafted"] = "drafted"
    draft: Draft


class Asked(Model):
    """A person is asked before something is done; answered through `Decided`."""

    type: Literal["asked"] = "asked"
    id: str
    prompt: str
    choices: tuple[str, ...]
    default: str
    timeout_seconds: float


class Decided(Model):
    """What the person chose, or what was assumed for them."""

    type: Literal["decided"] = "decided"
    id: str
    choice: str
    by: Literal["person", "journal", "timeout"]


class Noted(Model):
    """Something the reader should know; it stands in the answer's notes too."""

    type: Literal["noted"] = "noted"
    note: str


class Spent(Model):
    """What the question has cost so far."""

    type: Literal["spent"] = "spent"
    usage: Usage


class Done(Model):
    """The answer, verified."""

    type: Literal["done"] = "done"
    answer: Answer


class Failed(Model):
    """There is no answer, and why."""

    type: Literal["failed"] = "failed"
    kind: str
    message: str
    hint: str = ""
    exit_code: int = 1


AskEvent = Annotated[
    StepStarted
    | StepEnded
    | StepSkipped
    | FellBack
    | Retrying
    | Classified
    | Routed
    | HitsFound
    | Summarised
    | EvidenceReady
    | Token
    | Drafted
    | Asked
    | Decided
    | Noted
    | Spent
    | Done
    | Failed,
    Field(discriminator="type"),
]
"""Any of them; `pydantic.TypeAdapter(AskEvent)` reads one back from JSON."""
