from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.readers import front


@pytest.mark.parametrize(
    ("field", "people"),
    [
        ("Ada Byron", ["Ada Byron"]),
        ("Ada Byron, Mary Shelley, and Grace Hopper", ["Ada Byron", "Mary Shelley", "Grace Hopper"]),
        ("Ada Byron and Mary Shelley", ["Ada Byron", "Mary Shelley"]),
        ("Byron, Ada; Shelley, Mary", ["Ada Byron", "Mary Shelley"]),
        ("Byron, Ada and Shelley, Mary", ["Ada Byron", "Mary Shelley"]),
        ("Ada Byron et al.", ["Ada Byron"]),
        ("Alexandra Sanderson & Ferdinand Brand", ["Alexandra Sanderson", "Ferdinand Brand"]),
        ("", []),
        ("anonymous", []),
        (" ; ,", []),
    ],
)
def test_people_are_told_apart(field: str, people: list[str]) -> None:
    assert list(front.names(front.split_names(field))) == people


def test_nobody_is_named_twice() -> None:
    assert front.names(["Ada Byron", "Ada Byron*", " Ada  Byron "]) == ("Ada Byron",)


@pytest.mark.parametrize(
    "line",
    [
        "untitled",
        "Microsoft Word - a.doc",
        "paper.dvi",
        "doi:10.1/x",
        "www.example.org",
        "12 March 2020",
        "42",
        "a",
    ],
)
def test_furniture_is_no_title(line: str) -> None:
    assert front.best_title([line, "A Real Title"], stem="file") == "A Real Title"


@pytest.mark.parametrize(
    "line", ["[Re] A replication", "SLIX: A Python package", "Über das Lesen", "深層学習の基礎"]
)
def test_titles_in_other_dress_are_titles(line: str) -> None:
    assert front.best_title([line], stem="file") == line


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("see https://doi.org/10.21105/joss.03998.", "10.21105/joss.03998"),
        ("cites 10.1000/a1 and has doi: 10.1000/b2, you see", "10.1000/b2"),
        ("10.1016/0010-4655(95)00042-E", "10.1016/0010-4655(95)00042-E"),
        ("(doi 10.1000/(x)y)", "10.1000/(x)y"),
        ("no number 10.5 here", None),
    ],
)
def test_the_papers_own_doi_is_found_and_trimmed(text: str, doi: str | None) -> None:
    assert front.doi(text) == doi


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Copyright © 2020 A. Author, about work published in 1996", 2020),
        ("Received 1 May 1998\nPublished: 3 June 1999", 1999),
        ("as Smith (2004) says", None),
    ],
)
def test_the_year_of_publication_is_the_one_that_is_announced(text: str, year: int | None) -> None:
    assert front.publication_year(text) == year


def test_any_plausible_year_serves_where_none_is_announced() -> None:
    assert front.year("18 August 2020") == 2020
    assert front.year("in the year 3020") is None


@given(st.text())
def test_any_text_is_looked_at_without_an_error(text: str) -> None:
    assert front.best_title([text], stem="file")
    front.doi(text)
    front.year(text)
    assert all(name.isprintable() for name in front.names(front.split_names(text)) if name.isascii())
