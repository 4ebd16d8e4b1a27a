"""What a client raises is understood: how long to wait, whether the money is gone, what is cut off."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from langchain_core.exceptions import ModelInvalidRequestError, ModelRateLimitError

from pipelines.chat_errors import translated
from pipelines.errors import (
    ContextTooLong,
    ModelAuth,
    ModelError,
    ModelLimited,
    ModelMalformed,
    ModelUnreachable,
)
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
        ({"retry-after": "Tue, 24 Nov 99999999999999999999 10:00:30 GMT"}, None),
        ({"retry-after": "Tue, 24 Nov 2026 10:00:30 +99999999999999"}, None),
    ],
)
def test_the_wait_that_a_provider_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    error = translated(RateLimited(headers), MODEL)
    assert isinstance(error, ModelLimited)
    assert error.retry_after_seconds == seconds


def test_words_that_look_like_a_key_are_never_repeated() -> None:
    error = translated(RuntimeError("Incorrect API key provided: sk-abcdef1234567890."), MODEL)
    assert "abcdef" not in error.message


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 8192 tokens.",
        "prompt is too long: 209031 tokens > 200000 maximum",
        "the input length exceeds the context length",
        "the request exceeds the available context size, try increasing it",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048575).",
        "Input is too long for requested model.",
    ],
)
def test_a_prompt_that_does_not_fit_is_known_in_every_providers_words(words: str) -> None:
    assert isinstance(translated(ModelInvalidRequestError(words), MODEL), ContextTooLong)


@pytest.mark.parametrize(
    "error",
    [
        ModelInvalidRequestError("Your credit balance is too low to access the API."),
        ModelRateLimitError("Insufficient account balance"),
    ],
)
def test_an_empty_account_is_not_worth_another_try(error: Exception) -> None:
    told = translated(error, MODEL)
    assert isinstance(told, ModelAuth)
    assert "billing" in told.hint


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"message": {"content": "a car', ModelUnreachable),
        ('{"message": {"content": "a carrel"', ModelUnreachable),
        ('{"message"', ModelUnreachable),
        ('{"message": oops}', ModelMalformed),
        ("<!doctype html><title>Sign in</title>", ModelMalformed),
        ("", ModelMalformed),
    ],
)
def test_a_line_that_was_cut_off_is_told_from_one_that_is_no_json(
    line: str, expected: type[ModelError]
) -> None:
    with pytest.raises(json.JSONDecodeError) as broken:
        json.loads(line)

    assert type(translated(broken.value, MODEL)) is expected


def test_what_came_instead_of_a_reply_is_shown_in_eighty_safe_characters() -> None:
    page = "<!doctype html>\x1b[31m<title>Sign in to the network of this hotel</title>" + "x" * 500
    with pytest.raises(json.JSONDecodeError) as broken:
        json.loads(page)

    told = translated(broken.value, MODEL).message

    assert "Sign in to the network" in told
    assert "\x1b" not in told
    assert len(told) < 200
