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
_LEAST_SLICE_SECONDS = 0.1
"""What a step gets at least, where there is that much: most steps need next to nothing."""


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
        self._promised_usd = 0.0
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
        left = max(0.0, self.seconds_left)
        part = share / (share + after)
        return Slice(min(left, max(left * part, _LEAST_SLICE_SECONDS)), clock=self._clock)

    def take_call(self, worst_cost_usd: float | None) -> None:
        """Counts one model call, and holds back what it can cost until `pay`.

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
            worst, spent = worst_cost_usd or 0.0, self._cost_usd + self._promised_usd
            if limit.max_cost_usd is not None and spent + worst > limit.max_cost_usd:
                raise BudgetSpent(
                    f"The question may cost ${limit.max_cost_usd:.4f}; ${spent:.4f} is spent or promised to "
                    f"calls that run, and the next one could cost ${worst:.4f}.",
                    hint="Allow more with --max-cost.",
                )
        self._calls += 1
        self._promised_usd += worst_cost_usd or 0.0

    def pay(self, cost_usd: float | None, *, promised_usd: float | None = None) -> None:
        """Notes what a call has cost.

        Args:
            cost_usd: Its price; `None` where that is not known.
            promised_usd: What was held back for it.
        """
        self._cost_usd += cost_usd or 0.0
        self._promised_usd -= promised_usd or 0.0

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
