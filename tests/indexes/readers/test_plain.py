from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from indexes.errors import Damaged, NoText
from indexes.readers.api import read_file
from indexes.types import ParsedDocument

WORDS = "Überblick: naïve café, déjà vu – “quoted”"


def _read(folder: Path, data: bytes) -> ParsedDocument:
    path = folder / "notes.txt"
    path.write_bytes(data)
    return read_file(path)


@pytest.mark.parametrize(
    "data",
    [
        WORDS.encode(),
        codecs.BOM_UTF8 + WORDS.encode(),
        WORDS.encode("utf-16"),
        codecs.BOM_UTF16_BE + WORDS.encode("utf-16-be"),
        WORDS.encode("utf-16-le"),
        WORDS.encode("utf-16-be"),
        WORDS.encode("utf-32"),
    ],
    ids=[
        "utf-8",
        "utf-8 mark",
        "utf-16 mark",
        "utf-16-be mark",
        "utf-16-le bare",
        "utf-16-be bare",
        "utf-32",
    ],
)
def test_unicode_in_any_dress_is_read_without_a_note(tmp_path: Path, data: bytes) -> None:
    read = _read(tmp_path, data)
    assert read.text == WORDS
    assert read.notes == ()


def test_a_single_byte_encoding_is_guessed_and_noted(tmp_path: Path) -> None:
    read = _read(tmp_path, WORDS.encode("cp1252"))
    assert read.text == WORDS
    assert "Windows-1252" in read.notes[0]


def test_a_few_bad_bytes_do_not_change_the_encoding(tmp_path: Path) -> None:
    read = _read(tmp_path, (WORDS * 20).encode() + b"\xff tail")
    assert read.text.startswith(WORDS)
    assert read.notes == ("1 characters could not be decoded as utf-8",)


def test_binary_content_is_not_text(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match=r"'notes\.txt' is a binary file"):
        _read(tmp_path, bytes(range(256)) * 40)


def test_a_stray_nul_is_forgiven_and_removed(tmp_path: Path) -> None:
    read = _read(tmp_path, b"some words\x00 and " + b"more words " * 100)
    assert read.text.startswith("some words and more")
    assert read.notes == ("1 invisible or unsafe character removed",)


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n ", codecs.BOM_UTF8])
def test_nothing_visible_is_no_text(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NoText):
        _read(tmp_path, data)


def test_unsafe_characters_are_removed_and_counted(tmp_path: Path) -> None:
    read = _read(tmp_path, "a\u202eb\u200bc \x1b[31mred\x1b[0m \x1b]52;c;x\x07 d".encode())
    assert read.text == "abc red  d"
    assert "invisible or unsafe characters removed" in read.notes[0]


def test_form_feeds_are_no_page_breaks_of_ours(tmp_path: Path) -> None:
    assert _read(tmp_path, b"one\n\x0ctwo\r\n\r\n\r\n\r\nthree").pages == ("one\n\ntwo\n\nthree",)
