"""What a step may cost and how it is tried again: time-outs, attempts, back-off."""

from __future__ import annotations

import random

from pydantic import Field

from indexes.types import Model

__all__ = ["Policy", "backoff_seconds"]

LONGEST_RETRY_AFTER_SECONDS = 120.0
"""A provider that asks for a longer wait than this is not waited for."""


class Policy(Model):
    """How one rung is run. Declared beside the rung, never written into it."""

    timeout_seconds: float | None = Field(default=None, gt=0)
    """For one attempt, on the monotonic clock; `None` leaves the limit to the rung."""
    attempts: int = Field(default=1, ge=1, le=4)
    """Tries at the same rung, for errors that may pass."""
    backoff_seconds: float = Field(default=0.5, ge=0)
    """Upper bound of the first wait; doubles with each attempt."""
    max_backoff_seconds: float = Field(default=30.0, ge=0)


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
