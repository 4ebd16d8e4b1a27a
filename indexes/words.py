"""English as far as finding and matching need it: words that tell nothing, and where sentences end."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["STOP_WORDS", "sentence_spans"]

STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are as at be because been before being
    below between both but by can cannot could d did do does doing don down during each either etc few
    for from further had has have having he her here hers herself him himself his how however i if in
    into is it its itself just let ll m may me might more most much must my myself no nor not now of off
    on once only or other our ours ourselves out over own per please re s same shall she should so some
    such t tell than that the their theirs them themselves then there these they this those through thus
    to too under until up upon us ve very via was we were what when where whether which while who whom
    whose why will with within without would you your yours yourself yourselves
    """.split()
)

_ENDS = re.compile(
    r"""[.!?]+["'”’)\]]*\s+(?=["'“‘(\[]*[^\Wa-z_])   # a full stop, then no small letter
    |[。！？]+\s*                                       # scripts without spaces
    |[^\S\n]*\n\s*\n\s*                                # an empty line
    |\n(?=[^\S\n]*(?:[-*•]|\d{1,2}[.)])[^\S\n])          # a list item""",
    re.VERBOSE,
)
_NOT_AN_END = re.compile(
    r"(?:\b(?:al|approx|cf|ch|dr|ed|eds|eq|eqs|etc|fig|figs|i\.e|e\.g|jr|mr|mrs|ms|no|nos|p|pp|prof|ref|refs|resp"
    r"|sec|sect|st|tab|vol|vs)|\b[A-Z])\.\s+$",
    re.IGNORECASE,
)


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yields `(start, end)` of each sentence with the white space after it; together they are the whole text.

    Empty lines and list items end a sentence; abbreviations and initials do not.
    """
    start = 0
    for end in _ENDS.finditer(text):
        if _NOT_AN_END.search(text, max(start, end.start() - 12), end.end()) is None:
            yield start, end.end()
            start = end.end()
    if start < len(text):
        yield start, len(text)
