from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from indexes.errors import ReadError
from indexes.readers.pool import ReaderPool
from indexes.types import ParsedDocument


async def _read_all(files: list[Path]) -> dict[Path, ParsedDocument | ReadError]:
    async def one(path: Path) -> ParsedDocument | ReadError:
        try:
            return await pool.read(path)
        except ReadError as error:
            return error

    async with ReaderPool(workers=2) as pool:
        outcomes = await asyncio.gather(*(one(path) for path in files))
    return dict(zip(files, outcomes, strict=True))


def _gold_titles(papers: Path) -> dict[str, str]:
    lines = (papers / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    return {entry["file"]: entry["title"] for entry in map(json.loads, lines) if entry.get("title")}


def _letters(text: str | None) -> str:
    return "".join(character for character in (text or "").lower() if character.isalnum())


@pytest.mark.timeout(180)
async def test_all_papers_in_pdf_are_read_with_their_pages_and_titles(data_folder: Path) -> None:
    from pypdf import PdfReader

    papers = data_folder / "papers"
    outcomes = await _read_all(sorted((papers / "pdf").glob("*.pdf")))
    gold = _gold_titles(papers)
    assert len(outcomes) == 55
    wrong_titles = []
    for path, read in outcomes.items():
        assert isinstance(read, ParsedDocument), f"{path.name}: {read}"
        assert len(read.pages) == len(PdfReader(path).pages), path.name
        assert all(page.strip() for page in read.pages), path.name
        if _letters(read.title) != _letters(gold[f"pdf/{path.name}"]):
            wrong_titles.append(path.name)
    assert len(wrong_titles) <= 2, wrong_titles


@pytest.mark.timeout(180)
async def test_papers_in_other_formats_are_read_with_their_titles(data_folder: Path) -> None:
    papers = data_folder / "papers"
    files = [path for kind in ("html", "jats", "md", "tex") for path in sorted((papers / kind).iterdir())]
    gold = _gold_titles(papers)
    outcomes = await _read_all(files)
    for path, read in outcomes.items():
        assert isinstance(read, ParsedDocument), f"{path.name}: {read}"
        assert len(read.text) > 2000, path.name
        assert read.title != path.stem, path.name
        assert all(read.text[section.start :].startswith(section.title[:250]) for section in read.sections)
        if expected := gold.get(f"{path.parent.name}/{path.name}"):
            assert _letters(read.title) == _letters(expected), path.name
    assert any("LEGWORK" in str(read.title) for read in outcomes.values() if isinstance(read, ParsedDocument))


@pytest.mark.timeout(180)
async def test_bibliographies_are_told_from_papers(data_folder: Path) -> None:
    outcomes = await _read_all(sorted((data_folder / "papers" / "bib").iterdir()))
    assert outcomes
    for read in outcomes.values():
        assert isinstance(read, ReadError)
        assert "a bibliography" in read.message


@pytest.mark.timeout(180)
async def test_every_odd_pdf_is_read_or_refused_with_a_reason(data_folder: Path) -> None:
    files = sorted((data_folder / "pdf_robust").glob("*.pdf"))
    outcomes = await _read_all(files)
    kinds = Counter("read" if isinstance(read, ParsedDocument) else read.kind for read in outcomes.values())
    assert len(outcomes) == 120
    assert set(kinds) <= {"read", "Encrypted", "NoText", "Damaged"}
    assert kinds["read"] >= 80
    for path, read in outcomes.items():
        if isinstance(read, ParsedDocument):
            assert any(page.strip() for page in read.pages), path.name
            assert read.title, path.name
        else:
            assert "ended the process" not in read.message, path.name
