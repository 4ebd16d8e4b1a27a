"""A follow-up such as "and in mice?" is made into a question that stands by itself."""

from __future__ import annotations

import re

from indexes.query import parse_query
from pipelines.errors import ModelMalformed
from pipelines.models import ChatModel
from pipelines.policy import Policy
from pipelines.prompts import condense_prompt
from pipelines.settings import Limits
from pipelines.step import Step, rung
from pipelines.types import Question
from pipelines.words import content_stems

__all__ = ["by_joining", "by_small_model", "condense_step", "needs_context"]

_LONGEST = 400
"""Characters of a model's rewriting; more is not one question."""
_SHORT_WORDS = 8
_POINTING_WORDS = 14

_OPENING = re.compile(
    r"(?:and|but|or|so|also|then|besides|what about|how about|what if|what else|anything else|why not|how so|"
    r"which ones?|the same)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?:in|for|with|without|among|at|on|by|from|after|before|during|under|versus|vs|compared (?:to|with))\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|these|those|he|him|she|her|his|the (?:same|former|latter|others?))\b"
    r"|\b(?:this|that)\b(?=\W*$|\s+(?:is|are|was|were|does|do|did|mean|work|help|hold|apply|differ)\b)",
    re.IGNORECASE,
)
_EMPTY_IT = re.compile(r"\bis it (?:true|possible|known|likely|better|worth|useful|safe)\b", re.IGNORECASE)


def needs_context(text: str) -> bool:
    """Whether a question is the rest of an earlier one, by its wording; calls no model.

    It is where it is a word or two, where it begins as a continuation does, or where it points back.
    """
    words = parse_query(text).text.split()
    wording = " ".join(words)
    if not words or _EMPTY_IT.search(wording):
        return False
    if len(words) <= 2 or _OPENING.match(wording):
        return True
    if len(words) <= _SHORT_WORDS and _PLACE.match(wording) and not re.search(r"\bwh\w+|\bhow\b", wording):
        return True
    return len(words) <= _POINTING_WORDS and bool(_POINTING.search(wording))


def condense_step(limits: Limits) -> Step:
    """The step that makes a question of what was said and the question before it."""
    kind = Policy(timeout_seconds=limits.classify_seconds, attempts=2, cache=True)
    return Step(
        "condense",
        gives="question",
        share=10,
        ladder=(
            rung(by_small_model, kind, name="the small model"),
            rung(by_joining, name="both as they stand"),
        ),
    )


async def by_small_model(said: Question, small: ChatModel) -> Question:
    """The small model writes the whole question; the filters of both stay as the person wrote them.

    Raises:
        ModelMalformed: Its reply is not one question about what was asked.
    """
    assert said.follows is not None
    earlier, later = parse_query(said.follows.text).text, parse_query(said.text).text
    reply = (await small.complete(condense_prompt(earlier, later))).strip().strip("\"'“”")
    whole = " ".join(reply.split())
    about = set(content_stems(earlier)) | set(content_stems(later))
    if not whole or len(whole) > _LONGEST or "\n" in reply or not about & set(content_stems(whole)):
        raise ModelMalformed(f"{small.settings.name} wrote no question that goes on from the one before.")
    filters = [*_filters(said.follows.text), *_filters(said.text)]
    return _whole(said, " ".join([whole, *dict.fromkeys(filters)]))


async def by_joining(said: Question) -> Question:
    """The last rung: the question before it, then what was said, both in the person's words."""
    assert said.follows is not None
    first = re.split(r"(?<=[?.!])\s+(?=[A-Z])", said.follows.text, maxsplit=1)[0].strip()
    opening = first if first[-1:] in "?.!" else f"{first}?"
    return _whole(said, f"{opening} {said.text[:1].upper()}{said.text[1:]}")


def _whole(said: Question, text: str) -> Question:
    return said.model_copy(update={"text": text, "said": said.text})


def _filters(text: str) -> list[str]:
    """The filters in a question, as they are written."""
    return [str(each) for each in re.findall(_FILTER, text)]


_FILTER = re.compile(r"(?<!\S)(?:author|year|in|type|part|like):(?:\"[^\"]+\"|\S+)", re.IGNORECASE)
