"""Records one question: spans, spending, fallbacks and notes, each also told as an event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from pipelines.budget import Allowance
from pipelines.errors import outcome_of
from pipelines.events import AskEvent, FellBack, Noted, Spent, StepEnded, StepStarted
from pipelines.journal import Journal
from pipelines.types import Degradation, Outcome, Span, Trace, Usage

__all__ = ["OpenSpan", "Recorder", "billed_apart", "current_span"]

_current: ContextVar[OpenSpan | None] = ContextVar("carrel_span", default=None)


def current_span() -> OpenSpan | None:
    """The span of the attempt this code runs in; a model call adds its spending to it."""
    return _current.get()


@contextmanager
def billed_apart(span: OpenSpan) -> Iterator[OpenSpan]:
    """Counts what one call within a span spends by itself, although other calls run in the same span.

    Within the block `current_span` is a span of the call's own; at its end all goes to `span`.
    """
    own = replace(span, usage=Usage(), truncated=False)
    token = _current.set(own)
    try:
        yield own
    finally:
        _current.reset(token)
        span.model = own.model or span.model
        span.truncated = span.truncated or own.truncated
        span.spend(own.usage)


@dataclass
class OpenSpan:
    """An attempt that is still running."""

    id: int
    step: str
    rung: str
    branch: str
    attempt: int
    started: float
    recorder: Recorder
    """The record of the question it works for."""
    cacheable: bool = False
    """Whether the reply to the same prompt in another question will do."""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    replies: list[str] = field(default_factory=list)
    """Input hashes of the replies in the journal that it was given."""
    truncated: bool = False
    """Whether a model's reply was cut at its longest."""

    def spend(self, usage: Usage) -> None:
        """Adds what a call has cost."""
        self.usage += usage


class Recorder:
    """Collects what happens to one question and passes each event on.

    Args:
        emit: Receives every event as it happens.
        clock: Seconds on a clock that never jumps.
        allowance: What the question may still spend; without one, as much as it likes.
        journal: Where results are kept before they are used; without one, nowhere.
    """

    def __init__(
        self,
        emit: Callable[[AskEvent], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        allowance: Allowance | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.emit = emit
        self.allowance = allowance or Allowance()
        self.journal = journal
        self.decisions: dict[str, str] = {}
        """What a person has decided for this question, by a hash of what was asked."""
        self.asking = asyncio.Lock()
        """Held while a person is asked: one thing at a time."""
        self._clock = clock
        self._began = clock()
        self._opened = 0
        self._spans: list[Span] = []
        self._usage = Usage()
        self._degraded: list[Degradation] = []
        self._notes: list[str] = []

    @property
    def elapsed(self) -> float:
        """Seconds since the question was asked."""
        return self._clock() - self._began

    @property
    def usage(self) -> Usage:
        """What was spent so far, and the seconds since the question was asked."""
        return self._usage.model_copy(update={"seconds": self.elapsed})

    @property
    def trace(self) -> Trace:
        """Every span so far."""
        return Trace(spans=tuple(self._spans))

    @property
    def degraded(self) -> tuple[Degradation, ...]:
        """The fallbacks taken so far."""
        return tuple(self._degraded)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know, in the order it came up."""
        return tuple(self._notes)

    @contextmanager
    def span(
        self, step: str, rung: str, *, branch: str = "", attempt: int = 1, cacheable: bool = False
    ) -> Iterator[OpenSpan]:
        """Times one attempt; how it ended is read from the exception that leaves the block, if any."""
        self._opened += 1
        opened = OpenSpan(
            self._opened,
            step,
            rung,
            branch,
            attempt,
            started=self.elapsed,
            recorder=self,
            cacheable=cacheable,
        )
        self.emit(
            StepStarted(
                span_id=opened.id,
                step=step,
                rung=rung,
                branch=branch,
                attempt=attempt,
                started=opened.started,
            )
        )
        token = _current.set(opened)
        status, error = Outcome.OK, ""
        try:
            yield opened
            if opened.truncated:
                status = Outcome.PARTIAL
                self.note(f"{opened.model} stopped at its longest reply: what it wrote may lack its end.")
        except Exception as failure:
            status, error = outcome_of(failure), str(failure) or type(failure).__name__
            raise
        except BaseException:
            status = Outcome.CANCELLED
            raise
        finally:
            _current.reset(token)
            self._close(opened, status, error)

    def _close(self, opened: OpenSpan, status: Outcome, error: str) -> None:
        span = Span(
            id=opened.id,
            name=opened.step,
            rung=opened.rung,
            branch=opened.branch,
            started=opened.started,
            ended=self.elapsed,
            attempt=opened.attempt,
            status=status,
            error=error,
            usage=opened.usage,
            model=opened.model,
        )
        self._spans.append(span)
        self.emit(StepEnded(span=span))
        if opened.usage != Usage():
            self._usage += opened.usage
            self.emit(Spent(usage=self.usage))

    def note(self, sentence: str) -> None:
        """Adds a sentence for the reader, once."""
        if sentence not in self._notes:
            self._notes.append(sentence)
            self.emit(Noted(note=sentence))

    def fell_back(self, degradation: Degradation, *, branch: str = "", visible: bool = True) -> None:
        """Records that another rung takes over; an invisible one stands in the trace only."""
        if not visible:
            return
        self._degraded.append(degradation)
        self.emit(
            FellBack(
                step=degradation.step,
                branch=branch,
                from_rung=degradation.instead_of,
                to_rung=degradation.rung,
                outcome=degradation.outcome,
                why=degradation.why,
            )
        )
