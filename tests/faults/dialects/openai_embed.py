"""OpenAI's embeddings, as OpenAI-compatible servers speak them, and vectors with something wrong."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from indexes.hashing import HashingEncoder
from tests.faults.dialects.body import send_body, send_json
from tests.faults.dialects.openai_chat import openai_error
from tests.faults.script import VECTOR_ENDINGS, ContextLengthExceeded, Ending, Reply, Status
from tests.faults.wire import Request, Wire

__all__ = ["OpenAIEmbeddings", "Row", "as_numbers"]

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
Row = tuple[int, NDArray[np.float32]]
"""Which text, from 0, and its vector."""

_POSSIBLE = {
    Ending.FINISH,
    Ending.TRUNCATE,
    Ending.MIDLINE,
    Ending.CHUNKED_CUT,
    Ending.RST,
    Ending.HANG,
    Ending.BAD_JSON,
    Ending.EMPTY,
    *VECTOR_ENDINGS,
}
_TOO_LONG = "This model's maximum context length is 8192 tokens, however you requested 9001 tokens."


class OpenAIEmbeddings:
    """Answers `POST /v1/embeddings` with vectors that are alike where the words of two texts are."""

    path = "/v1/embeddings"
    impossible: ClassVar[Collection[Ending]] = ()

    def __init__(self, embed: Embed | None = None) -> None:
        self.embed = embed or HashingEncoder().encode

    def serves(self, request: Request) -> bool:
        return request.path == self.path

    async def perform(
        self, step: Reply | Status | ContextLengthExceeded, request: Request, wire: Wire
    ) -> None:
        texts = request.json.get("input", [])
        match step:
            case Status(code, headers, body) if body is not None:
                await wire.whole(code, body.encode(), {"Content-Type": "text/plain", **headers})
            case Status(code, headers):
                await send_json(wire, code, self.error(code, request.model), headers)
            case ContextLengthExceeded():
                await send_json(wire, 400, self.invalid(_TOO_LONG))
            case Reply() if not texts or not all(isinstance(text, str) and text for text in texts):
                await send_json(wire, 400, self.invalid("'$.input' is invalid."))
            case Reply(then=ending) if ending not in _POSSIBLE or ending in self.impossible:
                raise ValueError(f"embeddings have no form for the ending {ending}")
            case Reply():
                await asyncio.sleep(step.gap)
                await send_body(wire, self._body(request, texts, step.then), step.then)

    def error(self, status: int, model: str) -> dict[str, Any]:
        return openai_error(status, model)

    def invalid(self, message: str) -> dict[str, Any]:
        kind = "invalid_request_error"
        return {"error": {"message": message, "type": kind, "param": "input", "code": None}}

    def answer(self, request: Request, rows: list[Row]) -> dict[str, Any]:
        """The rows in the form that was asked for, which is base64 for OpenAI's own client."""
        encode = _as_base64 if request.json.get("encoding_format") == "base64" else as_numbers
        data = [
            {"object": "embedding", "index": number, "embedding": encode(vector)} for number, vector in rows
        ]
        words = len(request.text.split())
        usage = {"prompt_tokens": words, "total_tokens": words}
        return {"object": "list", "model": request.model, "data": data, "usage": usage}

    def _body(self, request: Request, texts: Sequence[str], ending: Ending) -> bytes:
        vectors = _spoilt([row.copy() for row in self.embed(texts)], ending)
        rows = list(enumerate(vectors))
        if ending is Ending.OUT_OF_ORDER:
            rows.reverse()
        if ending is Ending.WITHOUT_ORDER:
            rows = [(0, vector) for vector in vectors]
        return json.dumps(self.answer(request, rows)).encode()


def _spoilt(vectors: list[NDArray[np.float32]], ending: Ending) -> list[NDArray[np.float32]]:
    """The vectors with what the ending asks for wrong in the last of them."""
    last = vectors[-1]
    match ending:
        case Ending.EMPTY:
            return []
        case Ending.ONE_SHORT:
            return vectors[:-1]
        case Ending.ONE_OVER:
            return [*vectors, last]
        case Ending.OTHER_DIMENSION:
            return [np.append(vector, vector[:1]) for vector in vectors]
        case Ending.RAGGED:
            return [*vectors[:-1], last[:-1]]
        case Ending.NAN:
            last[0] = np.nan
        case Ending.INFINITE:
            last[0] = np.inf
        case Ending.ZEROS:
            last[:] = 0
        case _:
            pass
    return vectors


def _as_base64(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def as_numbers(vector: NDArray[np.float32]) -> list[float]:
    """The vector as JSON has it."""
    return [float(number) for number in vector]
