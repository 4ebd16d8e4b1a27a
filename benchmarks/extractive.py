"""How often the sentences that answer without a model hold the answer, and hold it in the right article."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from pathlib import Path

from benchmarks.measure import Report, Target, data_folder
from indexes.library import Library
from indexes.types import ParsedDocument
from pipelines.events import Done
from pipelines.quotes import flat
from pipelines.research import Research
from pipelines.types import Answer, Question

PEER_BM25_OVER_SENTENCES = 0.640
PEER_FIRST_SENTENCE = 0.444
_CITED_LINE = re.compile(r"^- (?P<sentence>.*) \[(?P<id>\d+)\]$")


def run() -> Report:
    """Ask every development question over all the articles, by keyword, with no model."""
    folder = data_folder("qa", "covidqa")
    questions = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    articles = {path.stem: path.read_text("utf-8") for path in sorted((folder / "docs").iterdir())}
    within, first, found = asyncio.run(_measure(questions, articles))
    return Report(
        benchmark="extractive",
        claim="without a model, the sentences cited hold the answer",
        targets=(
            Target("gold span within the cited sentences", within, ">=", PEER_BM25_OVER_SENTENCES),
            Target("gold span in the first sentence", first, ">=", PEER_FIRST_SENTENCE),
        ),
        repeats=1,
        numbers={
            "questions": len(questions),
            "articles": len(articles),
            "right_article_cited": found,
            "peer_bm25_over_sentences": PEER_BM25_OVER_SENTENCES,
            "peer_bm25_first_sentence": PEER_FIRST_SENTENCE,
        },
    )


async def _measure(questions: list[dict[str, str]], articles: dict[str, str]) -> tuple[float, float, float]:
    within = first = found = 0
    with tempfile.TemporaryDirectory() as folder:
        async with Library.open(Path(folder)) as library:
            await library.add_texts(
                {
                    name: ParsedDocument(media_type="text/plain", pages=(text,), title=name)
                    for name, text in articles.items()
                }
            )
            research = Research(library, library.retrievers)
            for question in questions:
                cited = _cited(await _answer(research, question["question"]))
                held = [
                    article == question["doc"] and flat(question["answer"]) in sentence
                    for article, sentence in cited
                ]
                within += any(held)
                first += bool(held) and held[0]
                found += any(article == question["doc"] for article, _ in cited)
    return within / len(questions), first / len(questions), found / len(questions)


async def _answer(research: Research, text: str) -> Answer:
    events = [event async for event in research.stream(Question(text=text))]
    last = events[-1]
    assert isinstance(last, Done), last
    return last.answer


def _cited(answer: Answer) -> list[tuple[str, str]]:
    """The article and the words of each sentence."""
    articles = {evidence.id: evidence.document.title for evidence in answer.evidence}
    lines = (_CITED_LINE.match(line) for line in answer.text.splitlines())
    return [(articles[int(line["id"])], line["sentence"]) for line in lines if line]
