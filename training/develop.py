"""A collection to choose by: a textbook's review questions, and the passages of their chapters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from training.texts import Document

__all__ = ["write_development"]

_PASSAGE_WORDS = 25
_QUESTION_WORDS = 6
_LEAST_PASSAGES = 3


def write_development(documents: Iterable[Document], folder: Path) -> int:
    """Writes a collection in BEIR form, for `carrel eval retrieval`; returns how many questions it has.

    Every passage of a question's chapter counts as relevant: it is about the same thing, whether or not it
    holds the answer.

    Args:
        documents: Of books whose questions took no part in training.
        folder: Gets `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`.
    """
    passages: list[str] = []
    questions: list[str] = []
    relevant: list[tuple[int, int]] = []
    for document in documents:
        first = len(passages)
        kept = [
            each for each in document.passages if each.heading and len(each.text.split()) >= _PASSAGE_WORDS
        ]
        passages.extend(passage.text for passage in kept)
        if len(kept) >= _LEAST_PASSAGES:
            for question in document.questions:
                if len(question.split()) >= _QUESTION_WORDS:
                    relevant.extend((len(questions), place) for place in range(first, len(passages)))
                    questions.append(question)
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    _write(
        folder / "corpus.jsonl",
        ({"_id": f"p{n}", "title": "", "text": text} for n, text in enumerate(passages)),
    )
    _write(folder / "queries.jsonl", ({"_id": f"q{n}", "text": text} for n, text in enumerate(questions)))
    judged = "".join(f"q{question}\tp{passage}\t1\n" for question, passage in relevant)
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", "utf-8")
    return len(questions)


def _write(path: Path, rows: Iterable[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
