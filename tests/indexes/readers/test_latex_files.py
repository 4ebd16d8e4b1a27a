"""A LaTeX paper is read with the files that it includes: those in its own folder, and no others."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexes.errors import TooLarge
from indexes.library import Library
from indexes.readers.api import read_file
from indexes.types import Fate, ParsedDocument

MAIN = r"""\documentclass{article}
\input{macros}
\title{On Owls and Their Ears}
\begin{document}
Before. % \input{commented}
\input{sections/hearing}
\include{sections/night.tex}
\begin{verbatim}
\input{listed}
\end{verbatim}
After \cite{strix2020}.
\bibliography{refs}
\end{document}
"""
BIB = r"""@article{strix2020, title={Hearing in \"Owls}, author={Strix, Ada}, year=2020, journal={J. Owls}}
@article{other, title={Never cited}, author={Nobody, N.}, year=1999}
"""


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library") as library:
        yield library


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    folder = tmp_path / "paper"
    (folder / "sections").mkdir(parents=True)
    (folder / "macros.tex").write_text(r"\newcommand{\owl}{the barn owl}")
    (folder / "sections" / "hearing.tex").write_text("\\section{Hearing}\nWith facial discs \\owl{} hears.")
    (folder / "sections" / "night.tex").write_text("It hunts at night.")
    (folder / "listed.tex").write_text("Never included words.")
    (folder / "commented.tex").write_text("Words behind a percent sign.")
    (folder / "refs.bib").write_text(BIB)
    (folder / "main.tex").write_text(MAIN)
    return folder


def _read(folder: Path, body: str) -> ParsedDocument:
    (folder / "main.tex").write_text(
        rf"\documentclass{{article}}\begin{{document}}Mine. {body}\end{{document}}"
    )
    return read_file(folder / "main.tex")


def test_what_it_includes_stands_in_its_place(paper: Path) -> None:
    read = read_file(paper / "main.tex")
    assert read.title == "On Owls and Their Ears"
    assert "With facial discs the barn owl hears." in read.text
    places = [read.text.index(words) for words in ("Before", "facial discs", "hunts at night", "After")]
    assert places == sorted(places)
    assert "percent sign" not in read.text
    assert "Never included" not in read.text
    assert "\\input{listed}" in read.text
    assert [section.title for section in read.sections] == ["Hearing", "References"]


def test_its_references_are_those_it_cites_or_those_that_bibtex_printed(paper: Path) -> None:
    references = read_file(paper / "main.tex").text.partition("References")[2]
    assert references.strip() == "[strix2020] Ada Strix. Hearing in Öwls. J. Owls. 2020."
    (paper / "main.bbl").write_text(
        r"\begin{thebibliography}{1}\bibitem[St(20)]{strix2020} A.~Strix. \newblock {\em Printed.}"
        r"\end{thebibliography}"
    )
    references = read_file(paper / "main.tex").text.partition("References")[2]
    assert references.strip() == "[strix2020] A. Strix. Printed."


@pytest.mark.parametrize(
    "name",
    ["../outside", "sections/../../outside", "{abs}/outside", "link", "linked/inside", "pipe", "nowhere"],
)
def test_nothing_outside_of_its_folder_is_read(paper: Path, name: str) -> None:
    outside = paper.parent / "outside.tex"
    outside.write_text("Secret words.")
    (paper.parent / "elsewhere").mkdir()
    (paper.parent / "elsewhere" / "inside.tex").write_text("Secret words.")
    (paper / "link.tex").symlink_to(outside)
    (paper / "linked").symlink_to(paper.parent / "elsewhere")
    os.mkfifo(paper / "pipe.tex")
    read = _read(paper, rf"\input{{{name.format(abs=paper.parent)}}}")
    assert read.text.strip() == "Mine."
    assert read.notes == ("1 other file that it includes not read with it",)


def test_a_loop_ends_and_is_noted(paper: Path) -> None:
    (paper / "a.tex").write_text(r"One. \input{b}")
    (paper / "b.tex").write_text(r"Two. \input{a} \input{main}")
    read = _read(paper, r"\input{a}")
    assert read.text.split() == ["Mine.", "One.", "Two."]
    assert read.notes == ("2 other files that it includes not read with it",)


def test_a_bomb_of_inclusions_is_too_large(paper: Path) -> None:
    for level in range(10):
        (paper / f"l{level}.tex").write_text(rf"\input{{l{level + 1}}} " * 10)
    (paper / "l10.tex").write_text("words " * 1000)
    with pytest.raises(TooLarge, match="includes more than 300 files"):
        _read(paper, r"\input{l0}")
    for level in range(40):
        (paper / f"d{level}.tex").write_text(rf"\input{{d{level + 1}}}")
    (paper / "d40.tex").write_text("deep")
    with pytest.raises(TooLarge, match="20 deep"):
        _read(paper, r"\input{d0}")


def test_a_subfile_gives_its_body_and_finds_what_lies_beside_it(paper: Path) -> None:
    (paper / "sections" / "sub.tex").write_text(
        r"\documentclass[../main.tex]{subfiles}\title{Not this}\begin{document}Sub. \input{night}\end{document} x"
    )
    read = _read(paper, r"\subfile{sections/sub} \subimport{sections/}{hearing}")
    assert read.text.split()[:7] == ["Mine.", "Sub.", "It", "hunts", "at", "night.", "Hearing"]


async def test_included_files_are_parts_and_no_papers_of_their_own(library: Library, paper: Path) -> None:
    await library.add([paper / "sections" / "night.tex"])
    report = await library.add([paper])
    sources = sorted(Path(document.source).name for document in await library.documents())
    assert sources == ["commented.tex", "listed.tex", "main.tex"]
    reasons = {Path(path).name: reason for path, reason in report.failures}
    for part in ("macros.tex", "hearing.tex", "night.tex"):
        assert reasons[part] == "part of main.tex, and read with it"
    assert len((await library.search("hunts at night")).hits) == 1
    assert (await library.add([paper])).counts == {Fate.UNCHANGED: 3, Fate.SKIPPED: 4}


@pytest.mark.parametrize("changed", ["sections/hearing.tex", "refs.bib"])
async def test_a_change_in_a_part_reads_the_paper_again(library: Library, paper: Path, changed: str) -> None:
    await library.add([paper])
    text = (paper / changed).read_text()
    (paper / changed).write_text(text.replace("facial", "feathered").replace("Hearing in", "Hunting by"))
    report = await library.add([paper])
    assert report.counts[Fate.INDEXED] == 1
    word = "feathered" if changed.endswith("tex") else "hunting"
    assert {Path(hit.document.source).name for hit in (await library.search(word)).hits} == {"main.tex"}


async def test_a_part_is_read_alone_when_its_paper_cannot_be(library: Library, paper: Path) -> None:
    (paper / "main.tex").write_bytes(
        b"\\documentclass{a}\n\\input{sections/night}\n" + bytes(range(256)) * 99
    )
    report = await library.add([paper])
    assert any(path.endswith("main.tex") for path, _ in report.failures)
    assert len((await library.search("hunts at night")).hits) == 1


async def test_the_paper_in_an_archive_is_the_same_document(library: Library, paper: Path) -> None:
    await library.add([paper])
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        archive.add(paper, arcname=".")
    (paper.parent / "source.tar.gz").write_bytes(target.getvalue())
    report = await library.add([paper.parent / "source.tar.gz"])
    assert report.counts == {Fate.UNCHANGED: 3, Fate.SKIPPED: 5}
    reasons = {path.partition("!/./")[2]: reason for path, reason in report.failures}
    assert reasons["sections/night.tex"] == "part of ./main.tex, and read with it"
    async with Library.open(paper.parent / "other") as other:
        await other.add([paper.parent / "source.tar.gz"])
        assert "facial discs" in (await other.search("facial")).hits[0].passage.text
        assert len((await other.search("part:references strix")).hits) == 1
