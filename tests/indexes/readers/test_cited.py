"""A paper's list of references, entry by entry."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.readers.cited import cited, entry

_AUTHOR_YEAR = """
Byron, A., & Shelley, M. (2019). On analytical engines. Journal of Engines, 3(1), 1–9.
https://doi.org/10.1000/engines.2019.01
Hopper, G. (2020). Compilers for everyone: a history. Annals of Computing, 12,
44–50. https://doi.org/10.1000/comp-
2020-07
R Core Team. (2018). R: A language and environment. Vienna, Austria.
"""


def test_entries_without_numbers_begin_with_a_name() -> None:
    engines, compilers, language = cited(_AUTHOR_YEAR)
    assert (engines.title, engines.year) == ("On analytical engines", 2019)
    assert engines.doi == "10.1000/engines.2019.01"
    assert (compilers.title, compilers.authors) == ("Compilers for everyone: a history", ("G. Hopper",))
    assert compilers.doi == "10.1000/comp-2020-07", "a DOI that a line's end divides is made whole"
    assert language.year == 2018


def test_numbered_entries_are_counted_and_a_year_at_a_line_is_none_of_them() -> None:
    text = (
        "[1] Ada Byron and Mary Shelley. On analytical engines. Journal of Engines,\n2019. doi:10.1000/a\n"
        '[2] G. Hopper, "Compilers for everyone," in Proc. Computing, 2020.\n'
        "[3] Emmy Noether. Invariants. arXiv:2101.00001, 2021."
    )
    first, second, third = cited(text)
    assert (first.title, first.authors) == ("On analytical engines", ("Ada Byron", "Mary Shelley"))
    assert (second.title, second.year) == ("Compilers for everyone", 2020)
    assert (third.arxiv_id, third.year) == ("2101.00001", 2021)
    dotted = cited("1. Byron A. Engines. J Eng.\n2019;3:1-9.\n2. Hopper G. Compilers. Ann Comp. 2020;12:44.")
    assert [one.year for one in dotted] == [2019, 2020]


def test_the_printed_text_is_kept_whole() -> None:
    (one,) = cited("Byron, A. (2019). On analytical engines. Journal of Engines.")
    assert one.text == "Byron, A. (2019). On analytical engines. Journal of Engines."


def test_what_cannot_be_told_stays_empty() -> None:
    nothing = entry("ibid., pp. 3 and following pages")
    assert (nothing.authors, nothing.year, nothing.doi, nothing.arxiv_id) == ((), None, None, None)


@settings(deadline=None)
@given(st.text(max_size=600))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for one in cited(text):
        assert one.text
