"""Title, authors, year and DOI as they are read, against the gold file; on both halves of the files."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from benchmarks.measure import Report, Target, data_folder
from indexes.evaluation.metadata import Gold, MetadataReport, evaluate_metadata, read_gold
from indexes.readers.bibliography import SUFFIXES

TARGETS = {"title": 0.95, "authors": 0.92, "year": 0.95, "doi": 0.98}


def run() -> Report:
    """Read every paper of the gold file as adding does, and each half, by the hash of the names, apart."""
    path = data_folder("papers") / "gold.jsonl"
    gold = [each for each in read_gold(path) if each.file.suffix not in SUFFIXES]

    def measured(part: Sequence[Gold]) -> MetadataReport:
        return asyncio.run(evaluate_metadata(path, part, tell=lambda done, total: None))

    whole = measured(gold)
    halves = {
        name: _shares(measured([each for each in gold if _half(each.name) == half]))
        for half, name in enumerate(("first_half", "second_half"))
    }
    shares = _shares(whole)
    return Report(
        benchmark="metadata",
        claim="what a paper is called, and by whom and when it was written, is read from the paper",
        targets=tuple(
            Target(f"{field} right", shares[field], ">=", least) for field, least in TARGETS.items()
        ),
        repeats=1,
        numbers={
            "files": whole.files,
            "unreadable": len(whole.unreadable),
            "judged": {each.field: each.judged for each in whole.fields},
            "interval_95": {each.field: [each.share.low, each.share.high] for each in whole.fields},
            **halves,
            "mismatches": [each.model_dump() for each in whole.mismatches],
        },
    )


def _half(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2


def _shares(report: MetadataReport) -> dict[str, float]:
    return {each.field: each.share.value for each in report.fields}
