"""Ollama's own chat protocol, a line of JSON for each piece, with its errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.faults.dialects.chat import ChatDialect, Said
from tests.faults.script import Ending
from tests.faults.wire import Request

__all__ = ["OllamaChat"]

_DONE_REASONS = {Ending.LENGTH: "length", Ending.NO_REASON: None}
_SECOND = 1_000_000_000


class OllamaChat(ChatDialect):
    """Answers `POST /api/chat` and `GET /api/tags`."""

    chat_path = "/api/chat"
    list_path = "/api/tags"
    stream_type = "application/x-ndjson"
    # It has no filter, no field to decline in, no choices; and its last line is reason and end in one.
    impossible = frozenset({Ending.CONTENT_FILTER, Ending.REFUSAL, Ending.NO_CHOICES, Ending.NO_DONE})

    def streams(self, request: Request) -> bool:
        return request.json.get("stream", True) is not False

    def opening(self, said: Said) -> Iterator[bytes]:
        return iter(())

    def piece(self, said: Said, text: str) -> bytes:
        return _line({**_base(said, text), "done": False})

    def closing(self, said: Said) -> Iterator[bytes]:
        yield _line({**_base(said, ""), **_end(said)})

    def garbage(self) -> bytes:
        return b'{"model": oops}\n'

    def error_event(self) -> bytes:
        return _line({"error": "an error was encountered while running the model: unexpected EOF"})

    def whole(self, said: Said) -> dict[str, Any]:
        return {**_base(said, said.text), **_end(said)}

    def error(self, status: int, model: str) -> dict[str, Any]:
        match status:
            case 401 | 403:
                return {"error": "unauthorized"}
            case 404:
                return {"error": f"model '{model}' not found"}
            case 429:
                return {"error": "you've reached your hourly usage limit, please upgrade to continue"}
            case 503:
                return {"error": "server busy, please try again.  maximum pending requests exceeded"}
            case _ if status >= 500:
                return {"error": "llama runner process has terminated: exit status 2"}
            case _:
                return {"error": "invalid request"}

    def too_long(self) -> dict[str, Any]:
        return {"error": "the input length exceeds the context length"}

    def listing(self) -> dict[str, Any]:
        return {"models": [{"name": name, "model": name} for name in self.models]}


def _base(said: Said, text: str) -> dict[str, Any]:
    return {
        "model": said.request.model,
        "created_at": "2026-01-05T10:00:00.000000Z",
        "message": {"role": "assistant", "content": text},
    }


def _end(said: Said) -> dict[str, Any]:
    reason = _DONE_REASONS.get(said.ending, "stop")
    return {
        "done": True,
        **({"done_reason": reason} if reason else {}),
        "total_duration": 2 * _SECOND,
        "prompt_eval_count": said.words_in,
        "eval_count": said.words_out,
        "eval_duration": _SECOND,
    }


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry).encode() + b"\n"
