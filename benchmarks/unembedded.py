"""Search while nothing is embedded yet (nDCG@10): the best keyword hits embedded for the question, or not."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.measure import Report, Target, data_folder, shipped_folder
from indexes.database import Database
from indexes.dense import DenseIndex
from indexes.embed import OnnxEncoder
from indexes.evaluation.judged import Judged, read_judged
from indexes.evaluation.metrics import Values, interval, ndcg
from indexes.keyword import KeywordRetriever
from indexes.library import Library
from indexes.meaning import DenseRetriever
from indexes.protocols import Retriever
from indexes.search import search_all
from indexes.types import Hits, ParsedDocument
from indexes.urgent import Urgent
from indexes.vectors import PassageVectors

COLLECTIONS = ("covidqa_passages", "pubmedqa", "scholarqa_multi")
TIMED = 10
"""Questions of each collection that are timed, each with nothing kept from the one before."""
PATIENT_SECONDS = 600.0
"""For quality, which is not to depend on how busy the machine is: every passage is waited for."""
HITS = 50


def run() -> Report:
    """Ask libraries that are searchable by keyword only: with patience for quality, then by the clock."""
    numbers: dict[str, object] = {}
    targets: list[Target] = []
    waited: list[float] = []
    for name in COLLECTIONS:
        with tempfile.TemporaryDirectory() as folder:
            judged = read_judged(data_folder("retrieval", name))
            without, with_them, seconds = asyncio.run(_measured(judged, Path(folder)))
        difference = interval(with_them - without)
        waited += seconds
        numbers[name] = {
            "without": float(without.mean()),
            "with": float(with_them.mean()),
            "difference": difference.model_dump(),
            "questions": len(without),
            "p50_seconds": statistics.median(seconds),
        }
        targets.append(Target(f"{name}: with less without, mean", difference.value, ">=", 0.0001))
    targets.append(Target("seconds that a search takes, median", statistics.median(waited), "<=", 1.0))
    return Report(
        benchmark="unembedded",
        claim="the quality of a search does not wait for the background that embeds",
        targets=tuple(targets),
        repeats=1,
        numbers={**numbers, "interval": "95 %, nDCG@10, paired bootstrap over the questions"},
    )


async def _measured(judged: Judged, folder: Path) -> tuple[Values, Values, list[float]]:
    """The score of each question by keyword alone and with meaning, and seconds of searches."""
    encoder = OnnxEncoder(shipped_folder())
    encoder.encode(["loads the model"])
    async with Library.open(folder, encoder=encoder) as library:
        documents = {
            id: ParsedDocument(media_type="text/plain", pages=(document.whole,), title=document.title or None)
            for id, document in judged.documents.items()
        }
        await library.add_texts(documents, collection=judged.name, embed=False)
    async with AsyncExitStack() as opened:
        database = Database(folder / "catalogue.sqlite")
        opened.push_async_callback(database.close)
        vectors = PassageVectors(database)
        index = DenseIndex(folder / "dense", vectors, encoder)
        keyword = KeywordRetriever(database)

        def dense(urgent: Urgent) -> Retriever:
            return DenseRetriever(database, vectors, index, encoder, urgent=urgent)

        patient = dense(Urgent(encoder, seconds=PATIENT_SECONDS))
        without = [await _score(judged, question, [keyword]) for question in judged.questions]
        with_them = [await _score(judged, question, [patient, keyword]) for question in judged.questions]
        seconds: list[float] = []
        for text in islice(judged.questions.values(), TIMED):
            began = time.perf_counter()
            await search_all([dense(Urgent(encoder)), keyword], text, limit=HITS)
            seconds.append(time.perf_counter() - began)
    return np.array(without), np.array(with_them), seconds


async def _score(judged: Judged, question: str, retrievers: Sequence[Retriever]) -> float:
    found = await search_all(retrievers, judged.questions[question], limit=HITS)
    return ndcg(_documents(found), judged.relevant[question])


def _documents(found: Hits) -> list[str]:
    return list(dict.fromkeys(hit.document.source for hit in found.hits))
