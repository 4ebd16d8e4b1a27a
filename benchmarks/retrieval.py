"""How well search finds what was judged relevant (nDCG@10): by keyword, by meaning and by both fused."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks.judged import Judged, ndcg_at_10, read_judged
from benchmarks.measure import Report, Target, data_folder, model_folder
from indexes.embed import OnnxEncoder
from indexes.fuse import fuse
from indexes.library import Library
from indexes.types import Hit, ParsedDocument

COLLECTIONS = ("covidqa_passages", "pubmedqa", "scholarqa_multi")
HITS = 40


def run() -> Report:
    """Add each collection to a library of its own, and ask all its questions."""
    found = {}
    for name in COLLECTIONS:
        with tempfile.TemporaryDirectory() as folder:
            judged = read_judged(data_folder("retrieval", name))
            found[name] = asyncio.run(_measured(judged, Path(folder)))
    return Report(
        benchmark="retrieval",
        claim="search by keyword and by meaning, fused, is no worse than the better of the two",
        targets=tuple(
            Target(
                f"{name}: fused relative to the better of the two",
                scores["fused"] / max(scores["keyword"], scores["dense"]),
                ">=",
                0.99,
            )
            for name, scores in found.items()
        ),
        repeats=1,
        numbers={"ndcg_at_10": found},
    )


async def _measured(judged: Judged, folder: Path) -> dict[str, float]:
    """The score of each retriever and of their fusion."""
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
            lists = {
                retriever.name: (await retriever.search(text, limit=HITS)).hits
                for retriever in library.retrievers
            }
            lists["fused"] = fuse(lists.values())
            for name, hits in lists.items():
                ranked[name][question] = _documents(hits)
    return {name: ndcg_at_10(of_retriever, judged.relevant) for name, of_retriever in ranked.items()}


def _documents(hits: tuple[Hit, ...]) -> list[str]:
    """Each document once, at its best passage's place; a document's source is its id in the collection."""
    return list(dict.fromkeys(hit.document.source for hit in hits))
