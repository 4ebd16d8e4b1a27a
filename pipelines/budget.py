"""What a question may still spend: seconds until its deadline, model calls, dollars."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipelines.errors import BudgetSpent
from pipelines.types import Budget

__all__ = ["Allowance", "Slice"]

_LAST_SLICE_SHARE, _LAST_SLICE_SECONDS = 0.15, 1.0
"""Kept back from every rung that may hang, so that the last rungs and the checks finish in time."""
_LEAST_SECONDS = 0.05
"""A rung that would have less than this is not begun."""


class Allowance:
    """One question's budget as it is used up.

    Args:
        budget: The limits; `None` in any of them is no limit.
        clock: Seconds on a clock that never jumps. The question begins when the allowance is made.
    """

    def __init__(self, budget: Budget | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.budget = budget or Budget()
        self._clock = clock
        self._began = clock()
        self._calls = 0
        self._cost_usd = 0.0
        self._lifted = False

    @property
    def seconds_left(self) -> float:
        """Seconds for what may hang; the last slice of the deadline is not among them. `inf` without one."""
        limit = self.budget.max_seconds
        if limit is None:
            return float("inf")
        kept_back = min(_LAST_SLICE_SECONDS, _LAST_SLICE_SHARE * limit)
        return limit - kept_back - (self._clock() - self._began)

    def slice_for(self, share: float, *, after: float) -> Slice:
        """The part of the time left for a step of weight `share` when steps of weight `after` follow it."""
        left = self.seconds_left
        part = share / (share + after) if share + after > 0 else 0.0
        return Slice(max(0.0, left * part) if left != float("inf") else left, clock=self._clock)

    def take_call(self, worst_cost_usd: float | None) -> None:
        """Counts one model call.

        Args:
            worst_cost_usd: What it can cost at most; `None` where the price is not known, and then the
                limit of money cannot hold it back.

        Raises:
            BudgetSpent: The call would go over a limit.
        """
        limit = self.budget
        if not self._lifted:
            if limit.max_calls is not None and self._calls >= limit.max_calls:
                raise BudgetSpent(
                    f"The question may make {limit.max_calls} model calls, and they are made.",
                    hint="Allow more with --max-calls.",
                )
            if limit.max_cost_usd is not None and self._cost_usd + (worst_cost_usd or 0) > limit.max_cost_usd:
                raise BudgetSpent(
                    f"The question may cost ${limit.max_cost_usd:.4f}; ${self._cost_usd:.4f} is spent, and "
                    f"the next call could cost ${worst_cost_usd or 0:.4f}.",
                    hint="Allow more with --max-cost.",
                )
        self._calls += 1

    def pay(self, cost_usd: float | None) -> None:
        """Notes what a call has cost."""
        self._cost_usd += cost_usd or 0.0

    def lift(self) -> None:
        """A person has allowed this question to go over its limits of calls and money; its deadline stays."""
        self._lifted = True


class Slice:
    """The time of one step, spent by the rungs of its ladder one after another.

    Args:
        seconds: How long it is; `inf` without a deadline.
        clock: Seconds on a clock that never jumps.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._until = clock() + seconds

    def seconds_for(self, reserved: float) -> float | None:
        """Seconds for a rung when the share `reserved` of the slice is kept for the rungs after it.

        `None` when so little is left that it is not worth beginning.
        """
        left = self._until - self._clock() - reserved * self.seconds if self.seconds != float("inf") else None
        if left is None:
            return float("inf")
        return left if left >= _LEAST_SECONDS else None
