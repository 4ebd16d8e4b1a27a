"""A judged collection through the real library: what is counted, what is compared, what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexes.errors import JudgementsUnusable
from indexes.evaluation.judged import read_judged
from indexes.evaluation.retrieval import Progress, RetrievalReport, evaluate_collection
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.protocols import Encoder
from indexes.testing import library_of
from tests.indexes.evaluation.collection import QRELS, QUESTIONS, TEXTS, write_collection


async def evaluated(
    collection: Path, place: Path, *, encoder: Encoder | None = None, told: list[Progress] | None = None
) -> RetrievalReport:
    async with Library.open(place, encoder=encoder) as library:
        return await evaluate_collection(
            library, read_judged(collection), tell=([] if told is None else told).append
        )


class CountingEncoder(HashingEncoder):
    """Counts what it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = 0

    def encode(self, texts):  # type: ignore[no-untyped-def]
        self.texts += len(texts)
        return super().encode(texts)


async def test_each_way_of_searching_is_measured_and_the_fused_one_compared_with_each(tmp_path: Path) -> None:
    told: list[Progress] = []
    report = await evaluated(
        write_collection(tmp_path / "notes"), tmp_path / "library", encoder=HashingEncoder(), told=told
    )
    assert (report.name, report.documents, report.passages, report.encoder) == ("notes", 4, 4, "hashing")
    assert [way.name for way in report.ways] == ["fused", "dense", "keyword"]
    for way in report.ways:
        assert way.ndcg_at_10.value == way.recall_at_100.value == way.mrr.value == 1.0
        assert 0 < way.p50_ms.value <= way.p95_ms.value
    assert [(pair.way, pair.than) for pair in report.compared] == [("fused", "dense"), ("fused", "keyword")]
    assert all((pair.better, pair.worse, pair.alike) == (0, 0, 2) for pair in report.compared)
    assert [(each.id, each.first_rank) for each in report.questions] == [("q1", 1), ("q2", 1)]
    assert [progress.stage for progress in told] == ["adding", "embedding", "asking", "asking"]
    assert (told[-1].done, told[-1].total) == (2, 2)


async def test_what_is_not_found_counts_as_nothing(tmp_path: Path) -> None:
    qrels = "q1\tjitter\t1\nq2\tgone\t1\n"
    report = await evaluated(write_collection(tmp_path / "notes", qrels=qrels), tmp_path / "library")
    assert report.ways[0].ndcg_at_10.value == report.ways[0].recall_at_100.value == 0.5
    assert report.questions[1].first_rank is None
    assert report.encoder == ""
    assert any("keyword only" in note for note in report.notes)


async def test_the_same_text_under_two_ids_is_found_as_both(tmp_path: Path) -> None:
    texts = {**TEXTS, "twin": TEXTS["jitter"]}
    qrels = QRELS + "q1\ttwin\t2\n"
    report = await evaluated(
        write_collection(tmp_path / "notes", texts=texts, qrels=qrels), tmp_path / "library"
    )
    assert report.documents == 4
    assert report.questions[0].ndcg_at_10["keyword"] == 1.0


async def test_a_document_that_is_the_question_itself_is_not_counted_unless_it_was_judged(
    tmp_path: Path,
) -> None:
    texts = {"q1": ("", QUESTIONS["q1"]), "q2": ("", QUESTIONS["q2"]), **TEXTS}
    qrels = QRELS + "q2\tq2\t1\n"
    report = await evaluated(
        write_collection(tmp_path / "notes", texts=texts, qrels=qrels), tmp_path / "library"
    )
    assert [each.ndcg_at_10["keyword"] for each in report.questions] == [1.0, 1.0]


async def test_a_second_run_in_the_same_folder_embeds_no_document_again(tmp_path: Path) -> None:
    collection = write_collection(tmp_path / "notes")
    first, second = CountingEncoder(), CountingEncoder()
    one = await evaluated(collection, tmp_path / "library", encoder=first)
    other = await evaluated(collection, tmp_path / "library", encoder=second)
    assert first.texts - second.texts == len(TEXTS)
    assert [way.ndcg_at_10 for way in one.ways] == [way.ndcg_at_10 for way in other.ways]


async def test_a_library_that_holds_other_papers_is_left_alone(tmp_path: Path) -> None:
    library = await library_of({"Mine": "A paper of my own about kilns."}, tmp_path / "library")
    try:
        with pytest.raises(
            JudgementsUnusable, match="holds 1 documents that are not of 'notes', such as 'Mine'"
        ):
            await evaluate_collection(
                library, read_judged(write_collection(tmp_path / "notes")), tell=lambda progress: None
            )
        assert len(await library.documents()) == 1
    finally:
        await library.close()


async def test_a_question_that_cannot_be_searched_for_is_noted_and_the_others_are_asked(
    tmp_path: Path,
) -> None:
    questions = {**QUESTIONS, "q2": "year:soon circuit breaker"}
    report = await evaluated(write_collection(tmp_path / "notes", questions=questions), tmp_path / "library")
    assert [each.ndcg_at_10["fused"] for each in report.questions] == [1.0, 0.0]
    assert any(note.startswith("Question q2 was not searched for: ") for note in report.notes)
