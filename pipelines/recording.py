"""Records a run to a file: each call of a model, a retriever, the library or a person, and what came back."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, cast

from pydantic import JsonValue

from indexes.errors import PathMissing
from indexes.protocols import Retriever
from indexes.types import Collection, Hits
from pipelines.errors import TookTooLong
from pipelines.events import Asked
from pipelines.models import ChatModel, Models, ModelSettings, Prompt
from pipelines.open_call import OpenCall, Tally, failure_of, storable
from pipelines.person import Decide
from pipelines.recorded import (
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
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.trace import OpenSpan, current_span
from pipelines.types import Outcome, Question

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
        self._tally = Tally()
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
    def call(self, service: str, method: str, arguments: JsonValue) -> Iterator[OpenCall]:
        """Records the call that the block makes: its value or pieces, or the error that leaves the block."""
        key = (service, method, hash_of(arguments))
        self._occurrences[key] += 1
        opened = OpenCall(*key, occurrence=self._occurrences[key])
        span = current_span()
        self._tally.begin(span)
        try:
            yield opened
        except Exception as error:
            opened.failure = failure_of(error)
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
                why = Failure(kind=TookTooLong.__name__, message=storable(ended[0].error))
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
            call.value = storable(reply)
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
            call.value = storable(text)
            return text

    async def rarity(self, stems: Iterable[str]) -> Mapping[str, float]:
        asked = tuple(stems)
        with self._recording.call("library", "rarity", rarity_arguments(asked)) as call:
            rarity = await self._library.rarity(asked)
            call.value = dict(rarity)
            return rarity

    async def closeness(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        with self._recording.call("library", "closeness", closeness_arguments(question, texts)) as call:
            closeness = await self._library.closeness(question, texts)
            call.value = list(closeness)
            return closeness


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
