"""What the app and the engine say to each other: one JSON object a line, requests in, replies out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field

from assistant.engine.errands import AnyErrand, AnyFound, Errand, R_co
from assistant.events import AddEvent, Answer, AskEvent
from assistant.status import Status, Surroundings
from indexes.types import Model

__all__ = [
    "AddRequest",
    "AskRequest",
    "CancelRequest",
    "DecideRequest",
    "Engine",
    "Finished",
    "Reply",
    "Request",
    "RetryRequest",
    "Status",
    "StatusRequest",
    "Surroundings",
    "SurroundingsRequest",
]


class AskRequest(Model):
    """Answer a question; replied to with its events, the last one `Done` or `Failed`."""

    type: Literal["ask"] = "ask"
    id: int
    """Chosen by the asker; every reply carries it."""
    text: str
    collections: tuple[str, ...] = ()
    resume: str = ""
    """The run of a question that was stopped: what was kept of it is not paid for again."""
    follows: Answer | None = None
    """The answer that it follows on."""
    again: str = ""
    """`deeper`, `web`, or a model's name: the question of `follows`, asked once more on its evidence."""


class AddRequest(Model):
    """Add files and folders; replied to with its events, the last one `Added` or `Failed`."""

    type: Literal["add"] = "add"
    id: int
    paths: tuple[str, ...]
    collection: str = "papers"


class RetryRequest(Model):
    """Read files again that failed; replied to as `AddRequest` is."""

    type: Literal["retry"] = "retry"
    id: int
    paths: tuple[str, ...] = ()
    """As the library lists them; empty means all that failed."""


class CancelRequest(Model):
    """Stop the request with this id; what was done is kept."""

    type: Literal["cancel"] = "cancel"
    id: int


class DecideRequest(Model):
    """A person's choice for an `Asked` event."""

    type: Literal["decide"] = "decide"
    id: int
    """The id of the request that asks."""
    asked_id: str
    choice: str


class SurroundingsRequest(Model):
    """The page around a stretch of a document."""

    type: Literal["surroundings"] = "surroundings"
    id: int
    document_id: str
    start: int
    end: int


class StatusRequest(Model):
    """What there is to ask, and with which models."""

    type: Literal["status"] = "status"
    id: int


Request = Annotated[
    AskRequest
    | AddRequest
    | RetryRequest
    | CancelRequest
    | DecideRequest
    | SurroundingsRequest
    | StatusRequest
    | AnyErrand,
    Field(discriminator="type"),
]


class Finished(Model):
    """Nothing more comes for this request."""

    type: Literal["finished"] = "finished"
    cancelled: bool = False


class Reply(Model):
    """One event, for the request it belongs to."""

    id: int
    event: Annotated[
        AskEvent | AddEvent | Surroundings | Status | Finished | AnyFound, Field(discriminator="type")
    ]


class Engine(Protocol):
    """An engine as the app sees it: in a worker process, or scripted for tests."""

    def ask(
        self,
        text: str,
        *,
        collections: Sequence[str] = (),
        resume: str = "",
        follows: Answer | None = None,
        again: str = "",
    ) -> AsyncIterator[AskEvent]:
        """Yields events up to `Done` or `Failed`; closing the iterator cancels the question.

        Args:
            text: The question.
            collections: Where to look; empty means the engine chooses.
            resume: The run of a question that was stopped, to go on with.
            follows: The answer that it follows on.
            again: `deeper`, `web`, or a model's name, to ask the question of `follows` on its evidence.

        Raises:
            EngineDied: The worker ended before the answer.
        """
        ...

    def add(self, paths: Sequence[str], *, collection: str = "papers") -> AsyncIterator[AddEvent]:
        """Yields events up to `Added`; closing the iterator stops, and what was committed stays.

        Raises:
            CarrelError: Nothing could be added.
            EngineDied: The worker ended before that.
        """
        ...

    def retry(self, paths: Sequence[str] = ()) -> AsyncIterator[AddEvent]:
        """Reads files again that failed, all of them or those named; yields events up to `Added`.

        Raises:
            CarrelError: None of them could be read again.
            EngineDied: The worker ended before that.
        """
        ...

    async def run(self, errand: Errand[R_co]) -> R_co:
        """Returns what the errand brings back.

        Raises:
            CarrelError: It could not be run; the message says why.
            EngineDied: The worker ended before that.
        """
        ...

    async def decide(self, asked_id: str, choice: str) -> None:
        """Answers an `Asked` event."""
        ...

    async def surroundings(self, document_id: str, *, start: int, end: int) -> Surroundings:
        """Returns the page around a stretch of a document."""
        ...

    async def status(self) -> Status:
        """Returns what there is to ask."""
        ...

    async def close(self) -> None:
        """Ends the engine, within 3 seconds."""
        ...
