"""Files of references: what they say is what the library says, whatever characters it holds."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from assistant.references import FORMATS, ReferenceFormat, references_of, write_new
from indexes.errors import CarrelError, OutputExists
from indexes.holdings import Holding
from indexes.readers.bibliography import references
from indexes.types import Details, Document


def _held(**fields: Any) -> Holding:
    return Holding(document=Document(**fields), files=(), passages=1, embedded=0, details=_DETAILS)


_DETAILS = Details(abstract="What was found: 5 % {more}.\nER  - ")
_PAPER = _held(
    id="0123456789",
    source="/papers/a b; c: d/radium & polonium.pdf",
    title="On a New {Radio-active} Substance: 50 % of $x_1$ & #2 ~ ^\\alpha",
    authors=("Marie Curie", "Jan van der Berg", "Müller", "Johnson and Johnson"),
    year=1898,
    doi="10.1000/ab_c(1)",
    venue="Comptes rendus & more",
)
_HOSTILE = _held(
    id="9876543210",
    source="/papers/x},\nTY  - BOOK.pdf",
    title='=HYPERLINK("http://evil.test")}},\nER  - \r\nTY  - BOOK\x1b]52;c;cm0=\x07\u202e @article{other, title={x}}',
    authors=("} and @evil{a, b={c}}", "A\nTI  - Other"),
    year=2024,
)
_NAMES: dict[ReferenceFormat, str] = {"bibtex": "a.bib", "ris": "a.ris", "csl-json": "a.json"}


@pytest.mark.parametrize("form", _NAMES)
def test_our_own_reader_reads_back_what_was_written(form: ReferenceFormat) -> None:
    (found,) = references(references_of([_PAPER], form).encode(), name=_NAMES[form])
    assert found.authors[:3] == ("Marie Curie", "Jan van der Berg", "Müller")
    assert (found.year, found.doi) == (1898, "10.1000/ab_c(1)")
    assert found.venue == "Comptes rendus & more"
    assert "5 %" in found.abstract
    title = found.title.translate({ord(brace): "" for brace in "{}"})  # our reader takes those of BibTeX away
    assert title.startswith("On a New Radio-active Substance: 50 % of $x_1$ & #2 ~")
    assert found.files == (() if form == "csl-json" else (_PAPER.document.source,))


def test_an_institution_is_not_divided_at_its_and() -> None:
    (found,) = references(references_of([_PAPER], "bibtex").encode(), name="a.bib")
    assert found.authors[3] == "Johnson and Johnson"


@pytest.mark.parametrize("form", _NAMES)
def test_no_title_ends_its_entry_or_begins_another(form: ReferenceFormat) -> None:
    written = references_of([_HOSTILE, _PAPER], form)
    assert "\x1b" not in written
    assert "\u202e" not in written
    found = references(written.encode(), name=_NAMES[form])
    assert [entry.year for entry in found] == [2024, 1898]
    assert "other, title=" in found[0].title


def test_a_cell_that_a_spreadsheet_would_compute_is_text() -> None:
    rows = list(csv.reader(io.StringIO(references_of([_HOSTILE, _PAPER], "csv"))))
    assert len(rows) == 3
    assert rows[1][1].startswith("'=HYPERLINK")
    assert rows[2][2] == "Marie Curie; Jan van der Berg; Müller; Johnson and Johnson"


def test_keys_differ_where_papers_are_alike() -> None:
    written = references_of([_PAPER, _PAPER], "bibtex")
    assert "@article{curie1898new," in written
    assert "@article{curie1898new-2," in written


@pytest.mark.parametrize("form", FORMATS)
def test_a_paper_of_which_only_the_name_is_known_is_written_too(form: ReferenceFormat) -> None:
    bare = _held(id="1", source="/x.pdf", title="x")
    assert references_of([bare], form)
    assert references_of([], form) in ("", "[]\n", ",".join(csv_columns()) + "\r\n")
    if form == "csl-json":
        assert json.loads(references_of([bare], form))[0]["title"] == "x"


def csv_columns() -> list[str]:
    return next(iter(csv.reader(io.StringIO(references_of([], "csv")))))


def test_a_file_that_is_there_stays_unless_told_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "library.bib"
    write_new(file, "one")
    with pytest.raises(OutputExists, match=r"library\.bib") as refused:
        write_new(file, "two")
    assert "--force" in refused.value.hint
    assert file.read_text() == "one"
    write_new(file, "two", force=True)
    assert file.read_text() == "two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["library.bib"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CarrelError, match="nowhere"):
        write_new(tmp_path / "nowhere" / "library.bib", "one")


def test_the_new_file_is_like_any_other_of_the_person(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    write_new(tmp_path / "library.bib", "one")
    modes = {stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    assert len(modes) == 1
