"""What ends a batch before its last question: failures, money, time; and how that reads as an exit code."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from indexes.errors import InputError
from pipelines.errors import ModelAuth
from pipelines.types import Budget, Usage

__all__ = ["NO_LIMIT", "End", "Failing", "FailureLimit", "Purse", "failure_limit"]

Failing = bool | int | float | str | None
"""How many failed questions are too many, as a person writes it; see `failure_limit`."""


class End(StrEnum):
    """Why a batch ended."""

    DONE = "done"
    INTERRUPTED = "interrupted"
    FAULT = "fault"
    """What failed would fail for every other question too: a refused key, a missing model."""
    FAILURES = "failures"
    """More questions failed than were allowed to."""
    COST = "cost"
    TIME = "time"

    @property
    def exit_code(self) -> int:
        """What the command line exits with."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    End.DONE: 0,
    End.INTERRUPTED: 130,
    End.FAULT: ModelAuth.exit_code,
    End.FAILURES: 1,
    End.COST: 1,
    End.TIME: 124,
}


class FailureLimit(NamedTuple):
    """How many failed questions a batch bears."""

    most: float
    """From so many on no other question is begun."""
    tolerated: bool
    """Whether a batch that stays below has succeeded although questions failed."""


NO_LIMIT = FailureLimit(float("inf"), tolerated=False)
"""Goes on to the end; any failure makes the batch a failed one."""


def failure_limit(failing: Failing, total: int) -> FailureLimit:
    """Returns how many failed questions are too many.

    Args:
        failing: `None` goes on to the end, and any failure makes the batch a failed one. `True` stops at the
            first, `False` never counts them. A number below 1 is a share of all questions, any other a count:
            the batch stops once so many have failed, and has succeeded if it stays below. The same in words.
        total: Questions to be asked.

    Raises:
        InputError: It is none of these.
    """
    match _parsed(failing):
        case None:
            return NO_LIMIT
        case True:
            return FailureLimit(1, tolerated=True)
        case False:
            return FailureLimit(float("inf"), tolerated=True)
        case limit if 0 < limit < 1:
            return FailureLimit(max(limit * total, 1), tolerated=True)
        case limit if limit >= 1:
            return FailureLimit(limit, tolerated=True)
    raise _not_a_limit(failing)


class Purse:
    """What a batch has spent of its money, and what those under way may still spend.

    Args:
        total_usd: For the whole; `None` is no limit.
        budget: Of each question.
    """

    def __init__(self, total_usd: float | None, budget: Budget) -> None:
        self._total = total_usd
        self._budget = budget
        self._dearest = 0.0
        self.spent = Usage()

    def affords(self, under_way: int) -> bool:
        """Whether one more question can be begun beside those under way."""
        return self._left(under_way) > 0

    def budget(self, under_way: int) -> Budget:
        """What the next question may spend: no more than is left when those under way have spent theirs.

        Where a question has no limit of its own, those under way are taken to cost as much as the dearest so
        far: of the first ones nothing is known, and together they may spend more than there is.
        """
        if self._total is None:
            return self._budget
        own, left = self._budget.max_cost_usd, self._left(under_way)
        return self._budget.model_copy(update={"max_cost_usd": left if own is None else min(own, left)})

    def pay(self, usage: Usage) -> None:
        """Counts what a question has spent."""
        self.spent += usage
        self._dearest = max(self._dearest, usage.cost_usd or 0.0)

    def _left(self, under_way: int) -> float:
        if self._total is None:
            return float("inf")
        each = self._dearest if self._budget.max_cost_usd is None else self._budget.max_cost_usd
        return self._total - (self.spent.cost_usd or 0.0) - under_way * each


def _parsed(failing: Failing) -> bool | float | None:
    if not isinstance(failing, str):
        return failing
    if (word := failing.strip().casefold()) in ("true", "yes", "false", "no"):
        return word in ("true", "yes")
    try:
        return float(word)
    except ValueError as error:
        raise _not_a_limit(failing) from error


def _not_a_limit(failing: Failing) -> InputError:
    return InputError(
        f"{failing!r} does not say how many failed questions are too many.",
        hint="Write true, false, a share below 1 such as 0.1, or a count such as 5.",
    )
