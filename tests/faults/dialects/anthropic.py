"""Anthropic's messages, streamed and not, with their errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.faults.dialects.chat import ChatDialect, Said
from tests.faults.responders import Message
from tests.faults.script import Ending
from tests.faults.wire import Request

__all__ = ["AnthropicMessages"]

_STOP_REASONS = {Ending.LENGTH: "max_tokens", Ending.REFUSAL: "refusal", Ending.NO_REASON: None}
_REQUEST_ID = "req_011CSHoEeqs5C35K2UUqR7Fy"


class AnthropicMessages(ChatDialect):
    """Answers `POST /v1/messages` and `GET /v1/models`."""

    chat_path = "/v1/messages"
    list_path = "/v1/models"
    stream_type = "text/event-stream; charset=utf-8"
    # Its filter declines with the stop reason of a refusal; there are no choices, and no `[DONE]`.
    impossible = frozenset({Ending.CONTENT_FILTER, Ending.NO_CHOICES})

    def key(self, request: Request) -> str:
        """Older clients send it in a header of its own."""
        return request.headers.get("x-api-key") or super().key(request)

    def messages(self, request: Request) -> list[Message]:
        system = Message.of({"role": "system", "content": request.json.get("system")})
        return [system, *super().messages(request)]

    def streams(self, request: Request) -> bool:
        return bool(request.json.get("stream"))

    def opening(self, said: Said) -> Iterator[bytes]:
        usage = {"input_tokens": said.words_in, "output_tokens": 1}
        started = {**_base(said), "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        yield _event("message_start", message=started)
        if said.pieces:
            yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        yield _event("ping")

    def piece(self, said: Said, text: str) -> bytes:
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def closing(self, said: Said) -> Iterator[bytes]:
        """The stop reason with the usage, and `message_stop`."""
        if said.pieces:
            yield _event("content_block_stop", index=0)
        delta = {"stop_reason": _stop_reason(said), "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage=_usage(said))
        if said.ending is not Ending.NO_DONE:
            yield _event("message_stop")

    def garbage(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type": oops\n\n'

    def error_event(self) -> bytes:
        return _event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def whole(self, said: Said) -> dict[str, Any]:
        content = [{"type": "text", "text": said.text}] if said.pieces else []
        stop = {"stop_reason": _stop_reason(said), "stop_sequence": None}
        return {**_base(said), "content": content, **stop, "usage": _usage(said)}

    def error(self, status: int, model: str) -> dict[str, Any]:
        match status:
            case 401:
                return _error("authentication_error", "invalid x-api-key")
            case 403:
                return _error("permission_error", "Your API key does not have permission to use this.")
            case 404:
                return _error("not_found_error", f"model: {model}")
            case 413:
                return _error("request_too_large", "Request exceeds the maximum size")
            case 429:
                return _error(
                    "rate_limit_error",
                    "This request would exceed your account's rate limit. Try again later.",
                )
            case 529:
                return _error("overloaded_error", "Overloaded")
            case _ if status >= 500:
                return _error("api_error", "Internal server error")
            case _:
                return _error("invalid_request_error", "messages: Your request was not understood.")

    def too_long(self) -> dict[str, Any]:
        return _error("invalid_request_error", "prompt is too long: 209031 tokens > 200000 maximum")

    def listing(self) -> dict[str, Any]:
        data = [{"type": "model", "id": name, "display_name": name} for name in self.models]
        return {"data": data, "has_more": False, "first_id": None, "last_id": None}


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": _REQUEST_ID}


def _base(said: Said) -> dict[str, Any]:
    return {
        "id": f"msg_{said.identifier}",
        "type": "message",
        "role": "assistant",
        "model": said.request.model,
    }


def _stop_reason(said: Said) -> str | None:
    return _STOP_REASONS.get(said.ending, "end_turn")


def _usage(said: Said) -> dict[str, int]:
    return {"input_tokens": said.words_in, "output_tokens": said.words_out}


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
