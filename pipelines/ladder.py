"""Climbs down a step's ladder: tries each rung within its policy until one gives the value."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Any

from indexes.errors import CarrelError
from pipelines.errors import StepFailed, outcome_of
from pipelines.person import Person
from pipelines.policy import LONGEST_RETRY_AFTER_SECONDS, backoff_seconds
from pipelines.step import RECORDER, Rung, Step
from pipelines.trace import Recorder
from pipelines.types import Degradation, Outcome

__all__ = ["climb", "failed_branch"]

_log = logging.getLogger("carrel.pipelines")
_chance = random.Random()  # noqa: S311 - jitter, not a secret


async def climb(
    step: Step, needs: Mapping[str, Any], recorder: Recorder, *, person: Person, branch: str = ""
) -> Any:
    """Returns the value of the first rung that succeeds.

    Args:
        step: Whose ladder it is.
        needs: Every value and service by name; a service that is `None` is absent.
        recorder: Told of each attempt and each fallback.
        person: Asked before a rung that needs consent.
        branch: Which of the parallel branches this is.

    Raises:
        StepFailed: No rung succeeded; the message is the last rung's.
    """
    rungs = [rung for rung in step.ladder if _available(rung, needs)]
    if not rungs:
        raise StepFailed(f"No way to {step.name} is available.")
    for rung, following in zip(rungs, [*rungs[1:], None], strict=True):
        try:
            return await _attempt(step, rung, needs, recorder, person, branch)
        # Whatever a rung raises, the next one takes over: this is the outer door of every step.
        except Exception as error:
            if not isinstance(error, CarrelError | TimeoutError):
                _log.exception("%s: %s failed", step.name, rung.name)
            if following is None:
                raise StepFailed(_sentence(error), hint=getattr(error, "hint", "")) from error
            _fall_back(step, rung, following, error, recorder, branch)
    raise AssertionError("the loop returns or raises")


def _available(rung: Rung, needs: Mapping[str, Any]) -> bool:
    return all(needs.get(name) is not None for name in rung.needs if name != RECORDER)


async def _attempt(
    step: Step, rung: Rung, needs: Mapping[str, Any], recorder: Recorder, person: Person, branch: str
) -> Any:
    if rung.consent:
        await person.must_allow(rung.consent, needs, recorder)
    arguments = {name: recorder if name == RECORDER else needs[name] for name in rung.needs}
    for attempt in range(1, rung.policy.attempts + 1):
        try:
            with recorder.span(step.name, rung.name, branch=branch, attempt=attempt):
                async with asyncio.timeout(rung.policy.timeout_seconds):
                    return await rung.run(**arguments)
        except CarrelError as error:
            wait = _wait_before_retry(rung, attempt, error)
            if wait is None:
                raise
            await asyncio.sleep(wait)
    raise AssertionError("the loop returns or raises")


def _wait_before_retry(rung: Rung, attempt: int, error: CarrelError) -> float | None:
    """Seconds to wait before the same rung is tried again; `None` when it should not be."""
    if not error.retryable or attempt == rung.policy.attempts:
        return None
    retry_after: float | None = getattr(error, "retry_after_seconds", None)
    if retry_after is not None and retry_after > LONGEST_RETRY_AFTER_SECONDS:
        return None
    return backoff_seconds(rung.policy, attempt, retry_after=retry_after, chance=_chance)


def _fall_back(
    step: Step, rung: Rung, following: Rung, error: Exception, recorder: Recorder, branch: str
) -> None:
    degradation = Degradation(
        step=step.name,
        rung=following.name,
        instead_of=rung.name,
        outcome=outcome_of(error),
        why=_sentence(error, rung),
    )
    recorder.fell_back(degradation, branch=branch, visible=getattr(error, "degrades", True))


def _sentence(error: Exception, rung: Rung | None = None) -> str:
    if isinstance(error, TimeoutError):
        limit = rung.policy.timeout_seconds if rung else None
        return f"It took longer than {limit:g} seconds." if limit else "It took too long."
    if isinstance(error, CarrelError):
        return error.message
    return f"An unexpected {type(error).__name__}: {error}"


def failed_branch(step: Step, branch: str, error: StepFailed) -> Degradation:
    """A branch of a fan-out that gave nothing, as a value for the record."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    outcome = outcome_of(cause)
    return Degradation(
        step=step.name,
        rung="left out",
        instead_of=branch,
        outcome=outcome if outcome is not Outcome.OK else Outcome.INTERNAL,
        why=error.message,
    )
