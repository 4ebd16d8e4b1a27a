"""A bibliography among the files that are added describes them, and its own fate says so."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexes.library import Library
from indexes.shelf import Shelf, may_be_bibliography
from indexes.types import Document, Fate, ParsedDocument, Reference


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library") as library:
        yield library


async def _only(library: Library) -> Document:
    (document,) = await library.documents()
    return document


async def test_an_entry_that_names_the_file_goes_before_the_text(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "x1.txt").write_text("Scanned words of a paper. (c) 1999")
    (folder / "refs.bib").write_text(
        "@article{a, title={On owls}, author={Byron, Ada}, year=2020, doi={10.1000/o.1}, file={:papers/x1.txt:T}}"
    )
    report = await library.add([folder])
    assert report.counts == {Fate.INDEXED: 1, Fate.SKIPPED: 1}
    ((path, reason),) = report.failures
    assert Path(path).name == "refs.bib"
    assert reason == "a bibliography: 1 entry, 1 of them without an abstract, for metadata only"
    document = await _only(library)
    assert (document.title, document.authors) == ("On owls", ("Ada Byron",))
    assert (document.year, document.doi) == (2020, "10.1000/o.1")


async def test_an_entry_is_found_by_doi_or_title(library: Library, tmp_path: Path) -> None:
    (tmp_path / "owls.txt").write_text("Some Words First\n\ndoi: 10.1000/OWL.1\n\nOwls hunt at night.")
    (tmp_path / "bees.md").write_text("# How Bees Dance: in the Dark\n\nThey do.")
    csl = [
        {
            "title": "On owls that hunt",
            "DOI": "10.1000/owl.1",
            "author": [{"family": "Strix", "given": "A."}],
        },
        {"title": "How bees dance in the dark", "issued": {"date-parts": [[1973]]}},
    ]
    (tmp_path / "refs.json").write_text(json.dumps(csl))
    await library.add([tmp_path / "owls.txt", tmp_path / "bees.md", tmp_path / "refs.json"])
    bees, owls = await library.documents()
    assert (bees.title, bees.year) == ("How bees dance in the dark", 1973)
    assert (owls.title, owls.authors) == ("On owls that hunt", ("A. Strix",))


async def test_a_broken_bibliography_stops_nothing(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "owls.txt").write_text("Owls hunt at night.")
    (folder / "refs.bib").write_bytes(bytes(range(256)) * 40)
    report = await library.add([folder])
    assert report.counts == {Fate.INDEXED: 1, Fate.SKIPPED: 1}
    assert "cannot be read" in report.failures[0][1]


def test_the_file_with_most_folders_in_common_is_meant_and_a_tie_is_no_match() -> None:
    shelf = Shelf()
    shelf.put(
        Path("refs.bib"),
        [
            Reference(title="First of them", files=("/home/a/storage/AAAA/Full Text.pdf",)),
            Reference(title="Second of them", files=("/home/a/storage/BBBB/Full Text.pdf",)),
        ],
    )
    parsed = ParsedDocument(media_type="text/plain", pages=("x",), title="Own title")
    second = shelf.described(parsed, Path("/data/storage/BBBB/Full Text.pdf"))
    assert (second.title, second.notes) == ("Second of them", ("title from refs.bib",))
    assert shelf.described(parsed, Path("/data/Full Text.pdf")) == parsed


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_or_a_link_is_never_opened_as_a_bibliography(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "refs.bib").write_text("@a{x, title={y}}")
    (tmp_path / "link.bib").symlink_to(tmp_path / "refs.bib")
    assert not may_be_bibliography(tmp_path / "pipe.json")
    assert not may_be_bibliography(tmp_path / "link.bib")
    assert may_be_bibliography(tmp_path / "refs.bib")
