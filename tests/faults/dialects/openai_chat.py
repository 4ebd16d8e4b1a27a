"""OpenAI's chat completions, streamed and not, with their errors, as OpenAI-compatible servers speak them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.faults.dialects.chat import ChatDialect, Said
from tests.faults.script import Ending
from tests.faults.wire import Request

__all__ = ["OpenAIChat", "openai_error"]

_REFUSAL = "I'm sorry, I can't help with that."
_SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"
_FINISH_REASONS = {Ending.LENGTH: "length", Ending.CONTENT_FILTER: "content_filter", Ending.NO_REASON: None}


class OpenAIChat(ChatDialect):
    """Answers `POST /v1/chat/completions` and `GET /v1/models`."""

    chat_path = "/v1/chat/completions"
    list_path = "/v1/models"
    stream_type = "text/event-stream; charset=utf-8"

    def streams(self, request: Request) -> bool:
        return bool(request.json.get("stream"))

    def opening(self, said: Said) -> Iterator[bytes]:
        yield _event(said, {"role": "assistant", "content": ""})

    def piece(self, said: Said, text: str) -> bytes:
        return _event(said, {"content": text})

    def closing(self, said: Said) -> Iterator[bytes]:
        """The finish reason, the usage if it was asked for, and `[DONE]`."""
        if said.ending is Ending.REFUSAL:
            yield _event(said, {"refusal": _REFUSAL})
        if reason := _finish_reason(said):
            yield _event(said, {}, finish_reason=reason)
        if (said.request.json.get("stream_options") or {}).get("include_usage"):
            yield _data({**_chunk(said, []), "usage": _usage(said)})
        if said.ending is not Ending.NO_DONE:
            yield b"data: [DONE]\n\n"

    def garbage(self) -> bytes:
        return b'data: {"id": oops\n\n'

    def error_event(self) -> bytes:
        return _data(openai_error(500, ""))

    def whole(self, said: Said) -> dict[str, Any]:
        refused = said.ending is Ending.REFUSAL
        message = {
            "role": "assistant",
            "content": None if refused else said.text,
            "refusal": _REFUSAL if refused else None,
        }
        choices = [{"index": 0, "message": message, "finish_reason": _finish_reason(said)}]
        if said.ending is Ending.NO_CHOICES:
            choices = []
        return {**_base(said), "object": "chat.completion", "choices": choices, "usage": _usage(said)}

    def error(self, status: int, model: str) -> dict[str, Any]:
        return openai_error(status, model)

    def too_long(self) -> dict[str, Any]:
        return _error(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 "
            "tokens. Please reduce the length of the messages.",
            param="messages",
            code="context_length_exceeded",
        )

    def listing(self) -> dict[str, Any]:
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}


def openai_error(status: int, model: str) -> dict[str, Any]:
    """The body of an error status, alike for all of OpenAI's services."""
    match status:
        case 401:
            return _error("Incorrect API key provided: sk-wr***ong.", code="invalid_api_key")
        case 403:
            return _error("You are not allowed to sample from this model.", code="model_not_allowed")
        case 404:
            return _error(
                f"The model `{model}` does not exist or you do not have access to it.", code="model_not_found"
            )
        case 429:
            return _error(
                f"Rate limit reached for {model} on requests per min (RPM): Limit 3, Used 3, Requested 1.",
                kind="requests",
                code="rate_limit_exceeded",
            )
        case 503 | 529:
            return _error("The engine is currently overloaded, please try again later.", kind="server_error")
        case _ if status >= 500:
            return _error(_SERVER_ERROR, kind="server_error")
        case _:
            return _error("Your request was not understood.")


def _error(
    message: str, *, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _event(said: Said, delta: dict[str, str], *, finish_reason: str | None = None) -> bytes:
    if said.ending is Ending.NO_CHOICES:
        return _data(_chunk(said, []))
    return _data(_chunk(said, [{"index": 0, "delta": delta, "finish_reason": finish_reason}]))


def _chunk(said: Said, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {**_base(said), "object": "chat.completion.chunk", "choices": choices}


def _base(said: Said) -> dict[str, Any]:
    return {"id": f"chatcmpl-{said.identifier}", "created": 1_700_000_000, "model": said.request.model}


def _finish_reason(said: Said) -> str | None:
    return _FINISH_REASONS.get(said.ending, "stop")


def _usage(said: Said) -> dict[str, int]:
    return {
        "prompt_tokens": said.words_in,
        "completion_tokens": said.words_out,
        "total_tokens": said.words_in + said.words_out,
    }


def _data(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"
