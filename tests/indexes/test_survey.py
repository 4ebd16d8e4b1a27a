"""A survey counts what adding would read, and reads nothing for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexes.errors import PathMissing
from indexes.survey import places, survey
from indexes.surveyed import Kind


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "papers" / "more"
    inside.mkdir(parents=True)
    for name, size in (
        ("a.pdf", 3_000),
        ("more/b.pdf", 1_000),
        ("c.md", 10),
        ("picture.png", 7),
        ("d.zip", 5),
    ):
        (tmp_path / "papers" / name).write_bytes(b"x" * size)
    (tmp_path / "papers" / "refs.bib").write_text("@article{a, title={A}}")
    return tmp_path / "papers"


def test_kinds_are_counted_with_their_sizes_and_what_is_passed_over_with_its_reason(folder: Path) -> None:
    found = survey([folder])
    assert found.kinds[0] == Kind(name="PDF", files=2, size=4_000)
    assert {kind.name: kind.files for kind in found.kinds[1:]} == {
        "Markdown": 1,
        "archives (zip, tar)": 1,
        "files of references": 1,
    }
    assert found.files == 5
    assert found.size == 4_000 + 10 + 5 + 22
    assert [(each.files, each.name) for each in found.skipped] == [(1, "a kind that is not read (.png)")]


def test_files_that_cannot_be_read_are_counted_all_the_same(folder: Path) -> None:
    (folder / "a.pdf").chmod(0)
    assert survey([folder]).kinds[0].files == 2


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathMissing, match="nowhere"):
        survey([tmp_path / "nowhere"])


def test_places_are_those_that_hold_papers_most_first_and_each_once(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "storage" / "KEY").mkdir(parents=True)
    (other / "zotero.sqlite").touch()
    for number in range(5):
        (other / "storage" / "KEY" / f"{number}.pdf").touch()
    (tmp_path / "empty").mkdir()
    link = tmp_path / "link"
    link.symlink_to(folder)
    found = places([folder, link, tmp_path / "empty", tmp_path / "nowhere", other])
    assert [(Path(each.path).name, each.files) for each in found] == [("other", 5), ("papers", 3)]
