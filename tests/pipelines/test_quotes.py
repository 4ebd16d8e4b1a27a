"""Quotations are found although they are set otherwise, and what is found is what was quoted."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.quotes import contains, find_quote

_SET_OTHERWISE = {
    "'": "'’‘",
    '"': '"“”',
    "-": "-–—‐‑−",
    " ": (" ", "\n", "  \t", "\u00a0", "\n\n", "\u2003"),
    "fi": ("fi", "ﬁ"),
    "fl": ("fl", "ﬂ"),
}
_PIECES = st.sampled_from(
    ["owls", "find", "flat", "can't", '"so"', "well-known", "(a.b)*", "[1]", "\\", "雨"]
)


def _alike(text: str) -> list[str]:
    """The words of a text with every form of a mark written the same."""
    for plain, forms in _SET_OTHERWISE.items():
        for form in forms if plain != " " else ():
            text = text.replace(form, plain)
    return text.split()


@st.composite
def _quote_and_page(draw: st.DrawFn) -> tuple[str, str]:
    """A quotation, and a page on which a typesetter has set it in a way of its own."""
    words = draw(st.lists(_PIECES, min_size=1, max_size=8))
    page = ""
    for word in words:
        for plain, forms in _SET_OTHERWISE.items():
            if plain != " ":
                word = draw(st.sampled_from(list(forms))).join(word.split(plain))
        page += (draw(st.sampled_from(_SET_OTHERWISE[" "])) if page else "") + word
    before, after = draw(st.text(max_size=30)), draw(st.text(max_size=30))
    return " ".join(words), f"{before} {page} {after}"


@settings(deadline=None)
@given(_quote_and_page())
def test_a_quotation_is_found_however_the_page_sets_it(both: tuple[str, str]) -> None:
    quote, page = both
    found = find_quote(page, quote)
    assert found is not None
    assert _alike(page[slice(*found)]) == _alike(quote)


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=20))
@example("a\ud800b", "\ud800")
@example("the eﬃcient ﬁnd", "fi")
@example("x" * 5_000, "x " * 40)
@example("(((((", "(")
def test_what_is_found_is_what_was_quoted_in_any_text(text: str, quote: str) -> None:
    found = find_quote(text, quote)
    assert contains(text, quote) == (found is not None)
    if found is None:
        assert quote not in text or not quote.split()
        return
    start, end = found
    assert 0 <= start < end <= len(text)
    assert _alike(text[start:end]) == _alike(quote)


@pytest.mark.parametrize("quote", ["", "  ", "\n\u00a0"])
def test_a_quotation_without_a_word_stands_nowhere(quote: str) -> None:
    assert find_quote("any text", quote) is None
