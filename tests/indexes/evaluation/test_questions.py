"""A person's own questions: how answers can be named, and what is told when a name does not fit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexes.errors import JudgementsUnusable
from indexes.evaluation.questions import OwnQuestion, read_questions, resolve
from indexes.evaluation.retrieval import RetrievalReport, evaluate_questions
from indexes.library import Library
from indexes.testing import library_of
from indexes.types import ParsedDocument

JITTER = "Full jitter spreads the retries of many clients over a random time."
TEXTS = [
    ParsedDocument(media_type="text/plain", title="Full jitter", doi="10.1000/Jitter", pages=(JITTER,)),
    ParsedDocument(
        media_type="text/plain", title="Circuit breakers", pages=("A breaker stops calls that fail.",)
    ),
    ParsedDocument(media_type="text/plain", title="Kilns", pages=("Clay is fired in a kiln.",)),
]
ASKED = "What does full jitter do to retries?"


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    library = await library_of(TEXTS, tmp_path / "library")
    yield library
    await library.close()


async def asked(library: Library, *answers: str, question: str = ASKED) -> RetrievalReport:
    path = Path("questions.jsonl")
    resolved = await resolve(library, [OwnQuestion(question, answers, line=7)], path=path)
    return await evaluate_questions(library, resolved, name=path.name, tell=lambda progress: None)


@pytest.mark.parametrize(
    "name",
    [
        "Full jitter",
        "full  JITTER.",
        "10.1000/jitter",
        "https://doi.org/10.1000/JITTER",
        "doi:10.1000/jitter",
    ],
)
async def test_a_paper_is_named_by_its_title_or_its_doi(name: str, library: Library) -> None:
    assert (await asked(library, name)).questions[0].first_rank == 1


async def test_a_paper_is_named_by_its_id_or_its_file(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "a note.md"
    file.write_text("# On jitter\n\nFull jitter is what the retries of clients need.\n")
    await library.add([file])
    (document,) = [each for each in await library.documents() if each.title == "On jitter"]
    for name in (document.id, "a note.md", "a note", str(file)):
        report = await asked(library, name)
        assert report.questions[0].first_rank in (1, 2)


async def test_a_passage_is_named_by_its_id(library: Library) -> None:
    (document,) = [each for each in await library.documents() if each.title == "Full jitter"]
    (passage,) = await library.passages_of(document.id)
    report = await asked(library, passage.id)
    assert report.questions[0].first_rank == 1
    assert report.questions[0].ndcg_at_10 == {"fused": 1.0, "keyword": 1.0}


async def test_two_papers_of_one_title_are_one_answer(library: Library) -> None:
    copy = TEXTS[0].model_copy(update={"pages": (f"{JITTER} Said again.",), "doi": None})
    await library.add_texts({"copy": copy})
    report = await asked(library, "Full jitter")
    assert report.questions[0].ndcg_at_10["keyword"] == 1.0
    assert report.ways[0].recall_at_100.value == 1.0


async def test_a_name_that_fits_nothing_is_told_with_the_nearest_title(library: Library) -> None:
    with pytest.raises(JudgementsUnusable, match=r"questions.jsonl, line 7, names 'Ful jiter'") as caught:
        await asked(library, "Ful jiter")
    assert caught.value.hint == "Did you mean 'Full jitter'?"


async def test_a_name_that_fits_different_papers_is_told(library: Library, tmp_path: Path) -> None:
    for folder, title in (("one", "First things"), ("two", "Last things")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "paper.md").write_text(f"# {title}\n\nSome text of the {title}.\n")
    await library.add([tmp_path / "one", tmp_path / "two"])
    with pytest.raises(JudgementsUnusable, match=r"names 'paper\.md', which may be"):
        await asked(library, "paper.md")


async def test_papers_and_passages_are_not_mixed_in_one_question(library: Library) -> None:
    (document,) = [each for each in await library.documents() if each.title == "Kilns"]
    with pytest.raises(JudgementsUnusable, match="names a passage and a paper"):
        await asked(library, f"{document.id}:0", "Full jitter")


def test_json_lines_are_read(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    rows = [
        {"question": " Why? ", "answers": ["A", "B", "A"]},
        {"question": "How; so?", "answers": "One; title"},
    ]
    file.write_text("\n\n".join(json.dumps(row) for row in rows))
    assert read_questions(file) == (
        OwnQuestion("Why?", ("A", "B"), line=1),
        OwnQuestion("How; so?", ("One; title",), line=3),
    )


def test_csv_is_read_with_several_answers_in_a_cell(tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_text(
        'Answers,note,Question\nA; B,x,Why?\n\n"One,\ntitle",y,"How, so?"\nC,z,When?\n', encoding="utf-8-sig"
    )
    assert read_questions(file) == (
        OwnQuestion("Why?", ("A", "B"), line=2),
        OwnQuestion("How, so?", ("One,\ntitle",), line=4),
        OwnQuestion("When?", ("C",), line=6),
    )


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("q.jsonl", "", "holds no question"),
        ("q.jsonl", '{"question": "Why?"}', "line 1, names nothing that answers"),
        ("q.jsonl", '{"question": "Why?", "answers": [" "]}', "line 1, names nothing that answers"),
        (
            "q.jsonl",
            '{"question": "Why?", "answers": [3]}',
            "line 1, has answers that are not a list of strings",
        ),
        ("q.jsonl", '{"answers": ["A"]}', "line 1, has no question"),
        ("q.jsonl", "Why?", "line 1, is not JSON"),
        ("q.csv", "", "holds no question"),
        ("q.csv", "why,what\n1,2\n", "line 1, names no column question, only why, what"),
        ("q.csv", "question,why\n1,2\n", "line 1, names no column answers, only question, why"),
        ("q.csv", "question,answers\nWhy, so?,A\n", "line 2, has 3 cells for 2 columns"),
        ("q.csv", "\0" * 100, "binary"),
        ("q.csv", "question,answers\nWhy?\n", "line 2, names nothing that answers"),
        ("q.csv", f"question,answers\n{'x' * 200_000},A\n", "is not CSV"),
    ],
)
def test_a_wrong_file_is_told_by_line(name: str, content: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(JudgementsUnusable) as caught:
        read_questions(tmp_path / name)
    assert problem in caught.value.message
    assert name in caught.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("none.jsonl", "none.csv"):
        with pytest.raises(JudgementsUnusable, match=name):
            read_questions(tmp_path / name)
