"""Which files are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexes.errors import PathMissing
from indexes.walk import walk


def _make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")


def _names(folder: Path, paths: tuple[Path, ...]) -> list[str]:
    return [str(path.relative_to(folder.resolve())) for path in paths]


def test_files_come_in_an_order_that_does_not_depend_on_the_disk(tmp_path: Path) -> None:
    _make(tmp_path, "b.txt", "a/z.md", "a/b/c.txt", "B.txt", "c.pdf")
    assert _names(tmp_path, walk([tmp_path]).files) == ["B.txt", "a/b/c.txt", "a/z.md", "b.txt", "c.pdf"]


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathMissing, match="no such place") as told:
        walk([tmp_path, tmp_path / "no such place"])
    assert told.value.hint


def test_a_name_that_no_disk_can_hold_is_a_missing_path() -> None:
    with pytest.raises(PathMissing):
        walk([Path("a\0b")])
    with pytest.raises(PathMissing):
        walk([Path("~nobody-of-this-name/papers")])


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    _make(tmp_path, ".hidden.txt", ".git/config.txt", "seen.txt")
    found = walk([tmp_path])
    assert _names(tmp_path, found.files) == ["seen.txt"]
    assert found.skipped == ()


def test_kinds_that_are_not_read_are_skipped_with_the_reason(tmp_path: Path) -> None:
    _make(tmp_path, "song.mp3", "README", "paper.TXT")
    found = walk([tmp_path])
    assert _names(tmp_path, found.files) == ["paper.TXT"]
    assert {skipped.path.name: skipped.reason for skipped in found.skipped} == {
        "song.mp3": "a kind that is not read (.mp3)",
        "README": "a kind that is not read (no suffix)",
    }


def test_a_plugged_reader_adds_its_suffixes(tmp_path: Path) -> None:
    _make(tmp_path, "notes.org")
    assert _names(tmp_path, walk([tmp_path], also={".org"}).files) == ["notes.org"]


def test_a_file_named_by_the_person_is_read_whatever_its_name(tmp_path: Path) -> None:
    _make(tmp_path, "README")
    assert _names(tmp_path, walk([tmp_path / "README"]).files) == ["README"]


def test_the_same_file_under_two_paths_is_met_once(tmp_path: Path) -> None:
    _make(tmp_path, "a/paper.txt")
    found = walk([tmp_path, tmp_path / "a", tmp_path / "a" / ".." / "a" / "paper.txt"])
    assert _names(tmp_path, found.files) == ["a/paper.txt"]


def test_links_that_lead_out_are_skipped_and_those_inside_stand_for_their_file(tmp_path: Path) -> None:
    _make(tmp_path, "outside/secret.txt", "inside/paper.txt", "inside/.annex/stored.txt")
    inside = tmp_path / "inside"
    (inside / "out.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "round").symlink_to(inside)
    (inside / "loop.txt").symlink_to(inside / "loop.txt")
    (inside / "again.txt").symlink_to(inside / "paper.txt")
    (inside / "annexed.txt").symlink_to(inside / ".annex" / "stored.txt")
    found = walk([inside])
    assert sorted(_names(inside, found.files)) == [".annex/stored.txt", "paper.txt"]
    assert {skipped.path.name: skipped.reason for skipped in found.skipped} == {
        "out.txt": "a link that leads out of the folder",
        "out": "a link that leads out of the folder",
        "loop.txt": "a link that leads nowhere",
    }


def test_a_folder_reached_by_a_link_that_the_person_names_is_read(tmp_path: Path) -> None:
    _make(tmp_path, "papers/paper.txt")
    (tmp_path / "shortcut").symlink_to(tmp_path / "papers")
    assert _names(tmp_path, walk([tmp_path / "shortcut"]).files) == ["papers/paper.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_not_a_regular_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    found = walk([tmp_path, tmp_path / "pipe.txt"])
    assert found.files == ()
    assert [skipped.reason for skipped in found.skipped] == ["not a regular file"]
