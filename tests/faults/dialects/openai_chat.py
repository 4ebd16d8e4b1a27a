"""OpenAI's chat completions, streamed and not, with their errors, as OpenAI-compatible servers speak them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from tests.faults.responders import Message, Responder, answering
from tests.faults.script import ContextLengthExceeded, Ending, Reply, Status
from tests.faults.wire import Request, Wire

__all__ = ["OpenAIChat"]

_JSON = {"Content-Type": "application/json"}
_EVENTS = {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked"}
_REFUSAL = "I'm sorry, I can't help with that."
_SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"
_FINISH_REASONS = {Ending.LENGTH: "length", Ending.CONTENT_FILTER: "content_filter", Ending.NO_REASON: None}
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


class OpenAIChat:
    """Answers `POST /v1/chat/completions` and `GET /v1/models`."""

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
        return request.path in {"/v1/chat/completions", "/v1/models"}

    async def perform(
        self, step: Reply | Status | ContextLengthExceeded, request: Request, wire: Wire
    ) -> None:
        match step:
            case Status(code, headers, body) if body is not None:
                await wire.whole(code, body.encode(), {"Content-Type": "text/plain", **headers})
            case Status(code, headers):
                await _fail(wire, code, request.model, headers=dict(headers))
            case ContextLengthExceeded():
                await _fail(wire, 400, request.model, code="context_length_exceeded")
            case Reply() if self.api_key and request.headers.get("authorization") != f"Bearer {self.api_key}":
                await _fail(wire, 401, request.model)
            case Reply() if request.path == "/v1/models":
                listed = [{"id": name, "object": "model"} for name in self.models]
                await wire.whole(200, json.dumps({"object": "list", "data": listed}).encode(), _JSON)
            case Reply() if self.models and request.model not in self.models:
                await _fail(wire, 404, request.model)
            case Reply():
                await self._reply(step, request, wire)

    async def _reply(self, reply: Reply, request: Request, wire: Wire) -> None:
        text = self.respond(_messages(request)) if reply.text is None else reply.text
        if reply.then in {Ending.EMPTY, Ending.REFUSAL}:
            text = ""
        completion = _Completion(request, text, reply)
        if request.json.get("stream"):
            await wire.head(200, _EVENTS)
            await _stream(completion, reply, wire)
        else:
            await _send_at_once(completion, reply, wire)


class _Completion:
    """One reply in OpenAI's shapes; a function of the request alone."""

    def __init__(self, request: Request, text: str, reply: Reply) -> None:
        self.ending = reply.then
        self.with_usage = bool((request.json.get("stream_options") or {}).get("include_usage"))
        self.base = {
            "id": "chatcmpl-" + hashlib.sha256(request.body).hexdigest()[:12],
            "created": 1_700_000_000,
            "model": request.model,
        }
        pieces = re.findall(r"\S+\s*|\s+", text)
        half = len(pieces) // 2 if reply.then in _CUTS else len(pieces)
        self.pieces = pieces[: half if reply.after is None else reply.after]
        words_in = len(request.text.split())
        self.usage = {
            "prompt_tokens": words_in,
            "completion_tokens": len(self.pieces),
            "total_tokens": words_in + len(self.pieces),
        }

    @property
    def finish_reason(self) -> str | None:
        return _FINISH_REASONS.get(self.ending, "stop")

    def whole(self) -> dict[str, Any]:
        """The answer in one piece, for a request that does not stream."""
        refused = self.ending is Ending.REFUSAL
        message = {
            "role": "assistant",
            "content": None if refused else "".join(self.pieces),
            "refusal": _REFUSAL if refused else None,
        }
        choices = [{"index": 0, "message": message, "finish_reason": self.finish_reason}]
        if self.ending is Ending.NO_CHOICES:
            choices = []
        return {**self.base, "object": "chat.completion", "choices": choices, "usage": self.usage}

    def text_events(self) -> Iterator[bytes]:
        """The role, then one event per piece of text."""
        yield self._event({"role": "assistant", "content": ""})
        for piece in self.pieces:
            yield self._event({"content": piece})
        if self.ending is Ending.REFUSAL:
            yield self._event({"refusal": _REFUSAL})

    def closing_events(self) -> Iterator[bytes]:
        """The finish reason, the usage if it was asked for, and `[DONE]`, as far as the ending has them."""
        if self.finish_reason:
            yield self._event({}, finish_reason=self.finish_reason)
        if self.with_usage:
            yield _data({**self._chunk([]), "usage": self.usage})
        if self.ending is not Ending.NO_DONE:
            yield b"data: [DONE]\n\n"

    def _event(self, delta: dict[str, str], *, finish_reason: str | None = None) -> bytes:
        if self.ending is Ending.NO_CHOICES:
            return _data(self._chunk([]))
        return _data(self._chunk([{"index": 0, "delta": delta, "finish_reason": finish_reason}]))

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {**self.base, "object": "chat.completion.chunk", "choices": choices}


async def _stream(completion: _Completion, reply: Reply, wire: Wire) -> None:
    if reply.after == 0 and reply.then is Ending.RST:
        await wire.reset()
        return
    for event in completion.text_events():
        if reply.gap:
            await asyncio.sleep(reply.gap)
        await wire.chunk(event)
    await _end_stream(completion, reply.then, wire)


async def _end_stream(completion: _Completion, ending: Ending, wire: Wire) -> None:
    match ending:
        case Ending.RST:
            await wire.reset()
        case Ending.HANG:
            await wire.hang()
        case Ending.CHUNKED_CUT:
            await wire.close()
        case Ending.TRUNCATE:
            await wire.last_chunk()
        case Ending.MIDLINE:
            event = next(islice(completion.text_events(), 1, None), b"data: {}\n\n")
            await wire.chunk(event[: len(event) // 2])
            await wire.last_chunk()
        case Ending.ERROR_EVENT:
            await wire.chunk(_data({"error": _error(_SERVER_ERROR, kind="server_error")}))
            await wire.last_chunk()
        case _:
            garbage = [b'data: {"id": oops\n\n'] if ending is Ending.BAD_JSON else []
            for event in [*garbage, *completion.closing_events()]:
                await wire.chunk(event)
            await wire.last_chunk()


async def _send_at_once(completion: _Completion, reply: Reply, wire: Wire) -> None:
    body = json.dumps(completion.whole()).encode()
    match reply.then:
        case Ending.ERROR_EVENT:
            await wire.whole(
                200, json.dumps({"error": _error(_SERVER_ERROR, kind="server_error")}).encode(), _JSON
            )
        case Ending.BAD_JSON | Ending.MIDLINE | Ending.TRUNCATE:
            await wire.whole(200, body[: len(body) // 2], _JSON)
        case Ending.RST | Ending.HANG | Ending.CHUNKED_CUT:
            await wire.head(200, {**_JSON, "Content-Length": str(len(body))})
            await wire.raw(body[: len(body) // 2])
            await _end_stream(completion, reply.then, wire)
        case _:
            await wire.whole(200, body, _JSON)


async def _fail(
    wire: Wire, status: int, model: str, *, code: str | None = None, headers: dict[str, str] | None = None
) -> None:
    error = _error_for(status, model, code)
    await wire.whole(status, json.dumps({"error": error}).encode(), {**_JSON, **(headers or {})})


def _error_for(status: int, model: str, code: str | None) -> dict[str, str | None]:
    match status, code:
        case 400, "context_length_exceeded":
            return _error(
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 "
                "tokens. Please reduce the length of the messages.",
                param="messages",
                code=code,
            )
        case 401, _:
            return _error("Incorrect API key provided: sk-wr***ong.", code="invalid_api_key")
        case 403, _:
            return _error("You are not allowed to sample from this model.", code="model_not_allowed")
        case 404, _:
            return _error(
                f"The model `{model}` does not exist or you do not have access to it.", code="model_not_found"
            )
        case 429, _:
            return _error(
                f"Rate limit reached for {model} on requests per min (RPM): Limit 3, Used 3, Requested 1.",
                kind="requests",
                code="rate_limit_exceeded",
            )
        case ((503 | 529), _):
            return _error("The engine is currently overloaded, please try again later.", kind="server_error")
        case _ if status >= 500:
            return _error(_SERVER_ERROR, kind="server_error")
        case _:
            return _error("Your request was not understood.")


def _error(
    message: str, *, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> dict[str, str | None]:
    return {"message": message, "type": kind, "param": param, "code": code}


def _data(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def _messages(request: Request) -> list[Message]:
    return [Message.of(entry) for entry in request.json.get("messages", ())]
