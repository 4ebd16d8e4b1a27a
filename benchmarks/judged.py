"""Judged collections in BEIR form, and nDCG@10 over them."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Judged", "ndcg_at_10", "read_judged"]


@dataclass(frozen=True)
class Judged:
    """Documents, questions and which documents answer which question."""

    name: str
    documents: dict[str, str]
    """Id to text, the title first where there is one."""
    questions: dict[str, str]
    """Only those that have a judgement."""
    relevant: dict[str, dict[str, int]]
    """Question id to document id to gain; every gain is above 0."""


def read_judged(folder: Path) -> Judged:
    """Read `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`."""
    documents = {
        row["_id"]: "\n\n".join(part for part in (row.get("title", ""), row["text"]) if part)
        for row in _rows(folder / "corpus.jsonl")
    }
    relevant: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if int(row["score"]) > 0:
                relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    questions = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl") if row["_id"] in relevant}
    return Judged(folder.name, documents, questions, relevant)


def ndcg_at_10(ranked: Mapping[str, Sequence[str]], relevant: Mapping[str, Mapping[str, int]]) -> float:
    """Return the mean nDCG@10 over all judged questions (Järvelin and Kekäläinen 2002, linear gain).

    Args:
        ranked: Question id to document ids, best first; a question without an entry counts 0.
        relevant: Question id to document id to gain.
    """
    scores = [_ndcg(ranked.get(question, ())[:10], gains) for question, gains in relevant.items()]
    return sum(scores) / len(scores)


def _ndcg(ranked: Sequence[str], gains: Mapping[str, int]) -> float:
    ideal = _discounted(sorted(gains.values(), reverse=True)[:10])
    return _discounted([gains.get(document, 0) for document in ranked]) / ideal


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]
