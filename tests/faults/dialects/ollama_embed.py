"""Ollama's own embeddings: vectors in the order of their texts, and no number to tell them by."""

from __future__ import annotations

from typing import Any

from tests.faults.dialects.ollama import OllamaChat
from tests.faults.dialects.openai_embed import OpenAIEmbeddings, Row, as_numbers
from tests.faults.script import Ending
from tests.faults.wire import Request

__all__ = ["OllamaEmbeddings"]


class OllamaEmbeddings(OpenAIEmbeddings):
    """Answers `POST /api/embed`."""

    path = "/api/embed"
    impossible = frozenset({Ending.OUT_OF_ORDER, Ending.WITHOUT_ORDER})

    def error(self, status: int, model: str) -> dict[str, Any]:
        return OllamaChat().error(status, model)

    def invalid(self, message: str) -> dict[str, Any]:
        return {"error": message}

    def answer(self, request: Request, rows: list[Row]) -> dict[str, Any]:
        return {"model": request.model, "embeddings": [as_numbers(vector) for _, vector in rows]}
