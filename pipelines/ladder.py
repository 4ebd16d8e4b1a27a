"""Climbs down a step's ladder: tries each rung within its policy and its share of time until one serves."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from indexes.errors import CarrelError
from pipelines.budget import Slice
from pipelines.errors import (
    BudgetSpent,
    ModelMalformed,
    NoTimeLeft,
    StepFailed,
    Stopped,
    TookTooLong,
    outcome_of,
)
from pipelines.events import Retrying
from pipelines.person import Person
from pipelines.policy import LONGEST_RETRY_AFTER_SECONDS, Remedy, backoff_seconds, remedy_of
from pipelines.step import PERSON, RECORDER, Rung, Step
from pipelines.trace import OpenSpan, Recorder
from pipelines.types import Degradation, Outcome

__all__ = ["AGAIN", "STOP", "Climb", "failed_branch"]

_log = logging.getLogger("carrel.pipelines")
_chance = random.Random()  # noqa: S311 - jitter, not a secret

AGAIN, STOP = "try again", "stop"
"""Choices that are offered before a last rung is taken; any other takes it."""


@dataclass(frozen=True)
class Climb:
    """One way down one ladder: for a step, or for one branch of it."""

    step: Step
    needs: Mapping[str, Any]
    """Every value and service by name; a service that is `None` is absent."""
    recorder: Recorder
    """Told of each attempt and each fallback."""
    person: Person
    """Asked before a rung that needs consent."""
    time: Slice
    """What the step has of the question's time."""
    branch: str = ""
    """Which of the parallel branches this is."""

    async def value(self) -> Any:
        """Returns the value of the first rung that succeeds.

        Raises:
            StepFailed: No rung succeeded; the message is the last rung's.
            Stopped: A person chose to stop.
        """
        rungs = [rung for rung in self.step.ladder if self._available(rung)]
        if not rungs:
            raise StepFailed(f"No way to {self.step.name} is available.")
        for round_number in count(1):
            for number, rung in enumerate(rungs):
                following = rungs[number + 1 :]
                if number and not following and await self._starts_over(rung, round_number):
                    break
                try:
                    return await self._serve(rung, following)
                except Exception as error:  # noqa: BLE001 - the outer door of a step: the next rung takes over
                    self._fall(rung, following, error)
        raise AssertionError("a last rung returns or raises")

    def _available(self, rung: Rung) -> bool:
        there = {**self.needs, RECORDER: self.recorder, PERSON: self.person}
        return all(there.get(name) is not None for name in rung.needs)

    async def _starts_over(self, last: Rung, round_number: int) -> bool:
        """Asks, where the step says so, whether the last rung is taken; `True` begins at the first again."""
        if not self.step.ask_before_last:
            return False
        choice = await self.person.choose(
            self.step.ask_before_last, self.needs, self.recorder, occasion=round_number
        )
        if choice == STOP:
            raise Stopped(f"Stopped before {last.name!r} was taken in its place.")
        return choice == AGAIN

    async def _serve(self, rung: Rung, following: Sequence[Rung]) -> Any:
        """One rung with all its attempts."""
        seconds = self._seconds_for(rung, following)
        if rung.consent:
            await self.person.must_allow(rung.consent, self.needs, self.recorder)
            seconds = self._seconds_for(rung, following)  # a person takes their time
        until = time.monotonic() + seconds
        attempt = 1
        while True:
            try:
                return await self._attempt(rung, attempt, until - time.monotonic())
            except BudgetSpent as error:
                if "budget" not in self.person.consents:
                    raise
                await self.person.must_allow("budget", {**self.needs, "error": error}, self.recorder)
                self.recorder.allowance.lift()
            except CarrelError as error:
                wait = _wait_before_retry(rung, attempt, error)
                if wait is None or time.monotonic() + wait >= until:
                    raise
                self._tell_retry(rung, attempt, wait, error)
                await asyncio.sleep(wait)
                attempt += 1

    def _seconds_for(self, rung: Rung, following: Sequence[Rung]) -> float:
        if not following and rung.policy.timeout_seconds is None:
            return float("inf")  # a last rung that cannot hang: without it there is no answer
        seconds = self.time.seconds_for(sum(other.policy.reserve for other in following))
        if seconds is None:
            raise NoTimeLeft("The deadline left no time for it.")
        return seconds

    async def _attempt(self, rung: Rung, attempt: int, seconds: float) -> Any:
        own = {RECORDER: self.recorder, PERSON: self.person}
        arguments = {name: own[name] if name in own else self.needs[name] for name in rung.needs}
        limit = min(seconds, rung.policy.timeout_seconds or float("inf"))
        with self.recorder.span(
            self.step.name, rung.name, branch=self.branch, attempt=attempt, cacheable=rung.policy.cache
        ) as span:
            try:
                async with asyncio.timeout(limit if limit < float("inf") else None) as clock:
                    return await rung.run(**arguments)
            except TimeoutError as error:
                if not clock.expired():
                    raise
                raise TookTooLong(f"It took longer than {limit:.3g} seconds.") from error
            except ModelMalformed:
                await _forget_replies(span)
                raise

    def _tell_retry(self, rung: Rung, attempt: int, wait: float, error: CarrelError) -> None:
        self.recorder.emit(
            Retrying(
                step=self.step.name,
                rung=rung.name,
                branch=self.branch,
                attempt=attempt,
                wait_seconds=wait,
                outcome=outcome_of(error),
                why=error.message,
            )
        )

    def _fall(self, rung: Rung, following: Sequence[Rung], error: Exception) -> None:
        """Hands over to the next rung, or raises when there is none or nothing would help."""
        if not isinstance(error, CarrelError | TimeoutError):
            _log.exception("%s: %s failed", self.step.name, rung.name)
        if remedy_of(error) is Remedy.STOP:
            raise error
        if not following:
            raise StepFailed(_sentence(error), hint=getattr(error, "hint", "")) from error
        degradation = Degradation(
            step=self.step.name,
            rung=following[0].name,
            instead_of=rung.name,
            outcome=outcome_of(error),
            why=_sentence(error),
            hint=getattr(error, "hint", ""),
            retry_after_seconds=getattr(error, "retry_after_seconds", None),
        )
        self.recorder.fell_back(degradation, branch=self.branch, visible=getattr(error, "degrades", True))


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


async def _forget_replies(span: OpenSpan) -> None:
    """What the rung could not use is no answer to anybody: the same prompt is asked anew next time."""
    if span.recorder.journal is not None:
        for reply in span.replies:
            await span.recorder.journal.forget(span.step, reply)


def _wait_before_retry(rung: Rung, attempt: int, error: CarrelError) -> float | None:
    """Seconds to wait before the same rung is tried again; `None` when it should not be."""
    if remedy_of(error) is not Remedy.AGAIN or attempt == rung.policy.attempts:
        return None
    retry_after: float | None = getattr(error, "retry_after_seconds", None)
    if retry_after is not None and retry_after > LONGEST_RETRY_AFTER_SECONDS:
        return None
    return backoff_seconds(rung.policy, attempt, retry_after=retry_after, chance=_chance)


def _sentence(error: Exception) -> str:
    if isinstance(error, CarrelError):
        return error.message
    if isinstance(error, TimeoutError):
        return "It took too long."
    return f"An unexpected {type(error).__name__}: {error}"
