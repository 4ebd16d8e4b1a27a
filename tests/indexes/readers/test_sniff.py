from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from indexes.errors import CarrelError, Damaged, NoText, Unsupported
from indexes.formats import Format
from indexes.readers.sniff import READABLE_SUFFIXES, format_of

HTML = b"<!DOCTYPE html><html><body><p>hello</p></body></html>"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.pdf", b"%PDF-1.7\n", Format.PDF),
        ("a.pdf", b"junk before " * 20 + b"%PDF-1.4", Format.PDF),
        ("a.txt", b"%PDF-1.7\n", Format.PDF),
        ("paper", b"%PDF-1.7\n", Format.PDF),
        ("a.md", b"This note explains that a file begins with %PDF-1.7.", Format.MARKDOWN),
        ("a.md", b"# heading", Format.MARKDOWN),
        ("a.md", b"Text, then\n```latex\n\\documentclass{article}\n```\n", Format.MARKDOWN),
        ("a.TXT", b"words", Format.PLAIN),
        ("README", b"words", Format.PLAIN),
        ("a.html", b"<p>a fragment", Format.HTML),
        ("a.txt", HTML, Format.HTML),
        ("a.xml", b"<?xml version='1.0'?><!-- c --><html xmlns='x'>", Format.HTML),
        ("a.tex", b"no class here", Format.LATEX),
        ("a.txt", b"% comment\n\n\\documentclass[11pt]{article}", Format.LATEX),
        ("a.xml", b"<?xml version='1.0'?>\n<!DOCTYPE article PUBLIC 'x'><article>", Format.JATS),
        ("a.nxml", b"<article article-type='x'>", Format.JATS),
        ("a.txt", "wide words".encode("utf-16"), Format.PLAIN),
        ("a.txt", "wide words".encode("utf-16-le"), Format.PLAIN),
    ],
)
def test_content_decides_before_the_name(tmp_path: Path, name: str, content: bytes, expected: Format) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert format_of(path) is expected


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("a.pdf", HTML, Damaged, "is a web page, not a PDF"),
        ("a.pdf", b"just words", Damaged, "not a PDF"),
        ("a.pdf", b"PK\x03\x04rest", Damaged, "Zip archive"),
        ("a.pdf", b"", NoText, "0 bytes"),
        ("a.txt", b"\x7fELF\x02\x01" + bytes(50), Damaged, "a program"),
        ("a.txt", b"PK\x03\x04" + bytes(50), Damaged, "a Zip archive"),
        ("a.md", b"\x89PNG\r\n\x1a\n" + bytes(50), Damaged, "a PNG picture"),
        ("a.txt", b"\xff\xd8\xff\xe0" + bytes(50), Damaged, "a JPEG picture"),
        ("a.txt", bytes(range(256)) * 8, Damaged, "is a binary file"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50), Unsupported, "a PNG picture"),
        ("refs.bib", b"@article{x, title={y}}", Unsupported, "a bibliography (.bib), not read as a paper"),
        ("refs.ris", b"TY  - JOUR", Unsupported, "a bibliography"),
        ("refs.txt", b"@article{x, title={y}}", Unsupported, "a bibliography"),
        ("data.jsonl", b"{}", Unsupported, "a data file (.jsonl)"),
        ("data.csv", b"a,b", Unsupported, "a data file"),
        ("thesis.doc", b"\xd0\xcf\x11\xe0", Unsupported, "an old Word document"),
        ("sheet.xlsx", b"PK\x03\x04", Unsupported, "an Excel sheet"),
        ("thesis.docx", b"words", Damaged, "is text"),
        ("code.py", b"print()", Unsupported, "of a kind (.py)"),
        ("feed.xml", b"<?xml version='1.0'?><rss/>", Unsupported, "not a JATS article"),
    ],
)
def test_what_is_not_read_is_named(
    tmp_path: Path, name: str, content: bytes, error: type[CarrelError], says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        format_of(path)
    assert type(caught.value) is error
    assert says in caught.value.message
    assert name in caught.value.message


def test_a_real_archive_named_as_a_text_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "paper.txt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(Damaged, match="Zip"):
        format_of(path)


def test_a_name_full_of_control_characters_is_shown_clean(tmp_path: Path) -> None:
    path = tmp_path / "evil\x1b[2J\u202e\n.bib"
    path.write_bytes(b"@article{x}")
    with pytest.raises(Unsupported) as caught:
        format_of(path)
    assert caught.value.message.isprintable()


def test_a_prologue_of_many_comments_is_looked_at_once(tmp_path: Path) -> None:
    path = tmp_path / "comments.txt"
    path.write_bytes(b"<!---->" * 1100 + b"no page")
    assert format_of(path) is Format.PLAIN


def test_suffixes_are_in_lower_case_with_their_dot() -> None:
    assert {".pdf", ".md", ".txt", ".html", ".tex", ".xml"} <= READABLE_SUFFIXES
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in READABLE_SUFFIXES)
    assert ".bib" not in READABLE_SUFFIXES
