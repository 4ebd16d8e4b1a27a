from __future__ import annotations

from pathlib import Path

import pytest

from indexes.errors import Damaged, Encrypted, NoText
from indexes.readers.api import read_file
from indexes.types import ParsedDocument
from tests.indexes.readers.zip_writer import epub

METADATA = (
    '<dc:title>A book of retries</dc:title><dc:creator xmlns:opf="o" opf:role="aut">Byron, Ada</dc:creator>'
    '<dc:creator xmlns:opf="o" opf:role="ill">A Painter</dc:creator><dc:date>2019-05-01</dc:date>'
    "<dc:identifier>urn:isbn:9780000000000</dc:identifier><dc:identifier>doi:10.1000/book.7</dc:identifier>"
)


def _read(folder: Path, data: bytes, name: str = "book.epub") -> ParsedDocument:
    path = folder / name
    path.write_bytes(data)
    return read_file(path)


def test_chapters_come_in_the_order_of_the_spine(tmp_path: Path) -> None:
    chapters = {
        "z.xhtml": "<h1>One</h1><p>First words.</p>",
        "text/a%20b.xhtml": "<h1>Two</h1><p>Last words.</p>",
    }
    book = epub(
        chapters, more={"OEBPS/text/a b.xhtml": "<html><body><h1>Two</h1><p>Last words.</p></body></html>"}
    )
    read = _read(tmp_path, book)
    assert read.text == "One\n\nFirst words.\n\nTwo\n\nLast words."
    assert [section.title for section in read.sections] == ["One", "Two"]
    assert read.media_type == "application/epub+zip"


def test_the_package_names_title_authors_year_and_doi(tmp_path: Path) -> None:
    read = _read(tmp_path, epub({"a.xhtml": "<p>Words.</p>"}, metadata=METADATA))
    assert (read.title, read.authors) == ("A book of retries", ("Ada Byron",))
    assert (read.year, read.doi) == (2019, "10.1000/book.7")


def test_a_book_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    assert _read(tmp_path, epub({"a.xhtml": "<p>Words.</p>"}), name="book").text == "Words."


def test_a_chapter_outside_of_the_book_is_missing_and_noted(tmp_path: Path) -> None:
    (tmp_path / "secret.xhtml").write_text("<p>secret</p>")
    more = {"../secret.xhtml": "never met"}
    read = _read(tmp_path, epub({"a.xhtml": "<p>Words.</p>", "../../../secret.xhtml": "x"}, more=more))
    assert "secret" not in read.text
    assert read.notes == ("1 chapters that the book lists are not in it",)


def test_a_protected_book_says_so_and_fonts_do_not_count(tmp_path: Path) -> None:
    def locked(part: str) -> dict[str, str | bytes]:
        return {"META-INF/encryption.xml": f'<e><CipherReference URI="{part}"/></e>'}

    assert _read(tmp_path, epub({"a.xhtml": "<p>Words.</p>"}, more=locked("OEBPS/font.otf"))).text == "Words."
    with pytest.raises(Encrypted, match="protected"):
        _read(tmp_path, epub({"a.xhtml": "<p>Words.</p>"}, more=locked("OEBPS/a.xhtml")))


def test_a_book_without_words_or_parts_has_a_typed_fate(tmp_path: Path) -> None:
    with pytest.raises(NoText):
        _read(tmp_path, epub({"a.xhtml": "<img src='x.png'/>"}))
    with pytest.raises(Damaged):
        _read(tmp_path, b"PK\x03\x04" + bytes(200))
