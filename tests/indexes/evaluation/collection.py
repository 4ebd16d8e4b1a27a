"""Writes a small judged collection in BEIR form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

TEXTS = {
    "jitter": ("Full jitter", "Full jitter spreads the retries of many clients over a random time."),
    "breaker": ("Circuit breakers", "A circuit breaker stops calling a service that fails again and again."),
    "fusion": ("", "Reciprocal rank fusion joins the rankings of several retrievers by their ranks alone."),
    "kiln": ("Kilns", "Clay is fired in a kiln until it is hard."),
}
QUESTIONS = {
    "q1": "What does full jitter do to retries?",
    "q2": "When does a circuit breaker stop a service?",
}
QRELS = "query-id\tcorpus-id\tscore\nq1\tjitter\t2\nq1\tkiln\t0\nq2\tbreaker\t1\n"


def write_collection(
    folder: Path,
    *,
    texts: Mapping[str, tuple[str, str]] = TEXTS,
    questions: Mapping[str, str] = QUESTIONS,
    qrels: str = QRELS,
) -> Path:
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": id, "title": title, "text": text} for id, (title, text) in texts.items()]
    asked = [{"_id": id, "text": text} for id, text in questions.items()]
    for name, rows in (("corpus", documents), ("queries", asked)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return folder
