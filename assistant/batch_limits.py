"""What ends a batch before its last question: failures, money, time; and how that reads as an exit code."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from indexes.errors import InputError
from pipelines.errors import ModelAuth

__all__ = ["NO_LIMIT", "End", "Failing", "FailureLimit", "failure_limit"]

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
