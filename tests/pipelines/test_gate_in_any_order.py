"""The gate does what its description says, in whatever order calls end and time passes."""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pipelines.errors import ModelAuth, ModelError, ModelLimited, ModelOverloaded, ProviderPaused
from pipelines.gate import Gate
from pipelines.settings import GateSettings


def limited(retry_after_seconds: float | None) -> ModelLimited:
    error = ModelLimited("Too many requests.")
    error.retry_after_seconds = retry_after_seconds
    return error


class GateMachine(RuleBasedStateMachine):
    """Calls one after another, held against what the gate's description says."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.got_through, self.failures = 0.0, 0, 0
        self.closed_until = self.not_before = 0.0
        self.refused = False
        gate_settings = GateSettings(failures=3, pause_seconds=30)
        self.gate = Gate("any", gate_settings, clock=lambda: self.now, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 125
        self.now += seconds

    def _call(self, error: ModelError | None) -> tuple[Exception | None, float]:
        """How the call ended, and when it got through; a negative time when it did not."""
        began = -1.0

        async def call() -> None:
            nonlocal began
            async with self.gate.call():
                began = self.now
                if error is not None:
                    raise error

        try:
            asyncio.run(call())
        except ModelError as raised:
            return raised, began
        return None, began

    def _expected(self) -> type[Exception] | None:
        if self.refused:
            return ModelAuth
        if self.not_before - self.now > 120:
            return ModelLimited
        if self.failures >= 3 and self.closed_until > self.now:
            return ProviderPaused
        return None

    def _check(self, error: ModelError | None) -> bool:
        """Makes the call; whether it got through."""
        expected = self._expected()
        raised, began = self._call(error)
        if expected is not None:
            assert type(raised) is expected
            assert began < 0
            return False
        assert raised is error
        assert began >= self.not_before
        return True

    @rule()
    def succeeds(self) -> None:
        if self._check(None):
            self.failures = 0

    @rule()
    def fails(self) -> None:
        if self._check(ModelOverloaded("down")):
            self.failures += 1
            if self.failures >= 3:
                self.closed_until = self.now + 30

    @rule(seconds=st.one_of(st.none(), st.floats(0.01, 400)))
    def is_limited(self, seconds: float | None) -> None:
        if self._check(limited(seconds)):
            self.failures = 0
            self.not_before = max(self.not_before, self.now + (seconds or 0))

    @rule(seconds=st.floats(0, 100))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(really=st.integers(0, 9))
    def refuses_the_key(self, really: int) -> None:
        if not really and self._check(ModelAuth("no")):
            self.refused = True

    @invariant()
    def the_pace_is_bounded(self) -> None:
        assert 0 <= self.gate.spacing_seconds <= 3


GateMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestAnyOrderOfCalls = GateMachine.TestCase
