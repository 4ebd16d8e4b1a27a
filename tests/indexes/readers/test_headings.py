"""Headings in text that has none marked, and the parts they make."""

from __future__ import annotations

from indexes.readers.headings import with_headings
from indexes.readers.parts import parts_of
from indexes.types import PAGE_BREAK, Section


def _headings(*pages: str) -> list[str]:
    return [block.text for page in with_headings(pages) for block in page if block.heading]


def test_numbers_in_order_and_known_names_are_headings() -> None:
    some = "words " * 60
    page = (
        f"Abstract\n{some}\n1 Introduction\n{some}\n2. Birds and data\n2.1 Birds\n{some}\n3 Results\n{some}\n"
        "References\n[1] a"
    )
    assert _headings(page) == [
        "Abstract",
        "1 Introduction",
        "2. Birds and data",
        "2.1 Birds",
        "3 Results",
        "References",
    ]


def test_numbers_go_on_over_pages() -> None:
    assert _headings("1 Introduction\nx", "y\n2 Results\nz") == ["1 Introduction", "2 Results"]


def test_items_of_a_list_are_no_headings() -> None:
    text = "1 Introduction\n" + "x " * 300 + "\n1. Learn to read\n2. Learn to write\n3. Learn to count\n"
    assert _headings(text + "x " * 300 + "\n2 Methods\ny") == ["1 Introduction", "2 Methods"]


def test_addresses_quantities_and_entries_are_no_headings() -> None:
    text = "1 Department of Physics, University of Oslo\n12 Apples were eaten\nresults\nReferences\n1. Hopper G. X"
    assert _headings(text) == ["References"]


def test_nothing_of_the_text_is_left_out() -> None:
    page = "Title\n\n1 Introduction\nRain.\n\nReferences\n[1] x"
    (blocks,) = with_headings([page])
    assert "\n".join(block.text for block in blocks) == page


_TEXT = PAGE_BREAK.join(
    [
        "On rain\nAda Byron\nAbstract\n"
        + "It rains. " * 20
        + "\nKeywords: rain\n1 Introduction\nRain falls.",
        "References\n[1] Byron. Rain.\nAppendix A\nMore rain.",
    ]
)


def _sections(*titles: str) -> list[Section]:
    return [Section(title=title, start=_TEXT.index(title)) for title in titles]


def test_front_matter_abstract_and_references_are_told_apart() -> None:
    parts = parts_of(
        _TEXT, _sections("Abstract", "1 Introduction", "References", "Appendix A"), has_front=True
    )
    assert parts.abstract == ("It rains. " * 20).strip(), "up to the key words"
    assert [(one.part, _TEXT[one.start : one.end]) for one in parts.marked] == [
        ("front", "On rain\nAda Byron\n"),
        ("references", "References\n[1] Byron. Rain.\n"),
    ]
    assert parts.references.strip() == "[1] Byron. Rain."


def test_a_text_without_headings_is_all_body() -> None:
    assert parts_of("Rain falls. " * 400, [], has_front=True).marked == ()
