"""A library of 100,000 passages: time to index, disk, memory, opening, retrieval at 8 threads, and recall."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import numpy as np

from benchmarks.measure import Report, Target, data_folder, peak_megabytes
from indexes.database import Database
from indexes.evaluation.judged import read_judged
from indexes.library import Library
from indexes.protocols import Vectors
from indexes.split import estimated_tokens, sentences
from indexes.types import Hits, ParsedDocument
from indexes.vectors import PassageVectors

PASSAGES = 100_000
THREADS = 8
SEARCHES = 400
EXACT_SEARCHES = 100
NEAREST = 10
COLLECTIONS = ("covidqa_passages", "pubmedqa", "scholarqa_multi")
_PAGES = 100
_PAGE_TOKENS = 150
_DIMENSIONS = 384


class Search(Protocol):
    """A retriever's search, or the library's."""

    def __call__(self, text: str, *, limit: int) -> Awaitable[Hits]:
        """Returns the hits."""
        ...


class SyntheticEncoder:
    """Vectors as far apart as those of real text, made from a hash of the text in no time.

    Embeddings of text lie near a surface of a few dozen dimensions, in clusters. Each text is given one of
    500 centres, a place around it in 32 dimensions, turned into 384, and a little noise in all of them.
    """

    name = "synthetic"
    dimensions = _DIMENSIONS
    fingerprint = f"synthetic/{_DIMENSIONS}/1"

    def __init__(self) -> None:
        chance = np.random.default_rng(0)
        self._centres = chance.normal(size=(500, 32))
        self._turned = chance.normal(size=(32, _DIMENSIONS)) / np.sqrt(32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Returns one unit-length row per text; the same text has the same row everywhere."""
        rows = np.empty((len(texts), _DIMENSIONS))
        for row, text in enumerate(texts):
            seed = crc32(text.encode())
            chance = np.random.default_rng(seed)
            place = self._centres[seed % len(self._centres)] + 0.7 * chance.normal(size=32)
            rows[row] = place @ self._turned + 0.1 * chance.normal(size=_DIMENSIONS)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Guesses them."""
        return estimated_tokens(texts)


def run() -> Report:
    """Fill a library, then open and ask it in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        filled = asyncio.run(_fill(folder))
        disk = {part: _megabytes(folder / part) for part in ("catalogue.sqlite", "dense")}
        asked = _asked_elsewhere(folder)
    return Report(
        benchmark="scale",
        claim="a hundred thousand passages are searched as if they were few",
        targets=(
            Target("p95 of a fused search at 8 threads, ms", asked["fused"]["p95_ms"], "<=", 50.0),
            Target("p95 of a search by meaning at 8 threads, ms", asked["dense"]["p95_ms"], "<=", 50.0),
            Target("open, seconds", asked["open_seconds"], "<=", 2.0),
            Target("resident memory after all searches, GiB", asked["peak_megabytes"] / 1024, "<=", 1.5),
            Target("recall of the nearest 10 against exact search", asked["recall"], ">=", 0.98),
            Target("index time beyond embedding, seconds", filled["index_seconds"], "<=", 150.0),
        ),
        repeats=1,
        numbers={"filling": filled, "disk_megabytes": disk, "asking": asked},
    )


async def _fill(folder: Path) -> dict[str, float]:
    """Adds the documents, stores their vectors and builds the dense index."""
    encoder = SyntheticEncoder()
    times: dict[str, float] = {}
    async with Library.open(folder, encoder=encoder) as library:
        start = time.perf_counter()
        pages = list(_pages(PASSAGES))
        times["making_text_seconds"] = time.perf_counter() - start
        start = time.perf_counter()
        for number in range(0, len(pages), _PAGES):
            document = ParsedDocument(media_type="text/plain", pages=tuple(pages[number : number + _PAGES]))
            await library.add_texts({f"document {number // _PAGES}": document}, embed=False)
        times["keyword_seconds"] = time.perf_counter() - start
        start = time.perf_counter()
        encoder.encode(pages)
        embedding = time.perf_counter() - start
        start = time.perf_counter()
        await library.embed()
        times["vectors_and_dense_index_seconds"] = time.perf_counter() - start - embedding
        passages = sum(each.passages for each in await library.collections())
    times["index_seconds"] = times["keyword_seconds"] + times["vectors_and_dense_index_seconds"]
    return {"passages": passages, **times}


def _pages(count: int) -> Iterator[str]:
    """Pages of one passage each, of real sentences in an order that chance gives."""
    folders = [data_folder("retrieval", name) for name in COLLECTIONS]
    texts = [document.whole for folder in folders for document in read_judged(folder).documents.values()]
    known = [sentence.strip() for text in texts for sentence in sentences(text)]
    known = [sentence for sentence in known if 20 < len(sentence) < 400]
    lengths = estimated_tokens(known)
    chance = np.random.default_rng(1)
    for _ in range(count):
        page: list[str] = []
        tokens = 0
        while tokens < _PAGE_TOKENS:
            chosen = int(chance.integers(len(known)))
            if page and tokens + lengths[chosen] > _PAGE_TOKENS + 40:
                break
            page.append(known[chosen])
            tokens += lengths[chosen]
        yield " ".join(page)


def _asked_elsewhere(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


# What follows runs in a process of its own, so that its memory is that of somebody who asks.


async def _asked(folder: Path) -> dict[str, Any]:
    questions = _questions()
    encoder = SyntheticEncoder()
    start, before = time.perf_counter(), time.process_time()
    async with Library.open(folder, encoder=encoder) as library:
        await library.search(questions[0])
        found: dict[str, Any] = {
            "open_seconds": time.perf_counter() - start,
            "open_cpu_seconds": time.process_time() - before,
        }
        for retriever in library.retrievers:
            found[retriever.name] = await _timed(retriever.search, questions)
        found["fused"] = await _timed(library.search, questions)
        found["peak_megabytes"] = peak_megabytes(os.getpid())
        found["recall"] = await _recall(library, folder, encoder, questions)
    return found


async def _timed(search: Search, questions: Sequence[str]) -> dict[str, float]:
    """Percentiles of the time of a search while as many others run as there are threads."""
    times: list[float] = []
    ahead = iter(questions)

    async def one_thread() -> None:
        for question in ahead:
            start = time.perf_counter()
            await search(question, limit=NEAREST)
            times.append(time.perf_counter() - start)

    for question in questions[:THREADS]:
        await search(question, limit=NEAREST)  # what it needs is loaded then
    start, before = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(THREADS):
            group.create_task(one_thread())
    seconds, computing = time.perf_counter() - start, time.process_time() - before
    times.sort()
    return {
        "p50_ms": 1000 * statistics.median(times),
        "p95_ms": 1000 * times[int(0.95 * len(times))],
        "searches_per_second": len(times) / seconds,
        # What a search takes of one core, however busy the machine is.
        "cpu_ms": 1000 * computing / len(times),
    }


async def _recall(
    library: Library, folder: Path, encoder: SyntheticEncoder, questions: Sequence[str]
) -> float:
    """The share of the nearest vectors that search by meaning finds, a tie at the edge counting as found."""
    matrix = PassageVectors(Database(folder / "catalogue.sqlite")).vectors(encoder.fingerprint).matrix
    dense = next(each for each in library.retrievers if each.name == "dense")
    shares: list[float] = []
    for question in questions[:EXACT_SEARCHES]:
        scores = matrix @ encoder.encode([question])[0]
        edge = np.partition(scores, -NEAREST)[-NEAREST] - 1e-5
        hits = (await dense.search(question, limit=NEAREST)).hits
        shares.append(sum(hit.score >= edge for hit in hits) / NEAREST)
    return statistics.mean(shares)


def _questions() -> list[str]:
    """Real questions, drawn by chance."""
    collections = [read_judged(data_folder("retrieval", name)) for name in COLLECTIONS]
    asked = [text for collection in collections for text in collection.questions.values()]
    chance = np.random.default_rng(2)
    chosen = chance.choice(len(asked), SEARCHES, replace=False)
    return [asked[int(number)] for number in chosen]


def _megabytes(path: Path) -> float:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_asked(Path(sys.argv[1])))))
