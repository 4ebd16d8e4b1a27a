"""Grades an answer where its question came with what is right: words, spans, papers, yes or no, silence."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from assistant.batch_questions import Gold
from assistant.verdict import Verdict, verdict_of
from indexes.shelf import letters
from indexes.types import Model
from pipelines.prompts import NOT_ANSWERED
from pipelines.quotes import contains
from pipelines.words import sentences

if TYPE_CHECKING:
    from assistant.batch_row import Row, Source

__all__ = ["Grade", "exact_match", "graded", "normalised", "token_f1"]

_MARKER = re.compile(r"\[(\d{1,3})\]")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_DOI_BEGINNING = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:)\s*", re.IGNORECASE)
_NOT_BRACKETS = str.maketrans("[]", "()")
"""An extractive answer writes a quoted sentence's brackets so: they would read as citations."""


class Grade(Model):
    """How one answer compares with what is right; `None` is what was not asked for."""

    exact: bool | None = None
    """The whole answer is one of the right ones, both normalised."""
    f1: float | None = None
    """Token F1 with the closest right answer, 0 to 1."""
    span_cited: bool | None = None
    """A right answer stands, word for word, in a sentence of the answer that cites, and where the right
    papers are known, cites one of them."""
    span_quoted: bool | None = None
    """A right answer stands in the verified quote of a cited source."""
    documents_cited: float | None = None
    """Share of the right papers that are cited."""
    verdict: Verdict | None = None
    """What the answer says, read by rule; `None` where that cannot be told."""
    verdict_right: bool | None = None
    abstained: bool = False
    """It says that there is no answer."""
    abstaining_right: bool | None = None
    """To abstain, or not to, was right."""


def graded(row: Row, gold: Gold) -> Grade:
    """Returns how the answer compares with what is right; a question that failed is as wrong as can be."""
    abstained = _abstains(row)
    verdict = verdict_of(row.text) if gold.verdict is not None and not abstained else None
    answers = gold.answers
    bare = _MARKER.sub("", row.text)
    return Grade(
        exact=any(exact_match(bare, answer) for answer in answers) if answers else None,
        f1=max(token_f1(bare, answer) for answer in answers) if answers else None,
        span_cited=_span_cited(row, gold) if answers else None,
        span_quoted=_span_quoted(row, gold) if answers else None,
        documents_cited=_share_cited(row.sources, gold.documents) if gold.documents else None,
        verdict=verdict,
        verdict_right=verdict == gold.verdict if gold.verdict is not None else None,
        abstained=abstained,
        abstaining_right=abstained is not gold.answerable if gold.answerable is not None else None,
    )


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and surplus spaces, as SQuAD compares answers.

    From the evaluation script v1.1 of Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine
    Comprehension of Text", section 6.1.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(answer: str, gold: str) -> bool:
    """Whether both are the same, normalised."""
    return normalised(answer) == normalised(gold)


def token_f1(answer: str, gold: str) -> float:
    """Harmonic mean of precision and recall over the words that both have, normalised; 0 to 1.

    From the same script; as in that of SQuAD 2.0, two texts without a word are the same.
    """
    said, right = normalised(answer).split(), normalised(gold).split()
    if not said or not right:
        return float(said == right)
    common = (Counter(said) & Counter(right)).total()
    return 2 * common / (len(said) + len(right))


def _abstains(row: Row) -> bool:
    return row.author == "nothing" or NOT_ANSWERED.rstrip(".") in row.text


def _span_cited(row: Row, gold: Gold) -> bool:
    right = {source.number for source in row.sources if _is_one_of(source, gold.documents)}
    return any(
        _holds(text, gold.answers)
        for text, cited in _cited_sentences(row.text)
        if not gold.documents or cited & right
    )


def _span_quoted(row: Row, gold: Gold) -> bool:
    return any(
        source.verified
        and _holds(source.quote, gold.answers)
        and (not gold.documents or _is_one_of(source, gold.documents))
        for source in row.sources
    )


def _cited_sentences(text: str) -> list[tuple[str, set[int]]]:
    """Each sentence that has a marker, without it, and the numbers it cites.

    A marker may follow the full stop: what comes before the first word of a sentence belongs to the last. A
    quoted sentence is a line of its own, whatever full stops stand in it.
    """
    found: list[tuple[str, set[int]]] = []
    for line in text.splitlines():
        spans = [(0, len(line))] if line.startswith("- ") else list(sentences(line))
        last = ""
        for start, end in spans:
            piece = line[start:end]
            leading = re.match(r"(?:\s*\[\d{1,3}\])+", piece)
            if leading and last:
                found.append((last, _numbers(leading.group())))
                piece = piece[leading.end() :]
            if cited := _numbers(piece):
                found.append((_MARKER.sub("", piece), cited))
            last = _MARKER.sub("", piece)
    return found


def _numbers(text: str) -> set[int]:
    return {int(number) for number in _MARKER.findall(text)}


def _holds(text: str, answers: Sequence[str]) -> bool:
    flat = text.translate(_NOT_BRACKETS)
    return any(contains(flat, answer.translate(_NOT_BRACKETS)) for answer in answers if answer.strip())


def _share_cited(sources: Sequence[Source], documents: Sequence[str]) -> float:
    cited = sum(any(_is_called(source, name) for source in sources) for name in documents)
    return cited / len(documents)


def _is_one_of(source: Source, documents: Sequence[str]) -> bool:
    return any(_is_called(source, name) for name in documents)


def _is_called(source: Source, name: str) -> bool:
    """Whether a person means this paper: by its id, DOI, file, or title."""
    path = PurePath(source.source)
    files = {source.source.casefold(), path.name.casefold(), path.stem.casefold()}
    doi = _DOI_BEGINNING.sub("", name).casefold()
    return (
        name == source.document
        or (bool(source.doi) and doi == source.doi.casefold())
        or name.casefold() in files
        or (letters(name) or name) == letters(source.title)
    )
