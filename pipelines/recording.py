"""Records a run to a file: each call of a model, a retriever, the library or a person, and what came back."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, cast

from pydantic import JsonValue

from indexes.errors import CarrelError, PathMissing
from indexes.protocols import Retriever
from indexes.types import Collection, Hits
from pipelines.errors import TookTooLong
from pipelines.events import Asked
from pipelines.models import ChatModel, Models, ModelSettings, Prompt
from pipelines.person import Decide
from pipelines.recorded import (
    Call,
    Failure,
    Header,
    RecordingError,
    asked_arguments,
    hash_of,
    prompt_arguments,
    rarity_arguments,
    search_arguments,
)
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.trace import OpenSpan, current_span
from pipelines.types import Outcome, Question, Usage

__all__ = ["Recording", "RecordingExists", "recording_decide", "recording_services"]


class RecordingExists(RecordingError):
    """The file is there already; a recording never replaces one."""

    default_hint = "Name another file, or remove that one first."


class Recording:
    """A file that grows by a line with each call; made readable by its owner only.

    Use it as a context manager, for one question. A disk that fills up ends the recording, not the question:
    see `problem`.

    Args:
        path: A file that does not exist yet.
        question: Which is going to be asked.

    Raises:
        RecordingExists: There is such a file.
        RecordingError: It cannot be written.
    """

    def __init__(self, path: Path, question: Question) -> None:
        self.path = path
        self.question = question
        self.problem = ""
        """Why nothing more is recorded; empty while all is well."""
        self._file = _created(path)
        self._occurrences: Counter[tuple[str, str, str]] = Counter()
        self._tally = _Tally()
        self._given_up: list[tuple[OpenSpan, Call]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; may be called twice."""
        self._write_given_up(all_of_them=True)
        try:
            self._file.close()
        except OSError as error:
            self._end_early(error)

    def write(self, line: Header | Call) -> None:
        """Adds a line."""
        self._write_given_up()
        self._write(line)

    def _write(self, line: Header | Call) -> None:
        if self.problem or self._file.closed:
            return
        try:
            self._file.write(json.dumps(line.model_dump(mode="json")) + "\n")
            self._file.flush()
        except OSError as error:
            self._end_early(error)

    @contextmanager
    def call(self, service: str, method: str, arguments: JsonValue) -> Iterator[_OpenCall]:
        """Records the call that the block makes: its value or pieces, or the error that leaves the block."""
        key = (service, method, hash_of(arguments))
        self._occurrences[key] += 1
        opened = _OpenCall(*key, occurrence=self._occurrences[key])
        span = current_span()
        self._tally.begin(span)
        try:
            yield opened
        except Exception as error:
            opened.failure = _failure(error)
            raise
        except BaseException:
            opened.stopped = True
            raise
        finally:
            call = opened.closed(span, self._tally.end(span))
            if opened.stopped and span is not None:
                self._given_up.append((span, call))
            else:
                self.write(call)

    def _write_given_up(self, *, all_of_them: bool = False) -> None:
        """Writes the calls that were given up, once their attempt has ended and says why."""
        given_up, self._given_up = self._given_up, []
        for span, call in given_up:
            ended = [each for each in span.recorder.trace if each.id == span.id]
            if ended and ended[0].status is Outcome.TIMED_OUT:
                why = Failure(kind=TookTooLong.__name__, message=_storable(ended[0].error))
                self._write(call.model_copy(update={"failure": why}))
            elif ended or all_of_them:
                self._write(call)
            else:
                self._given_up.append((span, call))

    def _end_early(self, error: OSError) -> None:
        self.problem = f"The recording {str(self.path)!r} ends early: {error.strerror}."


def recording_services(services: Mapping[str, Any], recording: Recording) -> Mapping[str, Any]:
    """Returns the services of `pipelines.research`, each recording what it is asked; writes the header.

    Services of other names are passed on as they are.
    """
    models: Models = services["models"]
    recorded: dict[str, ChatModel] = {
        role: _RecordedModel(model, role, recording) for role, model in _filled(models).items()
    }
    retrievers: tuple[Retriever, ...] = services["retrievers"]
    web: Retriever | None = services["web"]
    recording.write(_header(recording.question, services["limits"], models, retrievers, web))
    return {
        **services,
        **recorded,
        "models": replace(models, **cast("Any", recorded)),
        "library": _RecordedShelves(services["library"], recording),
        "retrievers": tuple(
            _RecordedRetriever(each, f"retrievers.{each.name}", recording) for each in retrievers
        ),
        "web": None if web is None else _RecordedRetriever(web, "web", recording),
    }


def recording_decide(decide: Decide, recording: Recording) -> Decide:
    """Returns `decide`, recording what the person chose."""

    async def recorded(asked: Asked) -> str:
        with recording.call("person", "decide", asked_arguments(asked)) as call:
            choice = await decide(asked)
            call.value = choice
            return choice

    return recorded


def _header(
    question: Question,
    limits: Limits,
    models: Models,
    retrievers: Iterable[Retriever],
    web: Retriever | None,
) -> Header:
    settings = {role: _shareable(model.settings) for role, model in _filled(models).items()}
    plain = [limits.model_dump(mode="json"), {role: each.model_dump() for role, each in settings.items()}]
    return Header(
        question=question,
        settings=hash_of(cast("JsonValue", plain)),
        limits=limits,
        models=settings,
        retrievers=tuple(each.name for each in retrievers),
        web=None if web is None else web.name,
    )


def _filled(models: Models) -> dict[str, ChatModel]:
    roles = {role.name: getattr(models, role.name) for role in fields(models)}
    return {role: model for role, model in roles.items() if model is not None}


def _shareable(settings: ModelSettings) -> ModelSettings:
    """Without the address, which may hold a password, and without the name of the key."""
    values = settings.model_dump(include=set(ModelSettings.model_fields))
    return ModelSettings(**{**values, "base_url": None, "api_key_env": None})


class _RecordedModel:
    """A chat model whose calls are recorded under its role."""

    def __init__(self, model: ChatModel, role: str, recording: Recording) -> None:
        self._model = model
        self._role = role
        self._recording = recording

    @property
    def settings(self) -> ModelSettings:
        return self._model.settings

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        with self._recording.call(self._role, "stream", prompt_arguments(prompt)) as call:
            async with aclosing(cast("Any", self._model.stream(prompt))) as pieces:
                async for piece in pieces:
                    call.piece(piece)
                    yield piece

    async def complete(self, prompt: Prompt) -> str:
        with self._recording.call(self._role, "complete", prompt_arguments(prompt)) as call:
            reply = await self._model.complete(prompt)
            call.value = _storable(reply)
            return reply


class _RecordedRetriever:
    """A retriever whose searches are recorded."""

    def __init__(self, retriever: Retriever, service: str, recording: Recording) -> None:
        self._retriever = retriever
        self._service = service
        self._recording = recording

    @property
    def name(self) -> str:
        return self._retriever.name

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        arguments = search_arguments(text, limit, collections)
        with self._recording.call(self._service, "search", arguments) as call:
            found = await self._retriever.search(text, limit=limit, collections=collections)
            call.value = found.model_dump(mode="json")
            return found


class _RecordedShelves:
    """A library whose answers are recorded."""

    def __init__(self, library: Shelves, recording: Recording) -> None:
        self._library = library
        self._recording = recording

    @property
    def notes(self) -> tuple[str, ...]:
        with self._recording.call("library", "notes", []) as call:
            notes = self._library.notes
            call.value = list(notes)
            return notes

    async def collections(self) -> tuple[Collection, ...]:
        with self._recording.call("library", "collections", []) as call:
            collections = await self._library.collections()
            call.value = [collection.model_dump(mode="json") for collection in collections]
            return collections

    async def page(self, document_id: str, page: int) -> str:
        with self._recording.call("library", "page", [document_id, page]) as call:
            text = await self._library.page(document_id, page)
            call.value = _storable(text)
            return text

    async def rarity(self, stems: Iterable[str]) -> Mapping[str, float]:
        asked = tuple(stems)
        with self._recording.call("library", "rarity", rarity_arguments(asked)) as call:
            rarity = await self._library.rarity(asked)
            call.value = dict(rarity)
            return rarity


def _created(path: Path) -> TextIO:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    except FileExistsError as error:
        raise RecordingExists(f"There is a file {str(path)!r} already.") from error
    except FileNotFoundError as error:
        raise PathMissing(f"There is no folder {str(path.parent)!r} to record to.") from error
    except OSError as error:
        raise RecordingError(f"The recording {str(path)!r} cannot be made: {error.strerror}.") from error
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")


@dataclass
class _OpenCall:
    """A call that has not come back yet."""

    service: str
    method: str
    arguments: str
    occurrence: int
    began: float = field(default_factory=time.monotonic)
    value: JsonValue = None
    pieces: list[tuple[float, str]] = field(default_factory=list)
    failure: Failure | None = None
    stopped: bool = False

    def piece(self, text: str) -> None:
        """Adds a piece of a stream."""
        self.pieces.append((self._elapsed(), _storable(text)))

    def closed(self, span: OpenSpan | None, usage: Usage) -> Call:
        """The call as a line."""
        return Call(
            service=self.service,
            method=self.method,
            arguments=self.arguments,
            occurrence=self.occurrence,
            seconds=self._elapsed(),
            value=self.value,
            pieces=tuple(self.pieces),
            failure=self.failure,
            stopped=self.stopped,
            model=span.model if span else "",
            usage=usage,
            truncated=span.truncated if span else False,
        )

    def _elapsed(self) -> float:
        return round(time.monotonic() - self.began, 6)


class _Tally:
    """What the calls of a span have spent. Calls that overlap share it out, so that their sum is right."""

    def __init__(self) -> None:
        self._running: Counter[int] = Counter()
        self._counted: dict[int, Usage] = {}

    def begin(self, span: OpenSpan | None) -> None:
        """Leaves out what the span has spent without any call."""
        if span is not None:
            if not self._running[id(span)]:
                self._counted[id(span)] = span.usage
            self._running[id(span)] += 1

    def end(self, span: OpenSpan | None) -> Usage:
        """Returns what was spent since a call of this span last ended."""
        if span is None:
            return Usage()
        counted, self._counted[id(span)] = self._counted[id(span)], span.usage
        self._running[id(span)] -= 1
        now, before = dict(span.usage), dict(counted)
        return Usage.model_validate(
            {name: None if spent is None else spent - (before[name] or 0) for name, spent in now.items()}
        )


def _failure(error: Exception) -> Failure:
    message = error.message if isinstance(error, CarrelError) else str(error)
    return Failure(
        kind=type(error).__name__,
        message=_storable(message),
        hint=_storable(getattr(error, "hint", "")),
        retry_after_seconds=getattr(error, "retry_after_seconds", None),
    )


def _storable(text: str) -> str:
    """`text` with every lone surrogate replaced: nothing else cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
