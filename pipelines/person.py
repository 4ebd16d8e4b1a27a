"""Asks a person before something leaves the machine, and keeps what was decided."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from indexes.errors import WebDisallowed
from pipelines.events import Asked, Decided
from pipelines.trace import Recorder

__all__ = ["Consent", "Decide", "Person"]

Decide = Callable[[Asked], Awaitable[str]]
"""Shows the question to a person and returns one of its choices."""

Setting = Literal["ask", "auto", "never"]


@dataclass(frozen=True)
class Consent:
    """How something that needs consent is asked for."""

    setting: Setting = "ask"
    prompt: Callable[[Mapping[str, Any]], str] = lambda needs: "Go on?"
    refusal: str = "It was not allowed."


@dataclass
class Person:
    """Whoever is asked; a script or a batch has nobody, and then asking means no.

    Attributes:
        decide: Shows a question; `None` where nobody can be asked.
        consents: What may have to be asked for, by name.
        timeout_seconds: How long an answer is waited for before the default (no) is taken.
    """

    decide: Decide | None = None
    consents: Mapping[str, Consent] = field(default_factory=dict)
    timeout_seconds: float = 60.0

    async def must_allow(self, what: str, needs: Mapping[str, Any], recorder: Recorder) -> None:
        """Returns when `what` is allowed.

        Raises:
            WebDisallowed: It is not, by the setting or by the person.
        """
        consent = self.consents.get(what, Consent())
        if consent.setting == "auto":
            return
        if consent.setting == "never" or self.decide is None:
            raise WebDisallowed(consent.refusal)
        asked = Asked(
            id=f"{what}-{recorder.elapsed:.3f}",
            prompt=consent.prompt(needs),
            choices=("yes", "no"),
            default="no",
            timeout_seconds=self.timeout_seconds,
        )
        if await self._ask(asked, self.decide, recorder) != "yes":
            raise WebDisallowed(consent.refusal)

    async def _ask(self, asked: Asked, decide: Decide, recorder: Recorder) -> str:
        recorder.emit(asked)
        by: Literal["person", "timeout"] = "person"
        try:
            async with asyncio.timeout(asked.timeout_seconds):
                choice = await decide(asked)
        except TimeoutError:
            choice, by = asked.default, "timeout"
        if choice not in asked.choices:
            choice = asked.default
        recorder.emit(Decided(id=asked.id, choice=choice, by=by))
        return choice
