"""Reads yes, no or maybe out of an answer: a model's own word, or what quoted sentences say by rule."""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["Verdict", "verdict_of"]

Verdict = Literal["yes", "no", "maybe"]

_OWN_WORD = re.compile(
    r"^\W*(?:(?:short |final )?answer\W+|in short\W+)?(yes|no|maybe|possibly|it depends)\b", re.IGNORECASE
)
_MARKER = re.compile(r"\[\d{1,3}\]")

_OPEN = re.compile(
    r"\b(?:inconclusive|unclear|uncertain|conflicting|equivocal|remains? to be"
    r"|(?:further|more) (?:research|studies|study|investigation|work|evidence) (?:is|are)"
    r"|cannot be (?:concluded|recommended)|insufficient evidence)\b",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(
    r"\b(?:no (?:\w+ ){0,2}(?:difference|association|correlation|effect|evidence|relationship|change|benefit"
    r"|increase|improvement|influence)s?"
    r"|(?:did|does|do|was|were|is|are|has|have|had|could|can|should|may|might) not\b|cannot|failed to"
    r"|unlikely|neither|non-?significant|not (?:significant|associated|related|different)(?:ly)?)",
    re.IGNORECASE,
)
_POSITIVE = re.compile(
    r"\b(?:significantly|associated with|correlated with|effective|improve[sd]?|increase[sd]?|decrease[sd]?"
    r"|reduce[sd]?|predict(?:s|ed|or|ors)?|p ?[<≤] ?0?\.0\d*|demonstrate[sd]?|confirm(?:s|ed)?"
    r"|is feasible|safe)\b",
    re.IGNORECASE,
)


def verdict_of(text: str) -> Verdict | None:
    """What the answer says to a question of yes or no; `None` where neither a word nor a rule can tell.

    A model's answer counts by the word it begins with. Of quoted sentences the first counts that has a cue:
    that the matter is open, a negation of a finding, or a finding. No rule weighs one sentence against
    another, so this is a low bar for a model to pass, not a judgement.

    Args:
        text: The answer, with its `[1]` markers.
    """
    if own := _OWN_WORD.match(text):
        return _meant(own.group(1).casefold())
    for line in _MARKER.sub("", text).splitlines():
        if _OPEN.search(line):
            return "maybe"
        if _NEGATIVE.search(line):
            return "no"
        if _POSITIVE.search(line):
            return "yes"
    return None


def _meant(word: str) -> Verdict:
    match word:
        case "yes":
            return "yes"
        case "no":
            return "no"
        case _:
            return "maybe"
