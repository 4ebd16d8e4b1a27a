"""A past answer as the events that told of it, so that it is shown as it was then."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.events import (
    Answer,
    AskEvent,
    Classified,
    Done,
    Routed,
    StepEnded,
    StepStarted,
)

__all__ = ["told_again"]


def told_again(answer: Answer) -> Iterator[AskEvent]:
    """Yields what the steps and the answer are drawn from, in order, up to `Done`."""
    yield Classified(query=answer.query)
    yield Routed(route=answer.route)
    for span in answer.trace.spans:
        yield StepStarted(
            span_id=span.id,
            step=span.name,
            rung=span.rung,
            branch=span.branch,
            attempt=span.attempt,
            model=span.model,
            started=span.started,
        )
        yield StepEnded(span=span)
    yield Done(answer=answer)
