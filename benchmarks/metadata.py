"""Title, authors, year and DOI as they are read from papers, against the gold file."""

from __future__ import annotations

import asyncio

from benchmarks.measure import Report, Target, data_folder
from indexes.evaluation.metadata import evaluate_metadata, read_gold
from indexes.formats import BIBLIOGRAPHIES

TARGETS = {"title": 0.95, "authors": 0.92, "year": 0.95, "doi": 0.98}


def run() -> Report:
    """Read every paper of the gold file as adding does."""
    path = data_folder("papers") / "gold.jsonl"
    gold = [each for each in read_gold(path) if each.file.suffix not in BIBLIOGRAPHIES]
    found = asyncio.run(evaluate_metadata(path, gold, tell=lambda done, total: None))
    shares: dict[str, float] = {each.field: each.share.value for each in found.fields}
    return Report(
        benchmark="metadata",
        claim="what a paper is called, and by whom and when it was written, is read from the paper",
        targets=tuple(
            Target(f"{field} right", shares[field], ">=", least) for field, least in TARGETS.items()
        ),
        repeats=1,
        numbers={
            "files": found.files,
            "unreadable": len(found.unreadable),
            "judged": {each.field: each.judged for each in found.fields},
            "interval_95": {each.field: [each.share.low, each.share.high] for each in found.fields},
            "mismatches": [each.model_dump() for each in found.mismatches],
        },
    )
