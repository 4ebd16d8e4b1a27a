"""What chat services share: replies streamed or not, whole or cut short, and errors in each service's form."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.faults.dialects.body import leave, send_body, send_json
from tests.faults.responders import Message, Responder, answering
from tests.faults.script import VECTOR_ENDINGS, ContextLengthExceeded, Ending, Reply, Status
from tests.faults.wire import Request, Wire

__all__ = ["ChatDialect", "Said"]

_CUTS = {
    Ending.TRUNCATE,
    Ending.MIDLINE,
    Ending.CHUNKED_CUT,
    Ending.RST,
    Ending.HANG,
    Ending.BAD_JSON,
    Ending.ERROR_EVENT,
    Ending.LENGTH,
    Ending.CONTENT_FILTER,
}


@dataclass(frozen=True)
class Said:
    """What one reply says and how it ends; a function of the request alone."""

    request: Request
    pieces: tuple[str, ...]
    ending: Ending

    @classmethod
    def of(cls, reply: Reply, request: Request, text: str) -> Said:
        """Cuts the text where the reply is to end."""
        if reply.then in {Ending.EMPTY, Ending.REFUSAL}:
            text = ""
        pieces = tuple(re.findall(r"\S+\s*|\s+", text))
        half = len(pieces) // 2 if reply.then in _CUTS else len(pieces)
        return cls(request, pieces[: half if reply.after is None else reply.after], reply.then)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def identifier(self) -> str:
        return hashlib.sha256(self.request.body).hexdigest()[:12]

    @property
    def words_in(self) -> int:
        return len(self.request.text.split())

    @property
    def words_out(self) -> int:
        return len(self.pieces)


class ChatDialect(ABC):
    """Answers chat requests and lists its models; a subclass says in which form."""

    chat_path: ClassVar[str]
    list_path: ClassVar[str]
    stream_type: ClassVar[str]
    """Content type of a streamed reply."""
    impossible: ClassVar[Collection[Ending]] = ()
    """Endings that this service's protocol has no form for; a scene with one fails its test."""

    def __init__(
        self, respond: Responder = answering, *, models: Collection[str] = (), api_key: str = ""
    ) -> None:
        """Creates the service.

        Args:
            respond: Says what the model answers to the messages.
            models: The models it has; empty means that any name will do.
            api_key: The only key it takes; empty means that any will do.
        """
        self.respond = respond
        self.models = models
        self.api_key = api_key

    def serves(self, request: Request) -> bool:
        return request.path in {self.chat_path, self.list_path}

    async def perform(
        self, step: Reply | Status | ContextLengthExceeded, request: Request, wire: Wire
    ) -> None:
        match step:
            case Status(code, headers, body) if body is not None:
                await wire.whole(code, body.encode(), {"Content-Type": "text/plain", **headers})
            case Status(code, headers):
                await send_json(wire, code, self.error(code, request.model), headers)
            case ContextLengthExceeded():
                await send_json(wire, 400, self.too_long())
            case Reply() if self.api_key and self.key(request) != self.api_key:
                await send_json(wire, 401, self.error(401, request.model))
            case Reply() if request.path == self.list_path:
                await send_json(wire, 200, self.listing())
            case Reply() if self.models and request.model not in self.models:
                await send_json(wire, 404, self.error(404, request.model))
            case Reply():
                await self._reply(step, request, wire)

    def key(self, request: Request) -> str:
        """The key that came with the request."""
        return request.headers.get("authorization", "").removeprefix("Bearer ")

    def messages(self, request: Request) -> list[Message]:
        """What was said so far."""
        return [Message.of(entry) for entry in request.json.get("messages", ())]

    @abstractmethod
    def streams(self, request: Request) -> bool:
        """Whether a streamed reply is asked for."""

    @abstractmethod
    def opening(self, said: Said) -> Iterator[bytes]:
        """Events before the first piece of text."""

    @abstractmethod
    def piece(self, said: Said, text: str) -> bytes:
        """One event with text."""

    @abstractmethod
    def closing(self, said: Said) -> Iterator[bytes]:
        """Events after the last piece, as far as the ending has them."""

    @abstractmethod
    def garbage(self) -> bytes:
        """An event that is not JSON."""

    @abstractmethod
    def error_event(self) -> bytes:
        """A failure on the service's side, told within the stream."""

    @abstractmethod
    def whole(self, said: Said) -> dict[str, Any]:
        """The reply in one piece, for a request that does not stream."""

    @abstractmethod
    def error(self, status: int, model: str) -> dict[str, Any]:
        """The body of an error status."""

    @abstractmethod
    def too_long(self) -> dict[str, Any]:
        """The body of the 400 for a prompt that does not fit."""

    @abstractmethod
    def listing(self) -> dict[str, Any]:
        """The models it has."""

    async def _reply(self, reply: Reply, request: Request, wire: Wire) -> None:
        if reply.then in self.impossible or reply.then in VECTOR_ENDINGS:
            raise ValueError(f"{type(self).__name__} has no form for the ending {reply.then}")
        text = self.respond(self.messages(request)) if reply.text is None else reply.text
        said = Said.of(reply, request, text)
        if self.streams(request):
            await wire.head(200, {"Content-Type": self.stream_type, "Transfer-Encoding": "chunked"})
            await self._stream(said, reply, wire)
        else:
            await self._send_at_once(said, wire)

    async def _stream(self, said: Said, reply: Reply, wire: Wire) -> None:
        if reply.after == 0 and reply.then is Ending.RST:
            await wire.reset()
            return
        for event in self.opening(said):
            await wire.chunk(event)
        for piece in said.pieces:
            if reply.gap:
                await asyncio.sleep(reply.gap)
            await wire.chunk(self.piece(said, piece))
        await self._end_stream(said, wire)

    async def _end_stream(self, said: Said, wire: Wire) -> None:
        match said.ending:
            case Ending.RST | Ending.HANG | Ending.CHUNKED_CUT:
                await leave(wire, said.ending)
                return
            case Ending.TRUNCATE:
                last: list[bytes] = []
            case Ending.MIDLINE:
                event = self.piece(said, "unfinished")
                last = [event[: len(event) // 2]]
            case Ending.ERROR_EVENT:
                last = [self.error_event()]
            case Ending.BAD_JSON:
                last = [self.garbage(), *self.closing(said)]
            case _:
                last = [*self.closing(said)]
        for event in last:
            await wire.chunk(event)
        await wire.last_chunk()

    async def _send_at_once(self, said: Said, wire: Wire) -> None:
        if said.ending is Ending.ERROR_EVENT:
            await send_json(wire, 200, self.error(500, said.request.model))
        else:
            await send_body(wire, json.dumps(self.whole(said)).encode(), said.ending)
