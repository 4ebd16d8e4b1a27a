"""The nouns of a question on its way to an answer."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from indexes.shown import Shown
from indexes.types import Document, Hit, Model
from pipelines.kinds import Kind, Tally

if TYPE_CHECKING:
    from pandas import DataFrame

    from pipelines.waterfall import Waterfall

__all__ = [
    "Again",
    "Answer",
    "Budget",
    "Citation",
    "Claim",
    "Degradation",
    "Doubt",
    "Draft",
    "Earlier",
    "Evidence",
    "EvidenceList",
    "FirstDraft",
    "Kind",
    "Outcome",
    "Query",
    "Question",
    "Route",
    "Span",
    "Tally",
    "Trace",
    "Usage",
]


class Outcome(StrEnum):
    """How a call or a step ended; nothing ends in any other way."""

    OK = "ok"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    """Was not needed."""
    NOTHING_FOUND = "nothing found"
    REFUSED = "refused"
    """The model declined."""
    BLOCKED = "blocked"
    """Not allowed: by the person, a setting or the provider."""
    LIMITED = "limited"
    """Rate-limited by the provider, or the batch that the question is one of has spent its money."""
    TIMED_OUT = "timed out"
    TOO_LONG = "too long"
    AUTH = "auth"
    """The key was refused, or there is no such model: every other question would fail in the same way."""
    UNREACHABLE = "unreachable"
    MALFORMED = "malformed"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class Budget(Model):
    """Limits for one question; `None` is no limit."""

    max_seconds: float | None = Field(default=None, gt=0)
    """From asking to the answer. It is divided over the steps; there is an answer by then, the best that
    fits."""
    max_cost_usd: float | None = Field(default=None, ge=0)
    """Checked before each call against what the call can cost at most, where its price is known."""
    max_calls: int | None = Field(default=None, ge=0)
    """Model calls, the failed ones included."""


class Query(Model):
    """A question, classified."""

    text: str
    """What is asked, without the filters that were written into it."""
    asked: str = ""
    """As the person wrote it, filters included; empty when there are none."""
    said: str = ""
    """The follow-up that the person typed, where `text` is what was made of it; empty otherwise."""
    kind: Kind = Kind.GENERAL
    domain: tuple[str, ...] = ()
    """The collections it belongs to; empty means all."""
    confidence: float = Field(default=0.0, ge=0, le=1)
    """How sure the classification is."""
    rewrites: tuple[str, ...] = ()
    """Other wordings to search with, made from the person's words only."""

    @property
    def for_library(self) -> str:
        """What the library is searched with: it knows the filters, as nothing else does."""
        return self.asked or self.text


class Route(Model):
    """What will be done for this question, and why."""

    name: str
    steps: tuple[str, ...]
    models: dict[str, str] = Field(default_factory=dict)
    """Role to model name, for the roles this route may call."""
    why: str


class Evidence(Model):
    """What a paper says to this question: one passage, or all of its passages summarised by a model."""

    id: int = Field(ge=1)
    """What `[1]` in the answer points to."""
    hits: tuple[Hit, ...] = Field(min_length=1)
    """The passages, all of one document, best first."""
    quote: str
    """Verbatim from the first passage."""
    quote_start: int
    """Offset of the quote in the document's text, from 0."""
    summary: str
    """What the paper says to this question; equals the quotes when nothing was summarised."""
    relevance: float = Field(ge=0, le=1)
    read_by: str = ""
    """Name of the model that summarised it; empty when the summary is the paper's own sentences."""

    @property
    def document(self) -> Document:
        """The paper this evidence is from."""
        return self.hits[0].document

    @property
    def page(self) -> int:
        """Page of the quote, from 1."""
        return self.hits[0].passage.page


class EvidenceList(Shown, tuple[Evidence, ...]):
    """The evidence of one answer, in the order of its numbers: a tuple that is also a table."""

    __slots__ = ()

    def to_pandas(self) -> DataFrame:
        """Returns a table with one row for each piece of evidence, its number as the index.

        Raises:
            InputError: pandas is not installed.
        """
        from pipelines.evidence_frame import evidence_frame

        return evidence_frame(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(cls, handler(tuple[Evidence, ...]))


class Earlier(Model):
    """The question that another one follows on."""

    run: str = ""
    """Empty where no history has it."""
    id: str = ""
    text: str
    """As it was understood."""


class Again(Model):
    """A question asked again on the evidence that its first answer already has."""

    how: Literal["deeper", "web", "model"]
    """`deeper`: the reasoning model reads all of it; `web`: with what the web adds; `model`: another one."""
    model: str = ""
    """Which other one; empty for the model that has the role."""
    query: Query
    """As it was classified for the first answer."""
    evidence: tuple[Evidence, ...]

    @property
    def name(self) -> str:
        """What it is called in the history: how, or the model."""
        return self.model if self.how == "model" else self.how


class Question(Model):
    """What a person asked, and within which limits."""

    text: str
    collections: tuple[str, ...] = ()
    """Where to look; empty means the classifier chooses."""
    budget: Budget = Budget()
    id: str = ""
    """Names the question in its run; with the run's name it finds what was kept before a stop."""
    run: str = ""
    """Names the run, which a later process can resume; empty keeps nothing."""
    follows: Earlier | None = None
    """The question that it follows on; `None` where it stands by itself."""
    tallies: tuple[Tally, ...] = ()
    """What the person has said of earlier answers; the route may learn from it."""
    said: str = ""
    """What the person typed, where that was a follow-up and `text` is the whole question."""
    again: Again | None = None
    """Where it is asked again: nothing is searched for anew then, the web apart."""


class Citation(Model):
    """Ties a stretch of the answer to evidence."""

    evidence_id: int
    start: int
    """Offset of the marker's `[` in the answer's text, from 0."""
    end: int
    """One past the marker's `]`."""
    verified: bool
    """The evidence's quote stands, word for word, in the stored text of the page it names."""
    support: float = Field(ge=0, le=1)
    """Share of the sentence's content that the cited passages contain."""


class Claim(Model):
    """One sentence of the answer and how well it is supported."""

    start: int
    """Offset in the answer's text, from 0."""
    end: int
    support: float = Field(ge=0, le=1)
    supported: bool
    """False marks a sentence that its citations do not carry, or that has none."""


class Degradation(Model):
    """A fallback that was taken."""

    step: str
    rung: str
    """The rung that served."""
    instead_of: str
    """The rung that was meant to."""
    outcome: Outcome
    why: str
    """A sentence for the reader."""
    hint: str = ""
    """What the reader can do about it; may be empty."""
    retry_after_seconds: float | None = None
    """When the provider asks to be left alone for longer than is waited for."""


class Usage(Model):
    """What was spent; adds with `+`."""

    calls: int = 0
    """Model calls, the failed ones included."""
    recalled: int = 0
    """Results taken from the journal in place of a call."""
    input_tokens: int = 0
    output_tokens: int = 0
    web_searches: int = 0
    cost_usd: float | None = None
    """The sum of the prices that are known; `None` where none is."""
    unpriced_calls: int = 0
    """Calls whose price is not known, and so not in the sum."""
    seconds: float = 0.0
    """Wall-clock seconds of the whole; when added, the sum."""

    def __add__(self, other: Usage) -> Usage:
        costs = [cost for cost in (self.cost_usd, other.cost_usd) if cost is not None]
        return Usage(
            calls=self.calls + other.calls,
            recalled=self.recalled + other.recalled,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            web_searches=self.web_searches + other.web_searches,
            cost_usd=sum(costs) if costs else None,
            unpriced_calls=self.unpriced_calls + other.unpriced_calls,
            seconds=self.seconds + other.seconds,
        )


class Span(Model):
    """One attempt at one rung of one step, in OpenTelemetry's terms."""

    id: int
    name: str
    """The step."""
    rung: str
    branch: str = ""
    """Which of the parallel ones: a retriever, a paper's title."""
    started: float
    """Seconds since the question was asked, on the monotonic clock."""
    ended: float
    attempt: int = 1
    status: Outcome = Outcome.OK
    error: str = ""
    usage: Usage = Usage()
    model: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started


class Trace(Model):
    """Every span of one question, in the order they ended."""

    spans: tuple[Span, ...] = ()

    def __iter__(self) -> Iterator[Span]:  # type: ignore[override]
        return iter(self.spans)

    def of(self, step: str) -> tuple[Span, ...]:
        """The spans of one step."""
        return tuple(span for span in self.spans if span.name == step)

    def waterfall(self, *, width: int = 80, ascii: bool = False) -> Waterfall:
        """The trace as a picture, for `print` and for a notebook; see `Waterfall`."""
        from pipelines.waterfall import Waterfall

        return Waterfall(self, width=width, ascii=ascii)

    def to_jsonl(self, *, with_text: bool = False) -> str:
        """The trace as JSON lines, with titles of papers and words of errors only if asked for."""
        from pipelines.otel import to_jsonl

        return to_jsonl(self, with_text=with_text)


class Draft(Model):
    """An answer's text before its citations are checked."""

    text: str
    """Markdown with `[1]` markers."""
    author: Literal["reasoning", "small", "extractive", "nothing"]
    """Who wrote it: a model's role, the extractive rung, or nobody for want of evidence."""
    model: str = ""


class Doubt(StrEnum):
    """Why a cheap model's draft is not taken as it is."""

    ABSTAINED = "it found no answer"
    UNSUPPORTED = "its sentences are not all supported by what they cite"
    NOTHING_STANDS_OUT = "no passage stands out from the others"
    DISAGREEMENT = "two drafts of it do not agree"


class FirstDraft(Model):
    """What the cheap model of a cascade wrote, and how sure that is."""

    draft: Draft | None = None
    """`None` when it did not write one."""
    doubts: tuple[Doubt, ...] = ()


class Answer(Shown, Model):
    """What the person gets; always says what it could not do."""

    query: Query
    route: Route
    text: str
    """Markdown with `[1]` markers."""
    citations: tuple[Citation, ...] = ()
    claims: tuple[Claim, ...] = ()
    evidence: EvidenceList = EvidenceList()
    degraded: tuple[Degradation, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader should know: search was by keyword, a quote was not found."""
    author: str = ""
    """Who wrote the text: a model's name, or `extractive`."""
    usage: Usage = Usage()
    trace: Trace = Trace()
    run: str = ""
    """Names the run it was asked in, where a history is kept."""
    question_id: str = ""
    """Names its question in that run."""

    @property
    def found(self) -> bool:
        """Whether there was any evidence to answer from."""
        return bool(self.evidence)
