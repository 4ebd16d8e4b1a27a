"""Names of people out of the lines under a title."""

from __future__ import annotations

import pytest

from indexes.readers.people import MARK, is_name, people, person_share


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Ada Byron, Mary Shelley and Grace Hopper"], ("Ada Byron", "Mary Shelley", "Grace Hopper")),
        ([f"Ada Byron{MARK}, Mary Shelley{MARK},{MARK}"], ("Ada Byron", "Mary Shelley")),
        ([f"Ada Byron{MARK} Mary Shelley{MARK}"], ("Ada Byron", "Mary Shelley")),
        (["Ada Byron1,2, Mary Shelley2*"], ("Ada Byron", "Mary Shelley")),
        (["Ada Byron†", "Mary Shelley‡"], ("Ada Byron", "Mary Shelley")),
        (["Byron, Ada; Shelley, Mary W."], ("Ada Byron", "Mary W. Shelley")),
        (["Byron, A., Shelley, M. W."], ("A. Byron", "M. W. Shelley")),
        (["Byron A., Shelley M."], ("A. Byron", "M. Shelley")),
        (["A.N.Byron, M.Shelley"], ("A.N. Byron", "M. Shelley")),
        (["ADA BYRON AND MARY SHELLEY"], ("Ada Byron", "Mary Shelley")),
        (["BYRON Ada, SHELLEY Mary"], ("Ada Byron", "Mary Shelley")),
        (["Ada Byron, PhD, Mary Shelley, MD, MPH"], ("Ada Byron", "Mary Shelley")),
        (["Dr. Ada Byron, Prof. Mary Shelley"], ("Ada Byron", "Mary Shelley")),
        (["Leonardo de la Roca, Pim van der Harst"], ("Leonardo de la Roca", "Pim van der Harst")),
        (["Jong-In Lim, Ran Tel-Vered"], ("Jong-In Lim", "Ran Tel-Vered")),
        (["Martin Luther King Jr., Ada Byron"], ("Martin Luther King Jr", "Ada Byron")),
        (["Ada Byron (corresponding author), Mary Shelley"], ("Ada Byron", "Mary Shelley")),
        (["Ada Byron, ada@example.org"], ("Ada Byron",)),
        (["Ada Byron, The ATLAS Collaboration"], ("Ada Byron", "The ATLAS Collaboration")),
        (["Department of Physics, Boston University, Boston"], ()),
        (["Ann Arbor, MI, USA"], ()),
    ],
)
def test_people_are_named_and_nothing_else(lines: list[str], expected: tuple[str, ...]) -> None:
    assert people(lines) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ["Ada Byron and Mary", "Shelley"],
        ["Ada Byron, Mary", "Shelley"],
        ["Ada Byron,", "Mary Shelley"],
        [f"Ada Byron{MARK}", "and Mary Shelley"],
    ],
)
def test_a_name_may_go_on_in_the_next_line(lines: list[str]) -> None:
    assert people(lines) == ("Ada Byron", "Mary Shelley")


def test_two_lines_of_whole_names_stay_two_names() -> None:
    assert people(["Ada Byron", "Mary Shelley"]) == ("Ada Byron", "Mary Shelley")


@pytest.mark.parametrize(
    "words",
    ["We present results", "New York", "Stanford University", "Introduction", "the Author", "A", "1 2"],
)
def test_words_are_no_name(words: str) -> None:
    assert not is_name(words)


def test_a_line_of_prose_has_no_share_of_people() -> None:
    assert person_share("In this paper we show that rain falls on the plain") == 0
    assert person_share("") == 0
    assert person_share("Ada Byron, Mary Shelley") == 1
