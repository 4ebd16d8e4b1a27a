"""A call while it is recorded: what has come back so far, how it ends, and what it has spent."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from pydantic import JsonValue

from indexes.errors import CarrelError
from pipelines.recorded import Call, Failure
from pipelines.trace import OpenSpan
from pipelines.types import Usage

__all__ = ["OpenCall", "Tally", "failure_of", "storable"]


@dataclass
class OpenCall:
    """A call that has not come back yet."""

    service: str
    method: str
    arguments: str
    occurrence: int
    began: float = field(default_factory=time.monotonic)
    value: JsonValue = None
    pieces: list[tuple[float, str]] = field(default_factory=list)
    failure: Failure | None = None
    stopped: bool = False

    def piece(self, text: str) -> None:
        """Adds a piece of a stream."""
        self.pieces.append((self._elapsed(), storable(text)))

    def closed(self, span: OpenSpan | None, usage: Usage) -> Call:
        """The call as a line."""
        return Call(
            service=self.service,
            method=self.method,
            arguments=self.arguments,
            occurrence=self.occurrence,
            seconds=self._elapsed(),
            value=self.value,
            pieces=tuple(self.pieces),
            failure=self.failure,
            stopped=self.stopped,
            model=span.model if span else "",
            usage=usage,
            truncated=span.truncated if span else False,
        )

    def _elapsed(self) -> float:
        return round(time.monotonic() - self.began, 6)


class Tally:
    """What the calls of a span have spent. Calls that overlap share it out, so that their sum is right."""

    def __init__(self) -> None:
        self._running: Counter[int] = Counter()
        self._counted: dict[int, Usage] = {}

    def begin(self, span: OpenSpan | None) -> None:
        """Leaves out what the span has spent without any call."""
        if span is not None:
            if not self._running[id(span)]:
                self._counted[id(span)] = span.usage
            self._running[id(span)] += 1

    def end(self, span: OpenSpan | None) -> Usage:
        """Returns what was spent since a call of this span last ended."""
        if span is None:
            return Usage()
        counted, self._counted[id(span)] = self._counted[id(span)], span.usage
        self._running[id(span)] -= 1
        now, before = dict(span.usage), dict(counted)
        return Usage.model_validate(
            {name: None if spent is None else spent - (before[name] or 0) for name, spent in now.items()}
        )


def failure_of(error: Exception) -> Failure:
    """The error as data."""
    message = error.message if isinstance(error, CarrelError) else str(error)
    return Failure(
        kind=type(error).__name__,
        message=storable(message),
        hint=storable(getattr(error, "hint", "")),
        retry_after_seconds=getattr(error, "retry_after_seconds", None),
    )


def storable(text: str) -> str:
    """`text` with every lone surrogate replaced: nothing else cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
