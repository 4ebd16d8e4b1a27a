"""Replays a recorded run without a model, a library or a network: every call is answered from the file."""

from __future__ import annotations

import asyncio
import builtins
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from indexes.errors import CarrelError, PathMissing
from indexes.types import Collection, Hits
from pipelines import errors as _pipeline_errors  # makes the whole tree known to `_error_of`
from pipelines.events import Asked
from pipelines.models import Models, ModelSettings, Prompt
from pipelines.person import Decide
from pipelines.recorded import (
    VERSION,
    Call,
    Failure,
    Header,
    RecordingError,
    asked_arguments,
    closeness_arguments,
    hash_of,
    prompt_arguments,
    rarity_arguments,
    search_arguments,
)
from pipelines.trace import current_span
from pipelines.types import Question

__all__ = ["RecordingDamaged", "Replay", "ReplayMissing", "replayed_decide", "replayed_services"]

assert _pipeline_errors

T = TypeVar("T")

_TICKS = 100
"""Most turns of the event loop for which a call waits until one that ended before it has ended again."""


class RecordingDamaged(RecordingError):
    """The file is not a recording, or is broken before its last line."""


class ReplayMissing(CarrelError):
    """The recording holds no such call."""


class Replay:
    """A recording, read; answers each call once, in the order in which such calls began.

    Without time passing, what was given up is given up at once, and what was tried again is tried again at
    once. Only a question that its deadline left no time for a rung needs the time that passed: speed 1.

    Args:
        path: What a `Recording` wrote. A last line that is cut is left out: see `truncated`.
        speed: How fast time passes: 1 as it did then, 2 twice as fast, 0 not at all.

    Raises:
        PathMissing: There is no such file.
        RecordingDamaged: It is not a recording that this version reads.
    """

    def __init__(self, path: Path, *, speed: float = 0.0) -> None:
        if speed < 0:
            raise ValueError(f"speed must be at least 0, not {speed!r}")
        self.path = path
        self.speed = speed
        self.missing: list[ReplayMissing] = []
        """The calls that the file does not hold. A ladder takes such an error for any other and falls back,
        so whoever replays for a test looks here, or calls `check`."""
        self.header, self._calls, self.truncated = _read(path)
        self._began: Counter[tuple[str, str, str]] = Counter()
        self._running: set[int] = set()

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.header.question

    def check(self) -> None:
        """Returns when the file held every call.

        Raises:
            ReplayMissing: The first that it did not hold.
        """
        if self.missing:
            raise self.missing[0]

    @contextmanager
    def call(self, service: str, method: str, arguments: JsonValue) -> Iterator[_Answering]:
        """Finds a call; the current span spends what it has spent.

        Raises:
            ReplayMissing: The file does not hold it.
        """
        key = (service, method, hash_of(arguments))
        self._began[key] += 1
        occurrence = self._began[key]
        number, call = self._calls.get((*key, occurrence), (-1, None))
        if call is None:
            self.missing.append(self._missing(*key, occurrence=occurrence))
            raise self.missing[-1]
        if span := current_span():
            span.spend(call.usage)
            span.model = call.model or span.model
            span.truncated = span.truncated or call.truncated
        self._running.add(number)
        try:
            yield _Answering(self, number, call, is_retried=(*key, occurrence + 1) in self._calls)
        finally:
            self._running.discard(number)

    async def in_turn(self, number: int) -> None:
        """Waits while a call that ended before this one is still running, so that both end as they did."""
        for _ in range(_TICKS):
            await asyncio.sleep(0)
            if min(self._running) >= number:
                return

    def _missing(self, service: str, method: str, arguments: str, *, occurrence: int) -> ReplayMissing:
        which = "" if occurrence == 1 else f" a time number {occurrence}"
        return ReplayMissing(
            f"The recording {self.path.name!r} does not hold {service}.{method} ({arguments}){which}.",
            hint="It ends early: its last line is cut."
            if self.truncated
            else "Record the run again: the pipeline, the settings or the prompts have changed since.",
        )


class _Answering:
    """A recorded call that is being answered."""

    def __init__(self, replay: Replay, number: int, call: Call, *, is_retried: bool) -> None:
        self._replay = replay
        self._number = number
        self._call = call
        self._is_retried = is_retried
        self._at = 0.0

    async def pieces(self) -> AsyncIterator[str]:
        """Yields what the stream yielded, then ends as it ended."""
        for seconds, text in self._call.pieces:
            await self._pass_until(seconds)
            yield text
        await self.value()

    async def value(self) -> JsonValue:
        """Returns what the call returned, or raises what it raised."""
        await self._pass_until(self._call.seconds)
        if not self._replay.speed:
            await self._replay.in_turn(self._number)
        return self.value_now()

    def value_now(self) -> JsonValue:
        """The same for a call that waits for nothing."""
        if self._call.failure is not None:
            raise _error_of(self._call.failure, try_again_now=self._is_retried and not self._replay.speed)
        if self._call.stopped:
            raise TimeoutError  # in place of the cancellation, which came from outside
        return self._call.value

    async def _pass_until(self, seconds: float) -> None:
        if self._replay.speed:
            await asyncio.sleep(max(0.0, seconds - self._at) / self._replay.speed)
        self._at = seconds


def replayed_services(replay: Replay) -> Mapping[str, Any]:
    """Returns the services of `pipelines.research`, answering from the recording."""
    header = replay.header
    models = {role: _ReplayedModel(role, settings, replay) for role, settings in header.models.items()}
    return {
        "small": None,
        "reasoning": None,
        **models,
        "models": Models(**models),
        "library": _ReplayedShelves(replay),
        "retrievers": tuple(_ReplayedRetriever(n, f"retrievers.{n}", replay) for n in header.retrievers),
        "web": None if header.web is None else _ReplayedRetriever(header.web, "web", replay),
        "limits": header.limits,
    }


def replayed_decide(replay: Replay) -> Decide:
    """Returns a person who chooses what was chosen."""

    async def decide(asked: Asked) -> str:
        with replay.call("person", "decide", asked_arguments(asked)) as call:
            return _as(_TEXT, await call.value())

    return decide


class _ReplayedModel:
    """A chat model that says what it said."""

    def __init__(self, role: str, settings: ModelSettings, replay: Replay) -> None:
        self.settings = settings
        self._role = role
        self._replay = replay

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        with self._replay.call(self._role, "stream", prompt_arguments(prompt)) as call:
            async for piece in call.pieces():
                yield piece

    async def complete(self, prompt: Prompt) -> str:
        with self._replay.call(self._role, "complete", prompt_arguments(prompt)) as call:
            return _as(_TEXT, await call.value())


class _ReplayedRetriever:
    """A retriever that finds what it found."""

    def __init__(self, name: str, service: str, replay: Replay) -> None:
        self.name = name
        self._service = service
        self._replay = replay

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        with self._replay.call(self._service, "search", search_arguments(text, limit, collections)) as call:
            return _as(_HITS, await call.value())


class _ReplayedShelves:
    """A library that answers what it answered."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    @property
    def notes(self) -> tuple[str, ...]:
        with self._replay.call("library", "notes", []) as call:
            return _as(_NOTES, call.value_now())

    async def collections(self) -> tuple[Collection, ...]:
        with self._replay.call("library", "collections", []) as call:
            return _as(_COLLECTIONS, await call.value())

    async def page(self, document_id: str, page: int) -> str:
        with self._replay.call("library", "page", [document_id, page]) as call:
            return _as(_TEXT, await call.value())

    async def rarity(self, stems: Iterable[str]) -> Mapping[str, float]:
        with self._replay.call("library", "rarity", rarity_arguments(stems)) as call:
            return _as(_RARITY, await call.value())

    async def closeness(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        with self._replay.call("library", "closeness", closeness_arguments(question, texts)) as call:
            return _as(_CLOSENESS, await call.value())


_TEXT = TypeAdapter(str)
_HITS = TypeAdapter(Hits)
_NOTES = TypeAdapter(tuple[str, ...])
_COLLECTIONS = TypeAdapter(tuple[Collection, ...])
_RARITY = TypeAdapter(dict[str, float])
_CLOSENESS = TypeAdapter(tuple[float, ...])


def _as(kind: TypeAdapter[T], value: JsonValue) -> T:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        raise RecordingDamaged(f"A recorded value is not what such a call returns: {value!r:.60}.") from error


_Key = tuple[str, str, str, int]


def _read(path: Path) -> tuple[Header, dict[_Key, tuple[int, Call]], bool]:
    """The header, each call with its number among the lines, and whether the last line was cut."""
    try:
        first, *lines = path.read_bytes().rstrip(b"\n").split(b"\n")
    except FileNotFoundError as error:
        raise PathMissing(f"There is no recording {str(path)!r}.") from error
    except OSError as error:
        raise RecordingError(f"The recording {str(path)!r} cannot be read: {error.strerror}.") from error
    header = _header(first, path)
    calls: dict[_Key, tuple[int, Call]] = {}
    for number, line in enumerate(lines):
        try:
            call = Call.model_validate_json(line)
        except ValidationError as error:
            if number == len(lines) - 1:
                return header, calls, True
            raise RecordingDamaged(f"Line {number + 2} of {str(path)!r} is not a recorded call.") from error
        calls[*call.key, call.occurrence] = (number, call)
    return header, calls, False


def _header(line: bytes, path: Path) -> Header:
    try:
        header = Header.model_validate_json(line)
    except ValidationError as error:
        raise RecordingDamaged(f"{str(path)!r} is not a recording that this version reads.") from error
    if header.version > VERSION:
        raise RecordingDamaged(f"{str(path)!r} was made by a newer version, in format {header.version}.")
    return header


def _error_of(failure: Failure, *, try_again_now: bool) -> Exception:
    """The error as it was, of its own class where that is one of ours or Python's."""
    ours = _tree(CarrelError).get(failure.kind)
    if ours is None:
        return _plain_error(failure)
    error = ours(failure.message, hint=failure.hint)
    wait = 0.0 if try_again_now else failure.retry_after_seconds
    if wait is not None:
        error.retry_after_seconds = wait  # type: ignore[attr-defined]
    return error


def _plain_error(failure: Failure) -> Exception:
    known = getattr(builtins, failure.kind, None)
    if isinstance(known, type) and issubclass(known, Exception):
        try:
            return known(failure.message)
        except TypeError:  # a few of Python's own errors are made from more than a message
            pass
    return RuntimeError(failure.message)


def _tree(root: type[CarrelError]) -> dict[str, type[CarrelError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found
