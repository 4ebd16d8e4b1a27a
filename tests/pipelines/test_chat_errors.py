"""How long a provider asks to wait is understood in every form it may take."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from langchain_core.exceptions import ModelRateLimitError

from pipelines.chat_errors import translated
from pipelines.errors import ModelLimited
from pipelines.models import ModelSettings

MODEL = ModelSettings(name="openai:m")


class RateLimited(ModelRateLimitError):
    """As a provider's client raises it: with the response it got."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__("slow down")
        self.response = SimpleNamespace(headers=headers)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Tue, 24 Nov 2026 10:00:30 GMT", "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, 30.0),
        ({}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
    ],
)
def test_the_wait_that_a_provider_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    error = translated(RateLimited(headers), MODEL)
    assert isinstance(error, ModelLimited)
    assert error.retry_after_seconds == seconds


def test_words_that_look_like_a_key_are_never_repeated() -> None:
    error = translated(RuntimeError("Incorrect API key provided: sk-abcdef1234567890."), MODEL)
    assert "abcdef" not in error.message
