"""Answers without a model, graded as a batch grades them: spans, papers, yes or no, and abstaining."""

from __future__ import annotations

import json
import math
import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant import Assistant
from assistant.batch_compare import mcnemar
from assistant.batch_files import read_rows
from assistant.batch_questions import Gold
from assistant.batch_row import Row
from assistant.grading import graded
from benchmarks.measure import Report, Target, data_folder
from indexes.evaluation.metrics import Interval, interval, wilson
from pipelines.quotes import contains
from pipelines.words import content_stems, sentences

SEED = 1
CITED = 5
"""Sentences of an answer at most, and of the peer's."""
PEER_BM25_OVER_SENTENCES = 0.640
PEER_FIRST_SENTENCE = 0.444
"""As measured on these files with the `bm25s` package, for whoever doubts the peer in this run."""
SHUFFLED = 200
_K1, _B = 1.5, 0.75


def run() -> Report:
    """Ask the development questions with no model: one batch for each collection, graded in its rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        covid = _covid(folder / "covid")
        shuffled = _shuffled(folder / "shuffled")
        scholar = _scholar(folder / "scholar")
        pubmed = _pubmed(folder / "pubmed")
    return Report(
        benchmark="grading",
        claim="without a model, the sentences cited hold the answer",
        targets=(
            Target("covidqa: gold span in the sentences cited", covid["within"]["value"], ">=", 0.72),
            Target("the same less BM25 over sentences, low end", covid["less_bm25"]["low"], ">=", 0.0),
            Target("covidqa: in the first of them", covid["first"]["value"], ">=", PEER_FIRST_SENTENCE),
        ),
        repeats=1,
        numbers={
            "covidqa": covid,
            "scholarqa": scholar,
            "pubmedqa": pubmed,
            "abstention": shuffled,
            "interval": "95 %: Wilson for shares, else a bootstrap over the questions",
        },
    )


def _covid(home: Path) -> dict[str, Any]:
    questions, articles = _covidqa()
    asked = [
        {
            "id": each["id"],
            "question": each["question"],
            "gold_answers": [each["answer"]],
            "gold_documents": [each["doc"]],
        }
        for each in questions
    ]
    rows = _answered(home, asked, articles)
    within = np.array([_grade(rows[each["id"]], "span_cited") for each in asked])
    first = np.array([_first_holds(rows[each["id"]], each) for each in questions])
    peer = _Bm25(articles)
    found = [peer.best(each["question"], CITED) for each in questions]
    peer_held = [
        [article == each["doc"] and contains(_flat(text), _flat(each["answer"])) for article, text in best]
        for each, best in zip(questions, found, strict=True)
    ]
    peer_within = np.array([float(any(held)) for held in peer_held])
    better, worse = int((within > peer_within).sum()), int((within < peer_within).sum())
    return {
        "questions": len(questions),
        "articles": len(articles),
        "within": _share(within),
        "first": _share(first),
        "right_article_cited": _mean([_grade(row, "documents_cited") for row in rows.values()]),
        "f1": _mean([_grade(row, "f1") for row in rows.values()]),
        "lines_cited": float(np.mean([len(row.text.splitlines()) for row in rows.values()])),
        "bm25_within": _share(peer_within),
        "bm25_first": _share([float(bool(held) and held[0]) for held in peer_held]),
        "bm25_elsewhere": {"within": PEER_BM25_OVER_SENTENCES, "first": PEER_FIRST_SENTENCE},
        "less_bm25": interval(within - peer_within).model_dump(),
        "better": better,
        "worse": worse,
        "mcnemar_p": mcnemar(better, worse),
        "seconds_a_question": float(np.median([row.usage.seconds for row in rows.values()])),
    }


def _shuffled(home: Path) -> dict[str, Any]:
    """Questions asked of another article than the one that answers them, and of their own."""
    questions, articles = _covidqa()
    draw = random.Random(SEED)
    chosen = draw.sample(questions, SHUFFLED)
    names = sorted(articles)
    asked: list[dict[str, Any]] = []
    for each in chosen:
        other = draw.choice([name for name in names if name != each["doc"]])
        for whose, where in (("own", each["doc"]), ("other", other)):
            asked.append(
                {
                    "id": f"{whose} {each['id']}",
                    "question": each["question"],
                    "collections": [where],
                    "gold_answerable": whose == "own",
                }
            )
    rows = _answered(home, asked, articles, apart=True)

    def abstained(whose: str) -> dict[str, float]:
        return _share([_grade(row, "abstained") for id, row in rows.items() if id.startswith(whose)])

    return {"questions": SHUFFLED, "of_another_article": abstained("other"), "of_their_own": abstained("own")}


def _scholar(home: Path) -> dict[str, Any]:
    corpus = _lines(data_folder("retrieval", "scholarqa_multi") / "corpus.jsonl")
    passages = {each["_id"]: f"{each['title']}\n\n{each['text']}" for each in corpus}
    asked = [
        {"id": each["id"], "question": each["question"], "gold_documents": each["cited"]}
        for each in _lines(data_folder("qa") / "scholarqa_multi.jsonl")
    ]
    rows = _answered(home, asked, passages)
    recalls = [_grade(row, "documents_cited") for row in rows.values()]
    cited = [len({source.document for source in row.sources}) for row in rows.values()]
    reachable = [min(1.0, CITED / len(each["gold_documents"])) for each in asked]
    return {
        "questions": len(asked),
        "documents": len(passages),
        "cited_document_recall": _mean(recalls),
        "most_that_five_sentences_can_reach": float(np.mean(reachable)),
        "documents_cited": float(np.mean(cited)),
    }


def _pubmed(home: Path) -> dict[str, Any]:
    abstracts = _lines(data_folder("qa") / "pubmedqa.jsonl")
    asked = [
        {
            "id": each["id"],
            "question": each["question"],
            "gold_verdict": each["answer"],
            "gold_documents": [each["id"]],
        }
        for each in abstracts
    ]
    rows = _answered(home, asked, {each["id"]: "\n\n".join(each["context"]) for each in abstracts})
    told = [row for row in rows.values() if row.grade is not None and row.grade.verdict is not None]
    gold = Counter(each["answer"] for each in abstracts)
    return {
        "questions": len(asked),
        "a_rule_can_tell": _share([float(row in told) for row in rows.values()]),
        "right_where_it_can": _share([_grade(row, "verdict_right") for row in told]),
        "right_of_all": _share([_grade(row, "verdict_right") for row in rows.values()]),
        "always_the_commonest": gold.most_common(1)[0][1] / len(asked),
        "right_article_cited": _mean([_grade(row, "documents_cited") for row in rows.values()]),
    }


def _answered(
    home: Path, asked: Sequence[Mapping[str, Any]], texts: Mapping[str, str], *, apart: bool = False
) -> dict[str, Row]:
    """The rows of one batch over a library of these texts, each a file of its name.

    Args:
        home: An empty folder.
        asked: The questions, as a batch has them.
        texts: By name.
        apart: Whether each text is a collection by itself, of its name.
    """
    papers = home / "papers"
    papers.mkdir(parents=True)
    for name, text in texts.items():
        (papers / f"{name}.txt").write_text(text, "utf-8")
    questions = home / "questions.jsonl"
    questions.write_text("".join(f"{json.dumps(each)}\n" for each in asked), "utf-8")
    with Assistant(home / "carrel", web="never", history__keep=False) as assistant:
        if apart:
            for name in texts:
                assistant.add(papers / f"{name}.txt", collection=name)
        else:
            assistant.add(papers)
        assistant.batch(questions, out=home / "answers.jsonl")
    return read_rows(home / "answers.jsonl")


class _Bm25:
    """Plain BM25 (Robertson and Zaragoza 2009) over every sentence of every article."""

    def __init__(self, articles: Mapping[str, str]) -> None:
        self._sentences = [
            (name, " ".join(text[start:end].split()))
            for name, text in articles.items()
            for start, end in sentences(text)
        ]
        self._counts = [Counter(content_stems(text)) for _, text in self._sentences]
        self._lengths = [counts.total() for counts in self._counts]
        self._mean_length = sum(self._lengths) / len(self._lengths)
        self._found = Counter(stem for counts in self._counts for stem in counts)

    def best(self, question: str, limit: int) -> list[tuple[str, str]]:
        """Article and text of the best sentences."""
        scores = np.zeros(len(self._sentences))
        for stem in set(content_stems(question)):
            rarity = math.log(1 + (len(scores) - self._found[stem] + 0.5) / (self._found[stem] + 0.5))
            for place, counts in enumerate(self._counts):
                if times := counts[stem]:
                    norm = _K1 * (1 - _B + _B * self._lengths[place] / self._mean_length)
                    scores[place] += rarity * times * (_K1 + 1) / (times + norm)
        return [self._sentences[place] for place in np.argsort(-scores, kind="stable")[:limit]]


def _covidqa() -> tuple[list[dict[str, Any]], dict[str, str]]:
    folder = data_folder("qa", "covidqa")
    articles = {path.stem: path.read_text("utf-8") for path in sorted((folder / "docs").iterdir())}
    return _lines(folder / "questions.jsonl"), articles


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _grade(row: Row, name: str) -> float:
    assert row.grade is not None, row
    return float(getattr(row.grade, name))


def _first_holds(row: Row, question: Mapping[str, str]) -> float:
    """Whether the first sentence holds the gold span and is of the right article."""
    lines = row.text.splitlines()
    gold = Gold(answers=(question["answer"],), documents=(question["doc"],))
    return float(bool(lines) and bool(graded(row.model_copy(update={"text": lines[0]}), gold).span_cited))


def _flat(text: str) -> str:
    """As an answer has a quoted sentence: without brackets that would read as citations."""
    return text.translate(str.maketrans("[]", "()"))


def _share(values: Iterable[float]) -> dict[str, float]:
    every = list(values)
    return _plain(wilson(round(sum(every)), len(every)))


def _mean(values: Iterable[float]) -> dict[str, float]:
    return _plain(interval(np.array(list(values))))


def _plain(value: Interval) -> dict[str, float]:
    return value.model_dump()
