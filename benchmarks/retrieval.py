"""How well search finds what was judged relevant (nDCG@10): by both ways fused, paired with each alone."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.judged import Judged, ndcg_at_10, read_judged
from benchmarks.measure import Report, Target, data_folder, model_folder
from indexes.embed import OnnxEncoder
from indexes.fuse import fuse
from indexes.library import Library
from indexes.types import Hits, ParsedDocument

COLLECTIONS = ("covidqa_passages", "pubmedqa", "scholarqa_multi")
NEAR_ITS_CEILING = ("pubmedqa",)
HITS = 50
RESAMPLES = 10_000

Scores = NDArray[np.float64]
"""One value per question."""


def run() -> Report:
    """Add each collection to a library of its own, and ask all its questions."""
    numbers: dict[str, object] = {}
    targets: list[Target] = []
    for name in COLLECTIONS:
        with tempfile.TemporaryDirectory() as folder:
            judged = read_judged(data_folder("retrieval", name))
            scores = asyncio.run(_measured(judged, Path(folder)))
        numbers[name] = {way: float(values.mean()) for way, values in scores.items()}
        for alone in ("keyword", "dense"):
            low, mean, high = interval(scores["fused"] - scores[alone])
            numbers[f"{name}: fused less {alone}"] = {"mean": mean, "low": low, "high": high}
            if name not in NEAR_ITS_CEILING:
                targets.append(Target(f"{name}: fused less {alone}, low end", low, ">=", 0.0001))
    return Report(
        benchmark="retrieval",
        claim="fused, search finds more than by keyword alone and than by meaning alone",
        targets=tuple(targets),
        repeats=1,
        numbers={"ndcg_at_10": numbers, "interval": f"95 %, paired bootstrap, {RESAMPLES:,} resamples"},
    )


def interval(differences: Scores) -> tuple[float, float, float]:
    """Return the low end of the 95 % interval, the mean and the high end, by a bootstrap over questions."""
    chosen = np.random.default_rng(0).integers(0, len(differences), (RESAMPLES, len(differences)))
    low, high = np.quantile(differences[chosen].mean(axis=1), (0.025, 0.975))
    return float(low), float(differences.mean()), float(high)


async def _measured(judged: Judged, folder: Path) -> dict[str, Scores]:
    """The score of each question, for each retriever and for their fusion."""
    ranked: dict[str, dict[str, list[str]]] = {"keyword": {}, "dense": {}, "fused": {}}
    async with Library.open(folder, encoder=OnnxEncoder(model_folder())) as library:
        await library.add_texts(
            {
                document: ParsedDocument(media_type="text/plain", pages=(text,))
                for document, text in judged.documents.items()
            },
            collection=judged.name,
        )
        for question, text in judged.questions.items():
            answers = {
                retriever.name: await retriever.search(text, limit=HITS) for retriever in library.retrievers
            }
            answers["fused"] = Hits(hits=fuse(answers.values()))
            for name, answer in answers.items():
                ranked[name][question] = _documents(answer)
    return {name: _each(of_retriever, judged) for name, of_retriever in ranked.items()}


def _each(ranked: dict[str, list[str]], judged: Judged) -> Scores:
    return np.array([ndcg_at_10(ranked, {question: gains}) for question, gains in judged.relevant.items()])


def _documents(answer: Hits) -> list[str]:
    """Each document once, at its best passage's place; a document's source is its id in the collection."""
    return list(dict.fromkeys(hit.document.source for hit in answer.hits))
