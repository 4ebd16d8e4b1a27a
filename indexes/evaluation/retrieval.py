"""Asks a library questions whose answers are known: how well each way of searching does, and how fast."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from indexes.errors import InputError, JudgementsUnusable
from indexes.evaluation.judged import Judged
from indexes.evaluation.metrics import Interval, Values, interval, ndcg, recall, reciprocal_rank
from indexes.events import AddEvent, Embedded
from indexes.generations import GenerationFailed
from indexes.library import Library
from indexes.types import Hit, Hits, Model, ParsedDocument

__all__ = [
    "FUSED",
    "Answered",
    "AskedQuestion",
    "Compared",
    "Progress",
    "RetrievalReport",
    "Way",
    "evaluate_collection",
    "evaluate_questions",
]

FUSED = "fused"
"""The library's own search: all its ways together."""

_TIMED_HITS = 10
"""What is timed is the search that a person waits for."""
_DEPTH = 200
"""Passages ranked for each question, so that they come from a hundred documents or nearly so."""
_RESAMPLES_OF_TIMES = 1_000
"""A percentile has to be sorted for, each time anew."""
_ADDED_AT_ONCE = 100


class Progress(Model):
    """How far an evaluation is."""

    stage: Literal["adding", "embedding", "asking"]
    done: int
    total: int


class Way(Model):
    """How well one way of searching found what it should, and how long it took."""

    name: str
    """`fused`, or the retriever's name."""
    ndcg_at_10: Interval
    recall_at_100: Interval
    mrr: Interval
    """Mean reciprocal rank over the first 100."""
    p50_ms: Interval
    """Median time of a search for ten hits."""
    p95_ms: Interval


class Compared(Model):
    """One way less another, question by question."""

    way: str
    than: str
    ndcg_at_10: Interval
    """Of the differences."""
    better: int
    """Questions."""
    worse: int
    alike: int


class Answered(Model):
    """One question and how it went."""

    id: str
    text: str
    ndcg_at_10: dict[str, float]
    """By way."""
    first_rank: int | None
    """Where the library's own search has the first relevant thing; `None` if not among the first 100."""


class RetrievalReport(Model):
    """What an evaluation found."""

    name: str
    documents: int
    passages: int
    encoder: str
    """Empty where search is by keyword only."""
    ways: tuple[Way, ...]
    """The library's own search first."""
    compared: tuple[Compared, ...]
    questions: tuple[Answered, ...]
    notes: tuple[str, ...] = ()


class _Search(Protocol):
    def __call__(self, text: str, *, limit: int, collections: tuple[str, ...]) -> Awaitable[Hits]: ...


@dataclass(frozen=True)
class AskedQuestion:
    """A question and what should be found for it."""

    id: str
    text: str
    gains: Mapping[str, int]
    """Name of a relevant thing to its gain; at least one is above 0."""
    names: Callable[[Hit], Sequence[str]]
    """What a hit stands for: relevant things by their names, others by any name of their own."""


@dataclass(frozen=True)
class _Measured:
    """One value per question each."""

    rankings: list[list[str]]
    ndcg_at_10: Values
    seconds: Values


async def evaluate_collection(
    library: Library, judged: Judged, *, tell: Callable[[Progress], None]
) -> RetrievalReport:
    """Adds a judged collection to a library and asks all its questions.

    Documents that the library holds already are not embedded again, so that a run that was stopped goes on.
    As is usual with such collections, a document with the question's own id is not counted as found: where a
    question is itself one of the documents, it would always come first.

    Raises:
        JudgementsUnusable: The library holds other documents.
        EncoderError: The embedding model failed.
        LibraryError: The library cannot be written.
    """
    twins = _twins(judged)
    notes = await _add(library, judged, twins, tell)

    def names_for(question: str) -> Callable[[Hit], Sequence[str]]:
        judged_ids = judged.relevant[question]

        def names(hit: Hit) -> Sequence[str]:
            return [id for id in twins[hit.document.source] if id != question or id in judged_ids]

        return names

    asked = [
        AskedQuestion(id, text, judged.relevant[id], names_for(id)) for id, text in judged.questions.items()
    ]
    report = await evaluate_questions(library, asked, name=judged.name, tell=tell)
    return report.model_copy(update={"notes": (*judged.notes, *notes, *report.notes)})


async def evaluate_questions(
    library: Library,
    asked: Sequence[AskedQuestion],
    *,
    name: str,
    collections: tuple[str, ...] = (),
    tell: Callable[[Progress], None],
) -> RetrievalReport:
    """Asks each question in every way there is, one after the other.

    Args:
        library: What is asked.
        asked: At least one question.
        name: Of the whole, for the report.
        collections: Where to look; empty means everywhere.
        tell: Told after each question.

    Raises:
        EncoderError: The question cannot be embedded.
        EncoderMismatch: The library was embedded with another model.
        LibraryError: The library cannot be read.
    """
    ways: dict[str, _Search] = {FUSED: library.search}
    ways |= {retriever.name: retriever.search for retriever in library.retrievers}
    notes: dict[str, None] = {}
    found = await _measured(ways, asked, collections, notes, tell)
    held = [each for each in await library.collections() if not collections or each.name in collections]
    return RetrievalReport(
        name=name,
        documents=sum(each.documents for each in held),
        passages=sum(each.passages for each in held),
        encoder=library.encoder.name if library.encoder else "",
        ways=tuple(_way(way, asked, measured) for way, measured in found.items()),
        compared=tuple(_compared(way, found) for way in found if way != FUSED),
        questions=tuple(_each(asked, found)),
        notes=tuple(notes),
    )


async def _add(
    library: Library, judged: Judged, twins: Mapping[str, Sequence[str]], tell: Callable[[Progress], None]
) -> tuple[str, ...]:
    """Fills the library; returns what should be known about that."""
    others = [document for document in await library.documents() if document.source not in twins]
    if others:
        raise JudgementsUnusable(
            f"The library in {str(library.folder)!r} holds {len(others)} documents that are not of "
            f"{judged.name!r}, such as {others[0].title!r}; they would be found in place of those that are.",
            hint="Choose an empty folder.",
        )
    ids = list(twins)
    for start in range(0, len(ids), _ADDED_AT_ONCE):
        batch = ids[start : start + _ADDED_AT_ONCE]
        await library.add_texts(
            {id: _parsed(judged, id) for id in batch}, collection=judged.name, embed=False
        )
        tell(Progress(stage="adding", done=start + len(batch), total=len(ids)))
    if library.encoder is None:
        return ()

    def told(event: AddEvent) -> None:
        if isinstance(event, Embedded):
            tell(Progress(stage="embedding", done=event.done, total=event.total))

    try:
        await library.embed(emit=told)
    except GenerationFailed as error:
        return (f"Search by meaning is slower than it could be: {error.message}",)
    return ()


def _parsed(judged: Judged, id: str) -> ParsedDocument:
    document = judged.documents[id]
    return ParsedDocument(media_type="text/plain", pages=(document.whole,), title=document.title or None)


def _twins(judged: Judged) -> dict[str, list[str]]:
    """The ids of each different document, by the first: the same document twice is one to a library."""
    first: dict[tuple[str, str], str] = {}
    twins: dict[str, list[str]] = {}
    for id, document in judged.documents.items():
        twins.setdefault(first.setdefault((document.title, document.text), id), []).append(id)
    return twins


async def _measured(
    ways: Mapping[str, _Search],
    asked: Sequence[AskedQuestion],
    collections: tuple[str, ...],
    notes: dict[str, None],
    tell: Callable[[Progress], None],
) -> dict[str, _Measured]:
    """Each way's rankings and times; the notes of searches are added to `notes`."""
    for search in ways.values():
        await _found(search, asked[0], limit=_TIMED_HITS, collections=collections)  # loads what it needs
    rankings: dict[str, list[list[str]]] = {way: [] for way in ways}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    order = list(ways)
    for done, question in enumerate(asked, 1):
        for way in order:
            start = time.perf_counter()
            await _found(ways[way], question, limit=_TIMED_HITS, collections=collections)
            seconds[way].append(time.perf_counter() - start)
            found = await _found(ways[way], question, limit=_DEPTH, collections=collections)
            rankings[way].append(_ranking(question, found))
            notes |= dict.fromkeys(found.notes)
        order = [*order[1:], order[0]]  # what is asked first warms the disk's cache for the others
        tell(Progress(stage="asking", done=done, total=len(asked)))
    return {
        way: _Measured(
            rankings[way],
            np.array([ndcg(ranked, q.gains) for ranked, q in zip(rankings[way], asked, strict=True)]),
            np.array(seconds[way]),
        )
        for way in ways
    }


async def _found(
    search: _Search, question: AskedQuestion, *, limit: int, collections: tuple[str, ...]
) -> Hits:
    """What is found; for words that cannot be searched for, nothing and a note instead of an error."""
    try:
        return await search(question.text, limit=limit, collections=collections)
    except InputError as error:
        return Hits(notes=(f"Question {question.id} was not searched for: {error.message}",))


def _ranking(question: AskedQuestion, found: Hits) -> list[str]:
    """Each thing once, at the place of its best passage."""
    return list(dict.fromkeys(name for hit in found.hits for name in question.names(hit)))


def _way(name: str, asked: Sequence[AskedQuestion], measured: _Measured) -> Way:
    pairs = list(zip(measured.rankings, asked, strict=True))
    milliseconds = measured.seconds * 1000
    return Way(
        name=name,
        ndcg_at_10=interval(measured.ndcg_at_10),
        recall_at_100=interval(np.array([recall(ranked, question.gains) for ranked, question in pairs])),
        mrr=interval(np.array([reciprocal_rank(ranked, question.gains) for ranked, question in pairs])),
        p50_ms=_percentile(milliseconds, 50),
        p95_ms=_percentile(milliseconds, 95),
    )


def _percentile(values: Values, percent: int) -> Interval:
    def statistic(drawn: Values, axis: int | None = None) -> Values:
        return np.asarray(np.percentile(drawn, percent, axis=axis))

    return interval(values, statistic, resamples=_RESAMPLES_OF_TIMES)


def _compared(than: str, found: Mapping[str, _Measured]) -> Compared:
    differences = found[FUSED].ndcg_at_10 - found[than].ndcg_at_10
    return Compared(
        way=FUSED,
        than=than,
        ndcg_at_10=interval(differences),
        better=int((differences > 0).sum()),
        worse=int((differences < 0).sum()),
        alike=int((differences == 0).sum()),
    )


def _each(asked: Sequence[AskedQuestion], found: Mapping[str, _Measured]) -> Iterator[Answered]:
    for place, question in enumerate(asked):
        first = reciprocal_rank(found[FUSED].rankings[place], question.gains)
        yield Answered(
            id=question.id,
            text=question.text,
            ndcg_at_10={way: float(measured.ndcg_at_10[place]) for way, measured in found.items()},
            first_rank=round(1 / first) if first else None,
        )
