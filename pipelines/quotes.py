"""Finds a quotation in a text although spaces, line ends, quotation marks or dashes differ."""

from __future__ import annotations

import re

__all__ = ["contains", "find_quote", "flat", "without_brackets"]

_SAME = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "‐": "-",
        "‑": "-",
        "−": "-",
        "ﬁ": "fi",
        "ﬂ": "fl",
    }
)


def flat(text: str) -> str:
    """`text` on one line with single spaces, for showing a quotation."""
    return " ".join(text.split())


def without_brackets(text: str) -> str:
    """`text` with round brackets for square ones: a paper's own `[1]` would read as the answer's."""
    return text.replace("[", "(").replace("]", ")")


def contains(text: str, quote: str) -> bool:
    """Whether `quote` stands in `text`, word for word."""
    return find_quote(text, quote) is not None


def find_quote(text: str, quote: str) -> tuple[int, int] | None:
    """Offsets `(start, end)` of `quote` in `text`, from 0, end exclusive; `None` when it is not there.

    White space of any kind and length matches any other; so do the forms of quotation marks and dashes.
    """
    words = quote.translate(_SAME).split()
    if not words:
        return None
    pattern = r"\s+".join(re.escape(word) for word in words)
    # One character each way, so that offsets hold; the ligatures' two letters are matched in the pattern.
    pattern = pattern.replace("fi", "(?:fi|ﬁ)").replace("fl", "(?:fl|ﬂ)")
    found = re.search(pattern, text.translate(_SAME_LENGTH))
    return (found.start(), found.end()) if found else None


_SAME_LENGTH = str.maketrans({chr(code): same for code, same in _SAME.items() if len(same) == 1})
