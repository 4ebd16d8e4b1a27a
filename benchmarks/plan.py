"""What ten million passages, and a thousand questions a minute, would take: simulated from measured costs."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from assistant import Assistant
from benchmarks.measure import Report, Target, data_folder, shipped_folder
from benchmarks.overhead import NOTES, QUESTIONS
from benchmarks.queueing import Passed, Station, simulated
from indexes.catalogue import Catalogue
from indexes.chroma_server import ServerCollection, extended, new_name
from indexes.content import content_of
from indexes.database import Database
from indexes.embed import OnnxEncoder
from indexes.filing import Filing
from indexes.ingest import filing_of
from indexes.keyword import KeywordRetriever
from indexes.readers.pool import ReaderPool
from indexes.split import Splitter
from indexes.vectors import PassageVectors
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.server import FaultServer
from tests.indexes.chroma_process import chroma_process

SEED = 1
PASSAGES = 10_000_000
WORKERS = (2, 8, 32, 128)
"""Cores that read, cut and embed."""
QUESTIONS_A_MINUTE = 1_000
MINUTES = 5
FILES = 12
COPIES = 20
"""Of each paper, for a search by keyword in a larger library."""
ROWS = 10_000
"""In the Chroma server while it is measured."""
_DEEPER = float(np.log(PASSAGES) / np.log(ROWS))
"""A graph is walked in a number of steps that grows with the logarithm of what it holds."""
MODEL_SECONDS = (1.5, 4.5)
"""Least and most that a model's call takes: what is assumed, not measured, like the two that follow."""
CALLS = 1.15
"""Model calls for a question; see the benchmark `calls`: 230 for 200 questions."""
CORE_HOUR_USD = 0.05


@dataclass(frozen=True)
class Costs:
    """What was measured on this machine, in seconds of one core unless said otherwise."""

    passages_per_paper: float
    read_and_cut_a_paper: float
    embed_a_passage: float
    commit_a_passage: float
    store_a_vector: float
    index_a_vector_on_the_server: float
    ask_the_server: float
    keyword_search_fixed: float
    keyword_search_per_million: float
    question_beyond_search: float
    catalogue_bytes_a_passage: float
    server_bytes_a_passage: float
    server_memory_bytes_a_passage: float


def run() -> Report:
    """Measure what each part costs, then let the parts queue."""
    with tempfile.TemporaryDirectory() as name:
        costs = asyncio.run(_measured(Path(name)))
    adding = {workers: _adding(costs, workers) for workers in WORKERS}
    asking = _asking(costs)
    chance = random.Random(SEED)
    small = simulated([Station("one", 1, [0.5])], sorted(chance.expovariate(1.0) for _ in range(5)))
    most = max(WORKERS)
    return Report(
        benchmark="plan",
        claim="what ten million passages and a thousand questions a minute take, from costs measured here",
        targets=(
            Target("stations that work more than all the time", _impossible(adding, asking), "==", 0),
            Target("simulated seconds of five jobs of half a second, at least", small.seconds, ">=", 2.5),
        ),
        repeats=1,
        numbers={
            "measured": asdict(costs),
            "assumed": {
                "model_seconds": list(MODEL_SECONDS),
                "model_calls_a_question": CALLS,
                "core_hour_usd": CORE_HOUR_USD,
            },
            "ten_million_passages": {
                "hours_by_workers": {
                    str(workers): passed.seconds / 3600 for workers, passed in adding.items()
                },
                "busy_by_workers": {str(number): each.busy for number, each in adding.items()},
                "core_hours": _core_hours(costs),
                "usd": _core_hours(costs) * CORE_HOUR_USD,
                "catalogue_gb": PASSAGES * costs.catalogue_bytes_a_passage / 1e9,
                "server_disk_gb": PASSAGES * costs.server_bytes_a_passage / 1e9,
                "server_memory_gb": PASSAGES * costs.server_memory_bytes_a_passage / 1e9,
                "breaks_first": max(adding[most].busy, key=lambda name: adding[most].busy[name]),
            },
            "a_thousand_questions_a_minute": asking,
        },
    )


def _adding(costs: Costs, workers: int) -> Passed:
    """Papers by the workers, one writer behind them, then the index on its server."""
    papers = round(PASSAGES / costs.passages_per_paper)
    each = costs.passages_per_paper
    chance = random.Random(SEED)
    sizes = [chance.uniform(0.5, 1.5) for _ in range(10_000)]

    def of(seconds: float) -> list[float]:
        return [seconds * size for size in sizes]

    return simulated(
        [
            Station("workers", workers, of(costs.read_and_cut_a_paper + each * costs.embed_a_passage)),
            Station("the one writer", 1, of(each * (costs.commit_a_passage + costs.store_a_vector))),
            Station("the index's server", 1, of(each * _index_seconds(costs))),
        ],
        [0.0] * papers,
    )


def _asking(costs: Costs) -> dict[str, object]:
    """Questions over ten million passages, with as many workers as keep up, and with half of them."""
    chance = random.Random(SEED)
    count = QUESTIONS_A_MINUTE * MINUTES
    arrivals = sorted(chance.uniform(0, 60 * MINUTES) for _ in range(count))
    keyword = costs.keyword_search_fixed + costs.keyword_search_per_million * PASSAGES / 1e6
    dense = costs.ask_the_server * _DEEPER
    own = costs.question_beyond_search
    rate = QUESTIONS_A_MINUTE / 60
    cores = {
        "search by keyword": max(1, int(np.ceil(rate * keyword / 0.7))),
        "search by meaning, on its server": max(1, int(np.ceil(rate * dense / 0.7))),
        "everything else of a question": max(1, int(np.ceil(rate * own / 0.7))),
    }
    model_places = int(np.ceil(rate * CALLS * statistics.mean(MODEL_SECONDS) / 0.7))

    def passed(share: float) -> Passed:
        def servers(name: str) -> int:
            return max(1, int(cores[name] * share))

        calls = [CALLS * chance.uniform(*MODEL_SECONDS) for _ in range(count)]
        spread = [chance.uniform(0.5, 1.5) for _ in range(count)]
        names = list(cores)
        return simulated(
            [
                Station(names[0], servers(names[0]), [keyword * each for each in spread]),
                Station(names[1], servers(names[1]), [dense * each for each in spread]),
                Station(names[2], servers(names[2]), [own * each for each in spread]),
                Station("model calls at once", model_places, calls),
            ],
            arrivals,
        )

    enough, half = passed(1.0), passed(0.5)
    waits = {
        name: sorted(left - came for left, came in zip(each.left, arrivals, strict=True))
        for name, each in (("enough", enough), ("half", half))
    }
    return {
        "seconds_of_a_core_a_question": {
            "search by keyword": keyword,
            "search by meaning": dense,
            "everything else": own,
        },
        "cores": cores,
        "model_calls_at_once": model_places,
        "usd_a_thousand_questions_without_models": sum(cores.values()) * CORE_HOUR_USD / 60,
        "busy": enough.busy,
        "seconds_to_an_answer": {
            name: {"p50": each[len(each) // 2], "p95": each[int(len(each) * 0.95)]}
            for name, each in waits.items()
        },
        "breaks_first": max(cores, key=lambda name: cores[name]),
    }


def _index_seconds(costs: Costs) -> float:
    return costs.index_a_vector_on_the_server * _DEEPER


def _core_hours(costs: Costs) -> float:
    each = (
        costs.read_and_cut_a_paper / costs.passages_per_paper
        + costs.embed_a_passage
        + costs.commit_a_passage
        + costs.store_a_vector
        + _index_seconds(costs)
    )
    return PASSAGES * each / 3600


def _impossible(adding: dict[int, Passed], asking: dict[str, object]) -> int:
    busy = [share for passed in adding.values() for share in passed.busy.values()]
    asked = asking["busy"]
    assert isinstance(asked, dict)
    return sum(share > 1.0001 for share in [*busy, *asked.values()])


async def _measured(folder: Path) -> Costs:
    encoder = OnnxEncoder(shipped_folder(), threads=1)
    encoder.encode(["load"])
    files = sorted(data_folder("papers", "pdf").glob("*.pdf"))[:FILES]
    catalogue = Catalogue(Database(folder / "catalogue.sqlite"))
    vectors = PassageVectors(catalogue.database)
    filings, reading = await _read(files, Splitter(encoder=encoder))
    committing = await _commit(catalogue, filings)
    passages = sum(len(filing.passages) for filing in filings)
    few = await _keyword_seconds(catalogue.database)
    sample = await vectors.waiting(encoder.fingerprint, limit=256)
    began = time.process_time()
    matrix = encoder.encode([each.text for each in sample])
    embedding = time.process_time() - began
    began = time.perf_counter()
    await vectors.store(encoder, sample, matrix)
    storing = time.perf_counter() - began
    await _commit(catalogue, [_again(filing, copy) for copy in range(1, COPIES) for filing in filings])
    many = await _keyword_seconds(catalogue.database)
    per_passage = (many - few) / (passages * (COPIES - 1))
    await catalogue.database.close()
    stored = await asyncio.to_thread(_size, folder / "catalogue.sqlite") / (passages * COPIES)
    server = await asyncio.to_thread(_server, folder / "chroma", encoder.dimensions)
    return Costs(
        passages_per_paper=passages / len(files),
        read_and_cut_a_paper=reading / len(files),
        embed_a_passage=embedding / len(sample),
        commit_a_passage=committing / passages,
        store_a_vector=storing / len(sample),
        index_a_vector_on_the_server=server["write"],
        ask_the_server=server["ask"],
        keyword_search_fixed=max(0.0, few - per_passage * passages),
        keyword_search_per_million=per_passage * 1e6,
        question_beyond_search=await asyncio.to_thread(_question, folder / "home"),
        catalogue_bytes_a_passage=stored + encoder.dimensions * 4,
        server_bytes_a_passage=server["disk"],
        server_memory_bytes_a_passage=server["memory"],
    )


async def _read(files: list[Path], splitter: Splitter) -> tuple[list[Filing], float]:
    """The papers, and the seconds that this process and its child have computed for them."""
    splitter.prepare()
    filings = []
    async with ReaderPool(workers=1) as pool:
        await pool.read(files[0])  # starts the child
        began = _computed(pool)
        for file in files:
            content = await asyncio.to_thread(content_of, file, "papers")
            parsed = await pool.read(file)
            filings.append(filing_of(str(file), content, parsed, collection="papers", splitter=splitter))
        return filings, _computed(pool) - began
    raise AssertionError("the block above returns or raises")


def _computed(pool: ReaderPool) -> float:
    children = [psutil.Process(process).cpu_times() for process in pool.process_ids]
    return time.process_time() + float(sum(times.user + times.system for times in children))


def _size(path: Path) -> int:
    return path.stat().st_size


async def _commit(catalogue: Catalogue, filings: list[Filing]) -> float:
    """Seconds on the clock: the disk is waited for after each paper."""
    began = time.perf_counter()
    for filing in filings:
        await catalogue.file(filing)
    return time.perf_counter() - began


def _again(filing: Filing, copy: int) -> Filing:
    """The same paper as another one."""
    id = f"{filing.document.id}-{copy}"
    return filing.model_copy(
        update={
            "path": f"{filing.path}-{copy}",
            "content": filing.content.model_copy(update={"document_id": id, "hash": id}),
            "document": filing.document.model_copy(update={"id": id}),
        }
    )


async def _keyword_seconds(database: Database) -> float:
    """A search by keyword, computed for on one core; the first one reads the index and is not counted."""
    retriever = KeywordRetriever(database)
    for question in QUESTIONS:
        await retriever.search(question, limit=10)
    began = time.process_time()
    for _ in range(5):
        for question in QUESTIONS:
            await retriever.search(question, limit=10)
    return (time.process_time() - began) / (5 * len(QUESTIONS))


def _server(folder: Path, dimensions: int) -> dict[str, float]:
    """Seconds and bytes for a vector on a Chroma server."""
    matrix = np.random.default_rng(SEED).standard_normal((ROWS, dimensions)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    numbers = np.arange(1, ROWS + 1)
    with chroma_process(folder) as server:
        empty = server.memory_bytes
        name = new_name("plan")
        began = server.cpu_seconds
        extended(
            server.address,
            name,
            iter([(numbers, ["papers"] * ROWS, matrix)]),
            fingerprint="random",
            last_position=ROWS,
            grown_from=None,
        )
        writing = server.cpu_seconds - began
        memory = server.memory_bytes - empty
        collection = ServerCollection(server.address, name)
        asked = matrix[:200]
        began = server.cpu_seconds
        for vector in asked:
            collection.search(vector, limit=250)
        asking = server.cpu_seconds - began
        collection.close()
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "write": writing / ROWS,
        "ask": asking / len(asked),
        "disk": disk / ROWS,
        "memory": memory / ROWS,
    }


def _question(home: Path) -> float:
    """What a question with an instant model computes for, in a library so small that search costs nothing."""
    with (
        FaultServer(OpenAIChat(), prefix="/v1") as server,
        Assistant(
            home,
            web="never",
            reasoning="openai:big",
            base_url=server.base_url,
            library__encoder="none",
            history__keep=False,
        ) as assistant,
    ):
        assistant.add(NOTES)
        for question in QUESTIONS:
            assistant.ask(question)
        began = time.process_time()
        for question in QUESTIONS:
            assistant.ask(question)
        return (time.process_time() - began) / len(QUESTIONS)
