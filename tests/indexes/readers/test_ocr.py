"""A scan is named as one, and read by OCR where the person asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest

from indexes.errors import InputError, NoText, ReadError
from indexes.library import Library
from indexes.readers import ocr
from indexes.readers.ocr import Box, in_reading_order
from indexes.readers.pool import ReaderPool
from indexes.types import Fate
from tests.indexes.readers.pdf_writer import pdf

LINES = ("Hearing in barn owls", "Owls locate prey in complete darkness by ear.", "We measured forty birds.")


def scan(*pages: bytes) -> bytes:
    """Returns a PDF of pictures of the first pages of these PDFs, as a scanner makes it."""
    import pypdfium2

    pictures = []
    for page in pages:
        document = pypdfium2.PdfDocument(page)
        pictures.append(document[0].render(scale=100 / 72).to_pil().convert("RGB"))
        document.close()
    target = BytesIO()
    pictures[0].save(target, "PDF", resolution=100, save_all=True, append_images=pictures[1:])
    return target.getvalue()


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library") as library:
        yield library


@pytest.fixture
def scanned(tmp_path: Path) -> Path:
    path = tmp_path / "scanned.pdf"
    path.write_bytes(scan(pdf([(20, LINES[0]), *LINES[1:]]), pdf([(20, "The second page is on bees.")])))
    return path


async def test_a_scan_is_typed_as_one_with_what_to_install(scanned: Path) -> None:
    async with ReaderPool() as pool:
        with pytest.raises(NoText, match=r"has no text layer: 2 pages, pictures only\.$") as told:
            await pool.read(scanned)
    assert "pip install 'carrel[ocr]'" in told.value.hint
    assert "--ocr" in told.value.hint


async def test_a_scan_that_failed_is_read_by_ocr_when_that_is_asked_for(
    library: Library, scanned: Path
) -> None:
    pytest.importorskip("rapidocr")
    assert (await library.add([scanned])).counts == {Fate.FAILED: 1}
    report = await library.add([scanned], ocr=True)
    assert report.counts == {Fate.INDEXED: 1}
    assert "scanned.pdf: 2 pages read by OCR, which misreads: 1, 2" in report.notes
    (hit,) = (await library.search("complete darkness")).hits
    assert hit.passage.page == 1
    assert hit.document.title == LINES[0]
    assert [hit.passage.page for hit in (await library.search("bees")).hits] == [2]
    assert (await library.add([scanned], ocr=True)).counts == {Fate.UNCHANGED: 1}


async def test_only_the_pages_without_text_are_read_by_ocr_and_a_blank_one_stays_so(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    for page in (pdf(["This page has text."]), scan(pdf([(20, "This one is a picture.")]))):
        writer.append(PdfReader(BytesIO(page)))
    writer.add_blank_page(200, 200)
    path = tmp_path / "mixed.pdf"
    writer.write(path)
    async with ReaderPool(ocr=True) as pool:
        read = await pool.read(path)
    assert read.pages == ("This page has text.", "This one is a picture.", "")
    assert read.notes == ("1 page read by OCR, which misreads: 2", "1 page without text: 3")


async def test_pictures_without_words_are_tried_once(library: Library, tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    path = tmp_path / "empty.pdf"
    path.write_bytes(scan(pdf([])))
    report = await library.add([path], ocr=True)
    assert "OCR finds no text on them" in report.failures[0][1]
    before = (await library.failures())[0].attempts
    await library.add([path], ocr=True)
    assert (await library.failures())[0].attempts == before


async def test_ocr_that_is_not_installed_says_so_before_anything_is_read(
    library: Library, scanned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="OCR is not installed") as told:
        await library.add([scanned], ocr=True)
    assert "pip install 'carrel[ocr]'" in told.value.hint
    assert await library.failures() == ()


async def test_ocr_that_fails_names_the_page(
    scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modules" / "rapidocr").mkdir(parents=True)
    (tmp_path / "modules" / "rapidocr" / "__init__.py").write_text(
        "def RapidOCR(**_):\n    import socket\n    socket.create_connection(('127.0.0.1', 9))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    async with ReaderPool(ocr=True) as pool:
        with pytest.raises(ReadError, match=r"OCR fails on page \d of 'scanned.pdf': .* not allowed"):
            await pool.read(scanned)


def test_columns_are_read_one_after_the_other() -> None:
    title = Box(0, 0, 100, 8, "title")
    left = [Box(0, 20 + 10 * row, 45, 28 + 10 * row, f"l{row}") for row in range(4)]
    right = [Box(55, 20 + 10 * row, 100, 28 + 10 * row, f"r{row}") for row in range(4)]
    foot = Box(0, 80, 100, 88, "foot")
    shuffled = [foot, *right, title, *reversed(left)]
    assert [box.text for box in in_reading_order(shuffled)] == [
        "title", "l0", "l1", "l2", "l3", "r0", "r1", "r2", "r3", "foot"
    ]  # fmt: skip


def test_lines_that_overlap_keep_their_height_order() -> None:
    boxes = [Box(0, 10 * row, 100, 10 * row + 12, str(row)) for row in (2, 0, 1)]
    assert [box.text for box in in_reading_order(boxes)] == ["0", "1", "2"]
    assert list(in_reading_order([])) == []
