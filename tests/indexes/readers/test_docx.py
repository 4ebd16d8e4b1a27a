from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from indexes.errors import Damaged, Encrypted, TooLarge
from indexes.readers.api import read_file
from indexes.readers.limits import Limits
from indexes.types import ParsedDocument
from tests.indexes.readers.zip_writer import docx, zipped

STYLES = (
    '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="Mine"><w:basedOn w:val="berschrift1"/></w:style>'
    '<w:style w:styleId="A"><w:basedOn w:val="B"/></w:style><w:style w:styleId="B"><w:basedOn w:val="A"/></w:style>'
    '<w:style w:styleId="Titel"><w:name w:val="Title"/></w:style>'
)


def _p(text: str, style: str = "") -> str:
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{styled}<w:r><w:t>{text}</w:t></w:r></w:p>"


def _read(
    folder: Path, data: bytes, *, name: str = "paper.docx", limits: Limits | None = None
) -> ParsedDocument:
    path = folder / name
    path.write_bytes(data)
    return read_file(path, limits=limits)


def test_headings_are_told_by_their_style_in_any_language(tmp_path: Path) -> None:
    body = (
        _p("Retries with jitter", "Titel")
        + _p("Einleitung", "berschrift1")
        + _p("Words.")
        + _p("Methods", "Mine")
    )
    read = _read(tmp_path, docx(body + _p("More.", "A"), styles=STYLES))
    assert [section.title for section in read.sections] == ["Einleitung", "Methods"]
    assert all(read.text[section.start :].startswith(section.title) for section in read.sections)
    assert read.title == "Retries with jitter"
    assert read.text.endswith("Methods\n\nMore.")


def test_the_properties_name_title_authors_and_year(tmp_path: Path) -> None:
    core = (
        "<dc:title>Retries and jitter</dc:title><dc:creator>Ada Byron; Mary Shelley</dc:creator>"
        "<dcterms:created>2021-03-04T10:00:00Z</dcterms:created>"
    )
    read = _read(tmp_path, docx(_p("Words. doi: 10.1000/retry.1"), core=core))
    assert (read.title, read.authors) == ("Retries and jitter", ("Ada Byron", "Mary Shelley"))
    assert (read.year, read.doi) == (2021, "10.1000/retry.1")


def test_deleted_and_moved_text_is_not_read_and_tables_keep_their_rows(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:t>Kept</w:t></w:r><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t>moved away</w:t></w:r></w:moveFrom><w:ins><w:r><w:t> added</w:t></w:r></w:ins></w:p>"
        f"<w:tbl><w:tr><w:tc>{_p('a')}</w:tc><w:tc>{_p('b')}</w:tc></w:tr>"
        f"<w:tr><w:tc>{_p('c')}</w:tc><w:tc>{_p('d')}</w:tc></w:tr></w:tbl>"
    )
    footnotes = f"<w:footnote>{_p('A note.')}</w:footnote>"
    assert _read(tmp_path, docx(body, footnotes=footnotes)).text == "Kept added\n\na | b\nc | d\n\nA note."


def test_an_entity_is_not_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret words")
    document = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]><document><body><p><r><t>Seen &x;</t></r></p></body></document>'
    assert _read(tmp_path, zipped({"word/document.xml": document})).text == "Seen"


def test_a_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    bomb = zipped({"word/document.xml": b" " * 5_000_000})
    with pytest.raises(TooLarge, match="unpacked"):
        _read(tmp_path, bomb, limits=Limits(max_file_bytes=1_000_000))


def test_a_word_document_is_told_by_its_content(tmp_path: Path) -> None:
    assert _read(tmp_path, docx(_p("Words.")), name="paper").text == "Words."


def test_a_file_that_ends_early_and_one_that_is_another_are_damaged(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="broken Zip"):
        _read(tmp_path, docx(_p("Words."))[:-40])
    with pytest.raises(Damaged, match="not a Word document"):
        _read(tmp_path, zipped({"xl/workbook.xml": "<x/>"}))
    with pytest.raises(Damaged, match="is text"):
        _read(tmp_path, b"only words")


def test_a_part_with_a_password_is_encrypted(tmp_path: Path) -> None:
    data = bytearray(docx(_p("Words.")))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        start = archive.start_dir
    while (start := data.find(b"PK\x01\x02", start)) >= 0:
        data[start + 8] |= 1
        start += 4
    with pytest.raises(Encrypted):
        _read(tmp_path, bytes(data))
