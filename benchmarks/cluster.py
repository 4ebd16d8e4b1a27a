"""Adding by two Dask workers beside the plain pool of children, and a batch whose workers are killed."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from assistant import Assistant
from benchmarks.measure import Report, Target, data_folder, shipped_folder, upper_bound
from benchmarks.overhead import NOTES, QUESTIONS
from indexes.cluster import Cluster, connected
from indexes.embed import OnnxEncoder
from indexes.events import AddEvent, FileDone
from indexes.library import Library
from tests.faults.cluster_fire import ClusterUnderFire
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.oracle import paid_twice, violations
from tests.faults.script import Reply
from tests.faults.server import FaultServer
from tests.indexes.contents import contents, whole
from tests.indexes.dask_processes import dask_processes

REPEATS = 2
WORKERS = 2
BATCH = 200
KILL_AT = (20, 70, 120, 170)
THREADS = 2
NOTE = NOTES / "circuit-breakers.md"


@dataclass
class _Added:
    """Seconds that adding took, and what came of it."""

    keyword: float
    whole: float
    pages: int
    contents: dict[str, tuple[int, str]]
    wrong: list[str]


def run() -> Report:
    """Add the PDFs by the cluster and by the pool in turn; then kill workers in the middle of a batch."""
    folder = data_folder("papers", "pdf")
    added, started = asyncio.run(_added(folder))
    medians = {
        name: {part: statistics.median(getattr(one, part) for one in each) for part in ("keyword", "whole")}
        for name, each in added.items()
    }
    by_cluster, by_pool = added["cluster"][-1], added["pool"][-1]
    rates = {part: medians["pool"][part] / medians["cluster"][part] for part in ("keyword", "whole")}
    with tempfile.TemporaryDirectory() as name:
        batch = _killed(Path(name))
        wrong, twice = violations(batch), list(paid_twice(batch))
    different = [table for table in by_pool.contents if by_cluster.contents[table] != by_pool.contents[table]]
    return Report(
        benchmark="cluster",
        claim="two workers make the library that one process makes, as fast; their death costs no answer",
        targets=(
            Target("tables of the catalogue that differ", len(different), "==", 0),
            Target("damage to the catalogue", len(by_cluster.wrong), "==", 0),
            Target("times the plain pool's rate, until all is embedded", rates["whole"], ">=", 0.9),
            Target("violations after the kills", len(wrong), "==", 0),
            Target("model calls", len(batch.server.ledger), "<=", BATCH + batch.kills * batch.concurrency),
            Target("requests for what was paid for", len(twice), "==", 0),
        ),
        repeats=REPEATS,
        numbers={
            "workers": WORKERS,
            "seconds_to_start_the_cluster": started,
            "seconds": medians,
            "times_the_pools_rate": rates,
            "pages": by_cluster.pages,
            "tables_that_differ": different,
            "rows": {table: count for table, (count, _) in by_cluster.contents.items()},
            "batch": {
                "questions": BATCH,
                "workers_killed": batch.kills,
                "calls": len(batch.server.ledger),
                "violations": wrong,
                "upper_bound": upper_bound(len(wrong), BATCH),
            },
        },
    )


async def _added(folder: Path) -> tuple[dict[str, list[_Added]], float]:
    """What came of each repeat, the two in turn so that a busy moment falls on both."""
    began = time.perf_counter()
    async with connected(f"local:{WORKERS}") as cluster:
        started = time.perf_counter() - began
        hands: dict[str, Cluster | None] = {"cluster": cluster, "pool": None}
        for each in hands.values():
            await _add(NOTE, each)  # loads what adding needs, once
        added: dict[str, list[_Added]] = {name: [] for name in hands}
        for _ in range(REPEATS):
            for name, each in hands.items():
                added[name].append(await _add(folder, each))
    return added, started


async def _add(papers: Path, cluster: Cluster | None) -> _Added:
    keyword = 0.0
    began = time.perf_counter()

    def watch(event: AddEvent) -> None:
        nonlocal keyword
        if isinstance(event, FileDone):
            keyword = time.perf_counter() - began

    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "library"
        async with Library.open(place, encoder=OnnxEncoder(shipped_folder())) as library:
            began = time.perf_counter()
            report = await library.add([papers], emit=watch, cluster=cluster)
            taken = time.perf_counter() - began
        return _Added(keyword, taken, report.pages, contents(place), whole(place))


def _killed(folder: Path) -> ClusterUnderFire:
    """A batch of which a worker is killed now and then, each followed by another."""
    with Assistant(folder / "home", library__encoder="none") as assistant:
        assistant.add(NOTES)
    questions = {
        f"q{n:04}": f"{QUESTIONS[n % (len(QUESTIONS) - 1)]} This is case {n:04}." for n in range(BATCH)
    }
    with (
        FaultServer(OpenAIChat(), prefix="/v1") as server,
        dask_processes(folder / "dask", workers=WORKERS, threads=THREADS) as dask,
    ):
        server.script(Reply(gap=0.004))
        batch = ClusterUnderFire(folder / "home", questions, folder, server)
        batch.run_on(dask, kill_at=KILL_AT, threads=THREADS)
        batch.run_on(dask)
    return batch
