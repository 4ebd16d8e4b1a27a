"""Asks a person before something leaves the machine, costs more or is ambiguous; keeps what was decided."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from indexes.errors import CarrelError
from pipelines.errors import NotAllowed
from pipelines.events import Asked, Decided
from pipelines.journal import Kept
from pipelines.trace import Recorder

__all__ = ["Consent", "Decide", "Person", "Setting"]

Decide = Callable[[Asked], Awaitable[str]]
"""Shows the question to a person and returns one of its choices."""

Setting = Literal["ask", "auto", "never"]


@dataclass(frozen=True)
class Consent:
    """How something that is a person's to decide is asked for."""

    setting: Setting = "ask"
    prompt: Callable[[Mapping[str, Any]], str] = lambda needs: "Go on?"
    refusal: str = "It was not allowed."
    choices: tuple[str, ...] = ("yes", "no")
    default: str = "no"
    """Taken under `never`, when nobody can be asked, and when nobody answers in time."""
    automatic: str = "yes"
    """Taken under `auto`."""
    once: bool = False
    """One decision holds for the whole question, even where the prompt would read differently later."""
    refused: type[CarrelError] = NotAllowed
    """What a choice other than yes is raised as, by `Person.must_allow`."""


@dataclass
class Person:
    """Whoever is asked; a script or a batch has nobody, and then the default is taken.

    A decision holds for the whole question: the same thing is asked once, and a resumed run is not asked
    again what was decided before it was stopped. One thing is asked at a time; other questions go on.

    Attributes:
        decide: Shows a question; `None` where nobody can be asked.
        consents: What may have to be asked for, by name.
        timeout_seconds: How long an answer is waited for before the default is taken.
    """

    decide: Decide | None = None
    consents: Mapping[str, Consent] = field(default_factory=dict)
    timeout_seconds: float = 60.0

    def with_defaults(self, consents: Mapping[str, Consent]) -> Person:
        """The same person, asked in the ways of `consents` where there is no other way."""
        return replace(self, consents={**consents, **self.consents})

    async def must_allow(self, what: str, needs: Mapping[str, Any], recorder: Recorder) -> None:
        """Returns when `what` is allowed.

        Raises:
            CarrelError: It is not, by the setting or by the person; the class is the consent's own.
        """
        if await self.choose(what, needs, recorder) != "yes":
            consent = self._consent(what)
            raise consent.refused(consent.refusal)

    async def choose(
        self,
        what: str,
        needs: Mapping[str, Any],
        recorder: Recorder,
        *,
        choices: tuple[str, ...] = (),
        occasion: int = 1,
    ) -> str:
        """Returns the choice of the person, or the one taken for them.

        Args:
            what: Name of the consent.
            needs: What the prompt is made from.
            recorder: The question's record; it keeps the decision.
            choices: In place of the consent's own.
            occasion: Counts up where a decision holds for one time only.
        """
        consent = self._consent(what)
        if consent.setting == "auto":
            return consent.automatic
        if consent.setting == "never" or self.decide is None:
            return consent.default
        prompt, offered = consent.prompt(needs), choices or consent.choices
        subject = what if consent.once else prompt
        key = hashlib.sha256("\x00".join((what, subject, str(occasion), *offered)).encode()).hexdigest()
        async with recorder.asking:
            if key not in recorder.decisions:
                recorder.decisions[key] = await self._decided(
                    key, _asked(what, prompt, offered, consent, recorder, self.timeout_seconds), recorder
                )
        return recorder.decisions[key]

    def _consent(self, what: str) -> Consent:
        return self.consents.get(what, Consent())

    async def _decided(self, key: str, asked: Asked, recorder: Recorder) -> str:
        """From the journal, where an earlier run of this question has it; else by asking."""
        kept = await recorder.journal.recall("person", key) if recorder.journal else None
        if kept is not None and kept.text in asked.choices:
            recorder.emit(asked)
            recorder.emit(Decided(id=asked.id, choice=kept.text, by="journal"))
            return kept.text
        choice = await self._ask(asked, recorder)
        if recorder.journal:
            await recorder.journal.keep("person", key, Kept(text=choice))
        return choice

    async def _ask(self, asked: Asked, recorder: Recorder) -> str:
        assert self.decide is not None
        recorder.emit(asked)
        by: Literal["person", "timeout"] = "person"
        try:
            async with asyncio.timeout(asked.timeout_seconds):
                choice = await self.decide(asked)
        except TimeoutError:
            choice, by = asked.default, "timeout"
        if choice not in asked.choices:
            choice = asked.default
        recorder.emit(Decided(id=asked.id, choice=choice, by=by))
        return choice


def _asked(
    what: str,
    prompt: str,
    choices: tuple[str, ...],
    consent: Consent,
    recorder: Recorder,
    timeout_seconds: float,
) -> Asked:
    return Asked(
        id=f"{what}-{len(recorder.decisions) + 1}",
        prompt=prompt,
        choices=choices,
        default=consent.default,
        timeout_seconds=max(0.0, min(timeout_seconds, recorder.allowance.seconds_left)),
    )
