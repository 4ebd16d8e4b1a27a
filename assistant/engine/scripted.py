"""A shipped double of the engine that plays a script, step by step when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, cast

from assistant.engine.errands import (
    Errand,
    FindPlaces,
    Found,
    Kind,
    LookedOver,
    LookOver,
    PlacesFound,
    R_co,
    Survey,
)
from assistant.engine.protocol import Status, Surroundings
from assistant.events import AddEvent, Answer, Asked, AskEvent

__all__ = ["Gate", "ScriptedEngine"]


class Gate:
    """A place in a script where the engine waits until the test opens it."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        """Set when the engine has come to the gate."""
        self._opened = asyncio.Event()

    def open(self) -> None:
        """Lets the engine go on, now or when it arrives."""
        self._opened.set()

    async def wait(self) -> None:
        """Waits here until the gate is open."""
        self.reached.set()
        await self._opened.wait()


AskScript = Sequence[AskEvent | Gate | Exception]
AddScript = Sequence[AddEvent | Gate | Exception]

_STATUS = Status(collections=(), models={}, encoder="", web="ask", home="/library")
_SURROUNDINGS = Surroundings(page=1, page_count=1, text="", start=0, end=0)
_NOTHING_THERE: Mapping[type[Errand[Any]], Found] = {
    FindPlaces: PlacesFound(places=()),
    LookOver: LookedOver(survey=Survey(kinds=(Kind(name="PDF", files=4, size=4_200_000),))),
}
"""What the errands bring back that every start and every adding runs."""


class ScriptedEngine:
    """Plays the same events for every question; an exception in the script is raised, a gate is waited at.

    After an `Asked` event it waits for `decide` with that id before it goes on.
    """

    def __init__(
        self,
        events: AskScript | Callable[[str], AskScript] = (),
        *,
        add_events: AddScript = (),
        status: Status | Exception = _STATUS,
        surroundings: Surroundings | Exception = _SURROUNDINGS,
        found: Mapping[type[Errand[Any]], Found | Exception | Callable[[Any], Found]] | None = None,
    ) -> None:
        """Prepares the script.

        Args:
            events: What a question plays, or what gives that for the question's text.
            add_events: What adding plays.
            status: What `status` returns or raises.
            surroundings: What `surroundings` returns or raises.
            found: What each kind of errand brings back, raises, or is given to.
        """
        self._events = events
        self._add_events = add_events
        self._status = status
        self._surroundings = surroundings
        self._found = {**_NOTHING_THERE, **(found or {})}
        self._open: dict[str, asyncio.Future[str]] = {}
        self.questions: list[tuple[str, tuple[str, ...]]] = []
        """Text and collections of each question, in order."""
        self.resumed: list[str] = []
        """The run of each question that went on with one."""
        self.followed: list[tuple[Answer, str]] = []
        """The answer that each question followed on, and how it was asked again; empty for a new question."""
        self.added: list[tuple[tuple[str, ...], str]] = []
        """Paths and collection of each `add`, in order."""
        self.decisions: list[tuple[str, str]] = []
        """Id and choice of each `decide`, in order."""
        self.looked_up: list[tuple[str, int, int]] = []
        """Document id, start and end of each `surroundings`, in order."""
        self.errands: list[Errand[Any]] = []
        """Each errand, in order."""
        self.retried: list[tuple[str, ...]] = []
        """Paths of each `retry`, in order."""
        self.cancelled = 0
        """How many questions and adds were closed before their script's end."""
        self.closed = False

    async def ask(
        self,
        text: str,
        *,
        collections: Sequence[str] = (),
        resume: str = "",
        follows: Answer | None = None,
        again: str = "",
    ) -> AsyncIterator[AskEvent]:
        """Plays the question's script."""
        if resume:
            self.resumed.append(resume)
        if follows is not None:
            self.followed.append((follows, again))
        self.questions.append((text, tuple(collections)))
        script = self._events(text) if callable(self._events) else self._events
        ended = False
        try:
            for step in script:
                if isinstance(step, Gate):
                    await step.wait()
                    continue
                if isinstance(step, Exception):
                    ended = True
                    raise step
                if not isinstance(step, Asked):
                    yield step
                    continue
                decided = self._open[step.id] = asyncio.get_running_loop().create_future()
                yield step
                await decided
            ended = True
        finally:
            self.cancelled += not ended

    def add(self, paths: Sequence[str], *, collection: str = "papers") -> AsyncIterator[AddEvent]:
        """Plays the script for adding."""
        self.added.append((tuple(paths), collection))
        return self._play_adding()

    def retry(self, paths: Sequence[str] = ()) -> AsyncIterator[AddEvent]:
        """Plays the script for adding."""
        self.retried.append(tuple(paths))
        return self._play_adding()

    async def _play_adding(self) -> AsyncIterator[AddEvent]:
        ended = False
        try:
            for step in self._add_events:
                if isinstance(step, Gate):
                    await step.wait()
                    continue
                if isinstance(step, Exception):
                    ended = True
                    raise step
                yield step
            ended = True
        finally:
            self.cancelled += not ended

    async def run(self, errand: Errand[R_co]) -> R_co:
        """Returns or raises what the script has for errands of this kind."""
        self.errands.append(errand)
        found = self._found[type(errand)]
        if isinstance(found, Exception):
            raise found
        return cast("R_co", found if isinstance(found, Found) else found(errand))

    async def decide(self, asked_id: str, choice: str) -> None:
        """Records the choice and lets the question that waits for it go on."""
        self.decisions.append((asked_id, choice))
        waiting = self._open.pop(asked_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(choice)

    async def surroundings(self, document_id: str, *, start: int, end: int) -> Surroundings:
        """Returns the scripted page."""
        self.looked_up.append((document_id, start, end))
        if isinstance(self._surroundings, Exception):
            raise self._surroundings
        return self._surroundings

    async def status(self) -> Status:
        """Returns the scripted status."""
        if isinstance(self._status, Exception):
            raise self._status
        return self._status

    async def close(self) -> None:
        """Marks the engine closed."""
        self.closed = True
