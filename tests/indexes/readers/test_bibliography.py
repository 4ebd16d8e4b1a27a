from __future__ import annotations

import json

import pytest

from indexes.errors import Damaged
from indexes.readers.bibliography import references
from indexes.types import Reference

BIBTEX = r"""% by hand
@string{ada = "Ada Byron"}
@comment{nothing}
@article{one,
  title = {{Retries} with {\'E}clat: a \emph{study}}, author = "Byron, Ada and G{\"o}del, Kurt and others",
  year = 2021, doi = {https://doi.org/10.1000/retry\_1}, file = {:papers/one\;a.pdf:PDF},
}
@book{broken, title = {never closed
@inproceedings(two, title = "Quotes {"} inside", author = ada # { and } # {{Fish and Chips, Ltd}}, date = {2019-05-01},
  file = {Full Text:/home/ada/Zotero/storage/AB12/Full Text.pdf:application/pdf;Page:C\:\\x\\b.html:text/html})
@misc{three, note = {neither title nor DOI}}
"""
RIS = (
    "TY  - JOUR\r\nTI  - Retries and jitter\r\nAU  - Byron, Ada\r\nAU  - Shelley, Mary\r\nPY  - 2020/03\r\n"
    "DO  - 10.1000/retry.2\r\nL1  - file:///home/ada/a%20paper.pdf\r\nER  - \r\nTY  - BOOK\r\nT1  - Other\r\nER  - \r\n"
)


def _read(text: str, name: str = "refs.bib") -> tuple[Reference, ...]:
    return references(text.encode(), name=name)


def test_a_file_without_an_entry_is_an_empty_bibliography() -> None:
    assert references(b"Nothing here yet.", name="a.bib") == ()


def test_bibtex_entries_come_with_accents_names_and_files() -> None:
    one, two = _read(BIBTEX)
    assert one == Reference(
        key="one",
        title="Retries with Éclat: a study",
        authors=("Ada Byron", "Kurt Gödel"),
        year=2021,
        doi="10.1000/retry_1",
        files=("papers/one;a.pdf",),
    )
    assert two.title == 'Quotes " inside'
    assert two.authors == ("Ada Byron", "Fish and Chips, Ltd")
    assert two.year == 2019
    assert two.files == ("/home/ada/Zotero/storage/AB12/Full Text.pdf", "C:/x/b.html")


def test_ris_entries_come_with_names_and_files() -> None:
    one, two = _read(RIS, "refs.ris")
    assert one.authors == ("Ada Byron", "Mary Shelley")
    assert (one.title, one.year, one.doi) == ("Retries and jitter", 2020, "10.1000/retry.2")
    assert one.files == ("/home/ada/a paper.pdf",)
    assert two == Reference(title="Other")


def test_csl_entries_are_taken_and_parts_of_the_wrong_kind_are_not() -> None:
    item = {
        "title": "Retries <i>and</i> jitter",
        "author": [{"family": "Byron", "given": "Ada"}, {"literal": "A Society"}, 7],
        "issued": {"date-parts": [["2020", 3]]},
        "DOI": "10.1000/retry.3",
    }
    (one,) = _read(json.dumps([item, 5, {"title": 6}]), "refs.json")
    assert (one.title, one.authors) == ("Retries and jitter", ("Ada Byron", "A Society"))
    assert (one.year, one.doi) == (2020, "10.1000/retry.3")
    with pytest.raises(Damaged):
        _read("[{", "refs.json")


@pytest.mark.parametrize(
    "hostile",
    [
        "@a{x, title = {" + "{" * 200_000,
        "@a{x, title = " + '"' * 200_000,
        "@a{x, title = " + "# " * 100_000,
        "@a{x\n" * 50_000,
        "@a{x, title = {" + "{" * 4000 + "t" + "}" * 4000 + "}}",
    ],
    ids=["open", "quotes", "joins", "entries", "deep"],
)
def test_hostile_entries_cost_little_and_break_nothing(hostile: str) -> None:
    assert len(_read(hostile)) <= 1


def test_no_escape_sequence_survives() -> None:
    (one,) = _read("@a{x, title = {A \x1b[2Jtitle\u202e of words}, author = {Ada \x1b]0;x\x07Byron}}")
    assert (one.title, one.authors) == ("A title of words", ("Ada Byron",))
