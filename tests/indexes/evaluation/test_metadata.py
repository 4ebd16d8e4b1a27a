"""Reading measured against what is known of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexes.errors import JudgementsUnusable
from indexes.evaluation.metadata import MetadataReport, evaluate_metadata, read_gold
from tests.indexes.readers.pdf_writer import pdf


async def _measured(folder: Path, *rows: dict[str, object]) -> MetadataReport:
    path = folder / "gold.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return await evaluate_metadata(path, read_gold(path), tell=lambda done, total: None)


async def test_each_field_is_judged_where_the_gold_has_it(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(
        pdf(["On rain. doi:10.1000/rain"], title="On rain", author="Ada Byron", created="D:20210304")
    )
    (tmp_path / "b.md").write_text("# Snow\n\nIt snows.")
    report = await _measured(
        tmp_path,
        {"file": "a.pdf", "title": "On Rain!", "authors": ["Byron, A."], "year": 2021, "doi": "10.1000/RAIN"},
        {"file": "b.md", "title": "Hail", "doi": "10.1000/not-printed"},
    )
    scores = {each.field: (each.right, each.judged) for each in report.fields}
    assert scores == {"title": (1, 2), "authors": (1, 1), "year": (1, 1), "doi": (1, 1)}
    (mismatch,) = report.mismatches
    assert (mismatch.file, mismatch.found, mismatch.expected) == ("b.md", "Snow", "Hail")
    title = report.fields[0].share
    assert title.low < title.value == 0.5 < title.high


async def test_a_file_that_cannot_be_read_is_wrong_in_all_its_fields(tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    report = await _measured(tmp_path, {"file": "broken.pdf", "title": "Rain", "doi": "10.1000/x"})
    assert {each.field: each.right for each in report.fields} == {"title": 0, "doi": 0}
    assert report.unreadable[0][0] == "broken.pdf"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ('{"title": "Rain"}', "line 1, has no file"),
        ('{"file": "a.pdf", "authors": "Ada"}', "line 1, has authors that are not a list"),
        ("rain", "line 1, is not JSON"),
    ],
)
def test_a_bad_gold_file_is_a_sentence_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(text)
    with pytest.raises(JudgementsUnusable, match=said):
        read_gold(path)


async def test_real_papers_are_read_as_they_are(data_folder: Path) -> None:
    path = data_folder / "papers" / "gold.jsonl"
    gold = [each for each in read_gold(path) if each.name.startswith("pdf/")][::3]
    report = await evaluate_metadata(path, gold, tell=lambda done, total: None)
    for each in report.fields:
        assert each.right / each.judged >= 0.9, report.mismatches
