"""What a recording's file holds: a header, then a line for each call with what came back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Literal, cast

from pydantic import Field, JsonValue

from indexes.errors import InputError
from indexes.types import Model
from pipelines.events import Asked
from pipelines.models import ModelSettings, Prompt
from pipelines.settings import Limits
from pipelines.types import Question, Usage

__all__ = [
    "VERSION",
    "Call",
    "Failure",
    "Header",
    "RecordingError",
    "asked_arguments",
    "closeness_arguments",
    "hash_of",
    "prompt_arguments",
    "rarity_arguments",
    "search_arguments",
]

VERSION = 1
_NOTE = (
    "This file holds the question, text of the papers and replies of the models: share it as you would those."
)


class RecordingError(InputError):
    """A recording cannot be written or read."""


class Header(Model):
    """The first line of a recording: what was asked of which services."""

    format: Literal["carrel recording"] = "carrel recording"
    version: int = VERSION
    note: str = _NOTE
    question: Question
    settings: str
    """Fingerprint of the limits and the models' settings."""
    limits: Limits
    models: dict[str, ModelSettings]
    """By role, without addresses and names of keys."""
    retrievers: tuple[str, ...]
    """Their names, in the order in which they are asked."""
    web: str | None
    """The web retriever's name; `None` where there was none."""


class Failure(Model):
    """An error as data."""

    kind: str
    """Its class."""
    message: str
    hint: str = ""
    retry_after_seconds: float | None = None
    """How long a provider asks to wait."""


class Call(Model):
    """Any other line: one call, and what came back."""

    service: str
    method: str
    arguments: str
    """Hash of the arguments."""
    occurrence: int = Field(ge=1)
    """Which of the calls with the same arguments, from 1, in the order in which they began."""
    seconds: float = Field(ge=0)
    value: JsonValue = None
    pieces: tuple[tuple[float, str], ...] = ()
    """What a stream yielded, each piece with the seconds since the call began."""
    failure: Failure | None = None
    stopped: bool = False
    """Whether the caller gave up waiting: its time was over, and then there is a failure too, or the question
    was cancelled."""
    model: str = ""
    usage: Usage = Usage()
    truncated: bool = False
    """Whether the model's reply was cut at its longest."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two calls the same."""
        return self.service, self.method, self.arguments


def hash_of(arguments: JsonValue) -> str:
    """Returns the hash of a call's arguments, the same on every machine."""
    canonical = json.dumps(arguments, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def prompt_arguments(prompt: Prompt) -> JsonValue:
    """What tells one call of a model from another."""
    return cast("JsonValue", prompt.model_dump(mode="json"))


def search_arguments(text: str, limit: int, collections: Iterable[str]) -> JsonValue:
    """What tells one search from another."""
    return [text, limit, list(collections)]


def rarity_arguments(stems: Iterable[str]) -> JsonValue:
    """The stems, in an order of their own: a set's differs from process to process."""
    return cast("JsonValue", sorted(set(stems)))


def closeness_arguments(question: str, texts: Iterable[str]) -> JsonValue:
    """What tells one comparison of texts with a question from another."""
    return [question, *texts]


def asked_arguments(asked: Asked) -> JsonValue:
    """What tells one question to a person from another."""
    return [asked.prompt, list(asked.choices)]
