"""Reads each paper with the question in mind, all at once, so that the answer's context is not overrun."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from indexes.types import Hit
from pipelines.errors import ModelMalformed
from pipelines.events import EvidenceReady, Summarised
from pipelines.extractive import COMPARED, best_sentences, rank_sentences
from pipelines.models import ChatModel, Models
from pipelines.prompts import summary_prompt, tokens
from pipelines.quotes import flat
from pipelines.retrieve import Paper
from pipelines.services import Shelves
from pipelines.step import Skipped
from pipelines.trace import Recorder
from pipelines.types import Evidence, Query
from pipelines.words import content_stems, sentences

__all__ = [
    "by_small_model",
    "collected",
    "each_paper",
    "passages_fit",
    "passages_of",
    "relevance_and_summary",
    "verbatim",
]

_RELEVANCE = re.compile(
    # The number may stand on the next line; a number that the summary begins with is not it.
    r"relevance(?:[^\d\n]{0,12}|\W{0,12})(\d+(?:\.\d+)?)(?:\s*/\s*10)?",
    re.IGNORECASE,
)
_SUMMARY = re.compile(r"summary\W{1,6}(.+)", re.IGNORECASE | re.DOTALL)
_QUOTED_CHARACTERS = 400


def each_paper(papers: tuple[Paper, ...]) -> tuple[Paper, ...]:
    """The papers to be read side by side."""
    return papers


def passages_fit(papers: tuple[Paper, ...], models: Models) -> Skipped | None:
    """Says that no summary is needed when the answering model can read every passage itself."""
    if not papers:
        return Skipped((), "nothing was found")
    answering = models.reasoning or models.small
    if answering is None:
        return Skipped(papers, "there is no model to read them: the passages are used as they stand")
    needed = sum(tokens(paper.text) + 40 for paper in papers) + 500
    if needed > answering.settings.input_tokens:
        return None
    return Skipped(
        papers, f"the passages fit the model's context ({needed} of {answering.settings.input_tokens} tokens)"
    )


async def by_small_model(
    paper: Paper, query: Query, small: ChatModel, library: Shelves, recorder: Recorder
) -> Evidence:
    """The small model's reading of one paper."""
    excerpts = paper.text[: int(small.settings.input_tokens * 3)]
    reply = await small.complete(summary_prompt(query.text, paper.document.title, excerpts))
    relevance, summary = relevance_and_summary(reply)
    if not summary:
        raise ModelMalformed(f"{small.settings.name} gave no summary.")
    weights = await library.rarity(content_stems(query.text))
    evidence = _evidence(paper.hits, paper.relevance, query, weights).model_copy(
        update={
            "summary": summary,
            "read_by": small.settings.name,
            "relevance": paper.relevance if relevance is None else relevance,
        }
    )
    recorder.emit(Summarised(evidence=evidence))
    return evidence


def relevance_and_summary(reply: str) -> tuple[float | None, str]:
    """Relevance (0 to 1) and summary, from a reply that may not keep to the form."""
    stated = _RELEVANCE.search(reply)
    relevance = min(1.0, float(stated.group(1)) / 10) if stated else None
    marked = _SUMMARY.search(reply)
    summary = marked.group(1) if marked else _RELEVANCE.sub("", reply)
    return relevance, flat(summary).strip(" *_:")


async def verbatim(paper: Paper) -> Paper:
    """The last rung: the paper's passages as they stand."""
    return paper


async def collected(
    readings: tuple[Evidence | Paper, ...], query: Query, library: Shelves, models: Models, recorder: Recorder
) -> tuple[Evidence, ...]:
    """What the answer is written from, numbered from 1: summaries, and where there are none each passage.

    A summary that its model called irrelevant is dropped, unless nothing else is left. Where there is no
    model, what was read is narrowed to the passages whose sentences may answer.
    """
    weights = await library.rarity(content_stems(query.text))
    if not models.names:
        readings = _telling([each for each in readings if isinstance(each, Paper)], query, weights)
    pieces: list[Evidence] = []
    for reading in readings:
        pieces += [reading] if isinstance(reading, Evidence) else passages_of(reading, query, weights)
    kept = [piece for piece in pieces if piece.relevance > 0] or pieces[:1]
    evidence = tuple(piece.model_copy(update={"id": number}) for number, piece in enumerate(kept, start=1))
    recorder.emit(EvidenceReady(evidence=evidence))
    return evidence


def passages_of(paper: Paper, query: Query, weights: Mapping[str, float]) -> list[Evidence]:
    """Each passage as evidence of its own, so that a citation names one page."""
    return [_evidence((hit,), paper.relevance, query, weights) for hit in paper.hits]


def _telling(papers: Sequence[Paper], query: Query, weights: Mapping[str, float]) -> tuple[Paper, ...]:
    """The papers with the passages that hold the best sentences by their words; all, where none has one."""
    hits = sorted((hit for paper in papers for hit in paper.hits), key=lambda hit: hit.rank)
    best = rank_sentences(query.text, hits, weights=weights)[:COMPARED]
    kept = {sentence.hit.passage.id for sentence in best}
    narrowed = [
        paper.model_copy(update={"hits": tuple(hit for hit in paper.hits if hit.passage.id in kept)})
        for paper in papers
    ]
    return tuple(paper for paper in narrowed if paper.hits) or tuple(papers)


def _evidence(
    hits: tuple[Hit, ...], relevance: float, query: Query, weights: Mapping[str, float]
) -> Evidence:
    """Passages of one paper as evidence, quoted but not summarised by a model."""
    best = best_sentences(query.text, hits, weights=weights, limit=3)
    if best:
        hit, start, end = best[0].hit, best[0].start, best[0].end
    else:
        hit = hits[0]
        start, end = (hit.passage.start + offset for offset in _opening(hit.passage.text))
    others = tuple(other for other in hits if other.passage.id != hit.passage.id)
    return Evidence(
        id=1,
        hits=(hit, *others),
        quote=hit.passage.text[start - hit.passage.start : end - hit.passage.start],
        quote_start=start,
        summary=" ".join(sentence.text for sentence in best) or flat(hit.passage.text)[:_QUOTED_CHARACTERS],
        relevance=min(1.0, relevance),
    )


def _opening(text: str) -> tuple[int, int]:
    start, end = next(iter(sentences(text)), (0, len(text)))
    return start, min(end, start + _QUOTED_CHARACTERS)
