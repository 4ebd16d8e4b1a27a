"""Search by word against public test collections; BM25's score on each is the yardstick."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from indexes.library import Library
from indexes.types import ParsedDocument

_TOLERANCE = 0.03


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _relevance(path: Path) -> dict[str, dict[str, int]]:
    """How relevant each document is to each query."""
    relevance: dict[str, dict[str, int]] = defaultdict(dict)
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        relevance[query][document] = int(grade)
    return relevance


def _ndcg(found: list[str], grades: dict[str, int]) -> float:
    gained = sum(grades.get(name, 0) / math.log2(place + 2) for place, name in enumerate(found[:10]))
    best = sorted(grades.values(), reverse=True)[:10]
    return gained / sum(grade / math.log2(place + 2) for place, grade in enumerate(best))


@pytest.mark.parametrize(("name", "bm25"), [("covidqa_passages", 0.718), ("scholarqa_multi", 0.394)])
async def test_search_by_word_ranks_as_well_as_bm25(
    name: str, bm25: float, data_folder: Path, tmp_path: Path
) -> None:
    folder = data_folder / "retrieval" / name
    relevance = _relevance(folder / "qrels" / "test.tsv")
    texts = {
        row["_id"]: ParsedDocument(
            media_type="text/plain", pages=(f"{row['title']}\n\n{row['text']}".strip(),), title=row["_id"]
        )
        for row in _rows(folder / "corpus.jsonl")
    }
    scores: list[float] = []
    async with Library.open(tmp_path / "library") as library:
        await library.add_texts(texts)
        (keyword,) = library.retrievers
        for row in _rows(folder / "queries.jsonl"):
            if row["_id"] in relevance:
                hits = (await keyword.search(row["text"], limit=50)).hits
                found = list(dict.fromkeys(hit.document.title for hit in hits))
                scores.append(_ndcg(found, relevance[row["_id"]]))
    assert sum(scores) / len(scores) >= bm25 - _TOLERANCE
