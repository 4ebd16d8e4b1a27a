"""Search by word against public test collections; BM25's score on each is the yardstick."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexes.evaluation.judged import read_judged
from indexes.evaluation.retrieval import evaluate_collection
from indexes.library import Library

_TOLERANCE = 0.03


@pytest.mark.parametrize(("name", "bm25"), [("covidqa_passages", 0.718), ("scholarqa_multi", 0.394)])
async def test_search_by_word_ranks_as_well_as_bm25(
    name: str, bm25: float, data_folder: Path, tmp_path: Path
) -> None:
    judged = read_judged(data_folder / "retrieval" / name)
    async with Library.open(tmp_path / "library") as library:
        report = await evaluate_collection(library, judged, tell=lambda progress: None)
    (keyword,) = [way for way in report.ways if way.name == "keyword"]
    assert keyword.ndcg_at_10.value >= bm25 - _TOLERANCE
