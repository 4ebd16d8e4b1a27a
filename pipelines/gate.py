"""The door to each provider: how many calls at once, how soon after another, none while it is down."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import Field, ValidationError

from indexes.types import Model
from pipelines.errors import (
    ModelAuth,
    ModelError,
    ModelLimited,
    ModelOverloaded,
    ModelTimeout,
    ModelUnreachable,
    ProviderPaused,
)
from pipelines.models import ModelSettings
from pipelines.policy import LONGEST_RETRY_AFTER_SECONDS
from pipelines.purse import Bill, holding
from pipelines.settings import GateSettings

__all__ = ["Gate", "Gates"]


_FAULTS = (ModelUnreachable, ModelOverloaded, ModelTimeout)
_WINDOW_SECONDS = 30.0
"""How far back calls are looked at to tell which pace the provider bears."""
_HASTE = 0.9
"""A little faster than the pace that worked, so that a limit that was raised is found out."""
_FIRST_SPACING_SECONDS, _LONGEST_SPACING_SECONDS = 0.25, 3.0
_DAILY_DECAY = 0.95
_DAY_SECONDS = 86_400.0


class Gate:
    """One provider's door, shared by every call to it in the process.

    *Breaker.* After some failures in a row no call is made for a while, then a single one; if that succeeds
    the door is open again (Nygard, "Release It!", 2nd ed., 2018, ch. 5). A refused key closes it for good:
    the same key would be refused again.

    *Limiter.* A provider that says how long to wait is left alone by every caller for that long. One that
    only refuses is called no faster than it has answered in the last half minute; half a minute without a
    refusal doubles the pace. The pace is kept between runs.
    """

    def __init__(
        self,
        name: str,
        settings: GateSettings | None = None,
        *,
        spacing_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.spacing_seconds = spacing_seconds
        """Least time between the starts of two calls, as learned so far."""
        self._settings = settings or GateSettings()
        self._clock = clock
        self._sleep = sleep
        self._places = asyncio.Semaphore(self._settings.connections)
        self._failures = 0
        self._closed_until = 0.0
        self._probing = False
        self._not_before = 0.0
        self._starting = asyncio.Lock()
        self._last_start = 0.0
        self._refused: ModelAuth | None = None
        self._answered: deque[float] = deque()
        """When it answered, within the window."""
        self._limited_at = clock()

    @asynccontextmanager
    async def call(self, worst_usd: float | None = None) -> AsyncGenerator[Bill]:
        """Lets one call through when its turn has come, and learns from how it ends; gives its bill.

        Args:
            worst_usd: What the call can cost at most; `None` where that is not known.

        Raises:
            TotalSpent: The batch that it belongs to has too little money left.
            ProviderPaused: The provider is down, as far as is known.
            ModelLimited: It has asked for a longer wait than is waited for.
            ModelAuth: It has refused this key before.
        """
        self._check()
        async with self._places, holding(worst_usd) as bill:
            await self._turn()
            self._check()
            probe = self._failures >= self._settings.failures
            self._probing = self._probing or probe
            try:
                yield bill
            except ModelError as error:
                self._learn_from(error)
                raise
            else:
                self._succeeded()
            finally:
                if probe:
                    self._probing = False

    def _check(self) -> None:
        if self._refused is not None:
            raise ModelAuth(self._refused.message, hint=self._refused.hint)
        wait = self._not_before - self._clock()
        if wait > LONGEST_RETRY_AFTER_SECONDS:
            limited = ModelLimited(f"{self.name} asks to be left alone for {wait:.0f} seconds.")
            limited.retry_after_seconds = wait
            raise limited
        if self._failures < self._settings.failures:
            return
        closed = self._closed_until - self._clock()
        if closed > 0 or self._probing:
            raise ProviderPaused(
                f"{self.name} failed {self._failures} times in a row; it is left alone for now.",
                hint=f"It is tried again in {max(closed, 1):.0f} seconds.",
            )

    async def _turn(self) -> None:
        """Waits until the provider may be called again; who gives up while waiting holds nobody back."""
        async with self._starting:
            while (wait := self._soonest - self._clock()) > 0:
                self._check()  # it may have asked for more patience than there is
                await self._sleep(wait)
            self._last_start = self._clock()

    @property
    def _soonest(self) -> float:
        """When the next call may start, as far as is known now: a call that runs may put it off."""
        return max(self._not_before, self._last_start + self.spacing_seconds)

    def _learn_from(self, error: ModelError) -> None:
        if isinstance(error, ModelAuth):
            self._refused = error
        elif isinstance(error, ModelLimited):
            self._failures = 0
            self._slow_down(error.retry_after_seconds)
        elif isinstance(error, _FAULTS):
            self._failures += 1
            if self._failures >= self._settings.failures:
                self._closed_until = self._clock() + self._settings.pause_seconds
        else:
            self._succeeded()  # it answered, if not as hoped

    def _slow_down(self, retry_after_seconds: float | None) -> None:
        now = self._limited_at = self._clock()
        if retry_after_seconds is not None:
            self._not_before = max(self._not_before, now + retry_after_seconds)
            return
        self._forget_old(now)
        if self._answered:
            pace = (now - self._answered[0]) / len(self._answered) * _HASTE
        else:
            pace = 2 * self.spacing_seconds
        self.spacing_seconds = min(_LONGEST_SPACING_SECONDS, max(_FIRST_SPACING_SECONDS, pace))

    def _succeeded(self) -> None:
        self._failures = 0
        now = self._clock()
        self._answered.append(now)
        self._forget_old(now)
        if self.spacing_seconds and now - self._limited_at > _WINDOW_SECONDS:
            self._limited_at = now
            halved = self.spacing_seconds / 2
            self.spacing_seconds = halved if halved >= _FIRST_SPACING_SECONDS / 8 else 0.0

    def _forget_old(self, now: float) -> None:
        while self._answered and self._answered[0] < now - _WINDOW_SECONDS:
            self._answered.popleft()


class _Learned(Model):
    """What is kept of a gate between runs."""

    spacing_seconds: float = Field(ge=0, le=_LONGEST_SPACING_SECONDS)
    at: float
    """Seconds since the epoch."""


class Gates:
    """A gate for each provider and address.

    Args:
        file: Where learned waits are kept between runs; `None` keeps none.
        settings: How providers are spared.
    """

    def __init__(self, file: Path | None = None, settings: GateSettings | None = None) -> None:
        self._file = file
        self._settings = settings or GateSettings()
        self._gates: dict[str, Gate] = {}
        self._learned = _read(file) if file else {}

    def for_model(self, model: ModelSettings) -> Gate:
        """The gate that calls to this model pass."""
        key = " ".join(filter(None, (model.provider, model.base_url, model.api_key_env)))
        if key not in self._gates:
            self._gates[key] = Gate(
                model.provider, self._settings, spacing_seconds=_decayed(self._learned.get(key))
            )
        return self._gates[key]

    def save(self) -> None:
        """Keeps what was learned; blocking, atomic."""
        if self._file is None:
            return
        now = time.time()
        learned = self._learned | {
            key: _Learned(spacing_seconds=gate.spacing_seconds, at=now) for key, gate in self._gates.items()
        }
        kept = {key: each.model_dump() for key, each in learned.items() if each.spacing_seconds > 0}
        if not kept and not self._file.exists():
            return
        _write(self._file, json.dumps(kept))


def _decayed(learned: _Learned | None) -> float:
    """A spacing learned long ago counts for less: a twentieth is lost each day."""
    if learned is None:
        return 0.0
    days = max(0.0, time.time() - learned.at) / _DAY_SECONDS
    return float(learned.spacing_seconds * _DAILY_DECAY**days)


def _read(file: Path) -> dict[str, _Learned]:
    """What was kept; a file that cannot be read is as good as none, for it only saves a few refusals."""
    try:
        return {
            key: _Learned.model_validate(each) for key, each in json.loads(file.read_text("utf-8")).items()
        }
    except (OSError, ValueError, ValidationError, AttributeError):
        return {}


def _write(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(file)
