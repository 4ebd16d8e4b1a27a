"""What a rung may cost, how it is tried again, and which of three answers an error gets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from indexes.errors import FilterRefused
from pipelines.errors import outcome_of
from pipelines.types import Outcome

__all__ = ["LONGEST_RETRY_AFTER_SECONDS", "Policy", "Remedy", "backoff_seconds", "remedy_of"]

LONGEST_RETRY_AFTER_SECONDS = 120.0
"""A provider that asks for a longer wait than this is not waited for."""
MOST_ATTEMPTS = 4


class Remedy(StrEnum):
    """What is done about an error; there are no other answers."""

    AGAIN = "again"
    """The same rung once more, after a wait."""
    NEXT = "next"
    """The next rung of the ladder."""
    STOP = "stop"
    """Nothing more is tried: what failed would fail for every rung."""


_REMEDIES: dict[Outcome, Remedy] = {
    Outcome.PARTIAL: Remedy.NEXT,
    Outcome.NOTHING_FOUND: Remedy.NEXT,
    Outcome.REFUSED: Remedy.NEXT,
    Outcome.BLOCKED: Remedy.NEXT,
    Outcome.LIMITED: Remedy.AGAIN,
    Outcome.TIMED_OUT: Remedy.NEXT,
    Outcome.TOO_LONG: Remedy.NEXT,
    Outcome.AUTH: Remedy.NEXT,
    Outcome.UNREACHABLE: Remedy.AGAIN,
    Outcome.MALFORMED: Remedy.NEXT,
    Outcome.CANCELLED: Remedy.STOP,
    Outcome.INTERNAL: Remedy.NEXT,
}


def remedy_of(error: BaseException) -> Remedy:
    """What is done about `error`: by its kind, but only a class that says it may pass is tried again.

    A filter that cannot be one is the person's to mend: without it every rung would answer another question.
    """
    if isinstance(error, FilterRefused):
        return Remedy.STOP
    remedy = _REMEDIES.get(outcome_of(error), Remedy.NEXT)
    if remedy is Remedy.AGAIN and not getattr(error, "retryable", False):
        return Remedy.NEXT
    return remedy


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How one rung is run. Declared beside the rung, never written into it.

    Nothing is checked here: `Pipeline` refuses a policy that cannot hold and names the step it stands in.
    """

    timeout_seconds: float | None = None
    """For one attempt, on the monotonic clock; `None` leaves the limit to the question's deadline. On a last
    rung, `None` says that it cannot hang: it is run even when the deadline is near."""
    attempts: int = 1
    """Tries at the same rung, for errors that may pass; at most 4."""
    backoff_seconds: float = 0.5
    """Upper bound of the first wait; doubles with each attempt."""
    max_backoff_seconds: float = 30.0
    reserve: float = 0.0
    """Share of the step's time, from 0 to 1, that better rungs must leave to this one when there is a
    deadline. Without a deadline each rung has its own time-out and nothing is kept back."""
    cache: bool = False
    """Whether a model's reply to the same prompt may serve another question too."""

    def problems(self) -> Iterator[str]:
        """What cannot hold, each as a sentence without its subject."""
        if self.timeout_seconds is not None and not self.timeout_seconds > 0:
            yield f"has a time-out of {self.timeout_seconds:g} seconds; it must be above 0"
        if not 1 <= self.attempts <= MOST_ATTEMPTS:
            yield f"has {self.attempts} attempts; 1 to {MOST_ATTEMPTS} are allowed"
        if not (self.backoff_seconds >= 0 and self.max_backoff_seconds >= 0):
            yield "has a back-off that is not 0 seconds or more"
        if not 0 <= self.reserve < 1:
            yield f"keeps back {self.reserve:g} of the step's time; it must be at least 0 and below 1"


def backoff_seconds(
    policy: Policy, attempt: int, *, retry_after: float | None, chance: random.Random
) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1).

    A provider's own `retry_after` is kept to, never shortened. Otherwise full jitter: uniform between zero
    and an exponentially growing bound (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
    2015).
    """
    if retry_after is not None:
        return retry_after
    bound = min(policy.max_backoff_seconds, policy.backoff_seconds * 2 ** (attempt - 1))
    return chance.uniform(0, bound)
