"""How well search finds what was judged relevant (nDCG@10): by both ways fused, paired with each alone."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks.measure import Report, Target, data_folder, shipped_folder
from indexes.embed import OnnxEncoder
from indexes.evaluation.judged import Judged, read_judged
from indexes.evaluation.retrieval import RetrievalReport, evaluate_collection
from indexes.library import Library

COLLECTIONS = ("covidqa_passages", "pubmedqa", "scholarqa_multi")
NEAR_ITS_CEILING = ("pubmedqa",)


def run() -> Report:
    """Add each collection to a library of its own and ask its questions, as `carrel eval retrieval` does."""
    numbers: dict[str, object] = {}
    targets: list[Target] = []
    for name in COLLECTIONS:
        with tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(_evaluated(read_judged(data_folder("retrieval", name)), Path(folder)))
        numbers[name] = {
            way.name: {
                "ndcg_at_10": way.ndcg_at_10.value,
                "recall_at_100": way.recall_at_100.value,
                "mrr": way.mrr.value,
                "p50_ms": way.p50_ms.value,
                "p95_ms": way.p95_ms.value,
            }
            for way in found.ways
        }
        for pair in found.compared:
            difference = pair.ndcg_at_10
            words = f"{name}: {pair.way} less {pair.than}"
            numbers[words] = {"mean": difference.value, "low": difference.low, "high": difference.high}
            if name not in NEAR_ITS_CEILING:
                targets.append(Target(f"{words}, low end", difference.low, ">=", 0.0001))
    return Report(
        benchmark="retrieval",
        claim="fused, search finds more than by keyword alone and than by meaning alone",
        targets=tuple(targets),
        repeats=1,
        numbers={**numbers, "interval": "95 %, nDCG@10, paired bootstrap over the questions"},
    )


async def _evaluated(judged: Judged, folder: Path) -> RetrievalReport:
    async with Library.open(folder, encoder=OnnxEncoder(shipped_folder())) as library:
        return await evaluate_collection(library, judged, tell=lambda progress: None)
