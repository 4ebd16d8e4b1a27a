"""The scenario language: which requests meet which fault, as typed Python."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from tests.faults.wire import Request

__all__ = [
    "VECTOR_ENDINGS",
    "Close",
    "ContextLengthExceeded",
    "Delay",
    "Drip",
    "Ending",
    "Hang",
    "Html200",
    "Match",
    "Reply",
    "Rst",
    "Scene",
    "Script",
    "Status",
    "Step",
    "retry_after",
]


class Ending(StrEnum):
    """How a reply ends once `Reply.after` pieces of it have been sent."""

    FINISH = "finish"
    """As it should."""
    TRUNCATE = "truncate"
    """A well-formed HTTP body that simply stops: no finish reason, no `[DONE]`."""
    MIDLINE = "midline"
    """As `TRUNCATE`, within a `data:` line."""
    CHUNKED_CUT = "chunked_cut"
    """The connection closes before the last chunk."""
    RST = "rst"
    """The connection is reset."""
    HANG = "hang"
    """Nothing more comes, and the connection stays open."""
    NO_DONE = "no_done"
    """A finish reason, but no `[DONE]`."""
    NO_REASON = "no_reason"
    """`[DONE]`, but no finish reason, as some local servers do on good answers."""
    BAD_JSON = "bad_json"
    """An event that is not JSON, then a proper end."""
    ERROR_EVENT = "error_event"
    """An error object in the stream."""
    LENGTH = "length"
    """Cut off by the limit on tokens."""
    CONTENT_FILTER = "content_filter"
    """Cut off by the provider's filter."""
    REFUSAL = "refusal"
    """The model declines, in the field meant for it."""
    EMPTY = "empty"
    """A proper end without any text."""
    NO_CHOICES = "no_choices"
    """An answer with an empty list of choices."""

    ONE_SHORT = "one_short"
    """A vector less than there are texts; this and what follows are for embeddings."""
    ONE_OVER = "one_over"
    """A vector more than there are texts."""
    OTHER_DIMENSION = "other_dimension"
    """Vectors of another length than before."""
    RAGGED = "ragged"
    """Vectors of different lengths."""
    NAN = "nan"
    """A number that is none."""
    INFINITE = "infinite"
    """A number without end."""
    ZEROS = "zeros"
    """A vector that points nowhere."""
    OUT_OF_ORDER = "out_of_order"
    """Good vectors in another order, each with the right index."""
    WITHOUT_ORDER = "without_order"
    """Good vectors that all have the same index."""


VECTOR_ENDINGS = frozenset(
    {
        Ending.ONE_SHORT,
        Ending.ONE_OVER,
        Ending.OTHER_DIMENSION,
        Ending.RAGGED,
        Ending.NAN,
        Ending.INFINITE,
        Ending.ZEROS,
        Ending.OUT_OF_ORDER,
        Ending.WITHOUT_ORDER,
    }
)
"""What only a service of embeddings can get wrong."""


@dataclass(frozen=True)
class Delay:
    """Waits; what follows is not changed."""

    seconds: float


@dataclass(frozen=True)
class Drip:
    """Sends all that follows byte by byte (slow loris)."""

    bytes_per_second: float
    part: Literal["all", "body"] = "all"


@dataclass(frozen=True)
class Hang:
    """Never answers, not even with a status line."""


@dataclass(frozen=True)
class Rst:
    """Resets the connection before any answer."""


@dataclass(frozen=True)
class Close:
    """Closes the connection before any answer."""


@dataclass(frozen=True)
class Html200:
    """A captive portal or a wrong port: status 200 and a page of HTML."""

    page: str = "<!doctype html><html><head><title>Sign in</title></head><body>Welcome</body></html>"


@dataclass(frozen=True)
class Status:
    """An error status, its body in the dialect's own form."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    """Sent as it is, instead of the dialect's form."""


@dataclass(frozen=True)
class ContextLengthExceeded:
    """The provider finds the prompt too long, in the dialect's own words."""


@dataclass(frozen=True)
class Reply:
    """An answer, whole or not."""

    text: str | None = None
    """`None` is what the dialect's responder says to the request."""
    gap: float = 0.0
    """Seconds before each piece of a streamed answer."""
    after: int | None = None
    """Pieces sent before the ending; `None` is half of them for an ending that cuts, else all."""
    then: Ending = Ending.FINISH


Step = Delay | Drip | Hang | Rst | Close | Html200 | Status | ContextLengthExceeded | Reply


def retry_after(value: str | float | None, *, code: int = 429) -> Status:
    """Returns a refusal that says when to come back: seconds, an HTTP date, `"nan"`, `"-1"`, or nothing."""
    return Status(code, {} if value is None else {"Retry-After": str(value)})


@dataclass(frozen=True)
class Match:
    """Which requests a scene is for; empty fields fit every request."""

    path: str = ""
    """What the path starts with."""
    contains: str = ""
    """Stands somewhere in the decoded body or query."""
    model: str = ""
    nth: int | None = None
    """Only the nth (from 1) of the requests that fit the rest."""

    def fits(self, request: Request) -> bool:
        """Whether all but `nth` holds."""
        return (
            request.path.startswith(self.path)
            and self.contains in request.text
            and (not self.model or request.model == self.model)
        )


@dataclass
class Scene:
    """Steps for the requests that match."""

    match: Match
    steps: tuple[Step, ...]
    times: int | None = None
    """How many requests it serves before it lets them fall through; `None` is all."""
    seen: int = 0
    served: int = 0

    def takes(self, request: Request) -> bool:
        """Whether this request is for this scene; counts it."""
        if not self.match.fits(request):
            return False
        self.seen += 1
        if self.match.nth is not None and self.seen != self.match.nth:
            return False
        if self.times is not None and self.served >= self.times:
            return False
        self.served += 1
        return True


class Script:
    """Scenes in order; the first that takes a request serves it."""

    def __init__(self) -> None:
        self._scenes: list[Scene] = []
        self._lock = threading.Lock()

    def add(self, match: Match, steps: Sequence[Step], *, times: int | None = None) -> None:
        """Appends a scene."""
        with self._lock:
            self._scenes.append(Scene(match, tuple(steps), times))

    def clear(self) -> None:
        """Forgets every scene: requests are answered normally again."""
        with self._lock:
            self._scenes.clear()

    def steps_for(self, request: Request) -> tuple[Step, ...]:
        """Returns the steps for a request; none means a normal answer."""
        with self._lock:
            return next((scene.steps for scene in self._scenes if scene.takes(request)), ())
