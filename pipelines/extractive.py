"""Answers without a model: the sentences that say most to the question, word for word and cited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from indexes.types import Hit
from pipelines.quotes import flat
from pipelines.words import content_stems, sentences, stem_set

__all__ = ["Sentence", "best_sentences", "rank_sentences"]

_SHORTEST_WORDS, _LONGEST_WORDS = 5, 110
_IN_TITLE = 0.3
_NEAR = 500
"""Characters before and after a sentence that tell what it is about: a hit may be several passages joined."""
_NOT_PROSE = re.compile(
    r"https?://|\bdoi\b"  # addresses
    r"|\.,? \(?(?:19|20)\d\d[a-z]?\)?[.:,] \S"  # an entry of a reference list: "Smith, J., (2021). Title"
    r"|\b(?:vol|pp)\. ?\d"
    r"|^[“\"][^“”\"]+[”\"]$"  # nothing but a quotation: the title in such an entry
    r"|[|=<>{}\\]{2}|\|.*\||\.{4}",  # tables, formulas, tables of contents
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of a passage, and how much it says to the question."""

    hit: Hit
    start: int
    """Offset in the document's text, from 0."""
    end: int
    score: float

    @property
    def text(self) -> str:
        """Word for word, on one line."""
        return flat(
            self.hit.passage.text[self.start - self.hit.passage.start : self.end - self.hit.passage.start]
        )


def best_sentences(
    question: str, hits: Sequence[Hit], *, weights: Mapping[str, float], limit: int
) -> tuple[Sentence, ...]:
    """The `limit` best sentences of hits that stand best first, none saying again what a better one says."""
    chosen: list[Sentence] = []
    for candidate in rank_sentences(question, hits, weights=weights):
        if len(chosen) == limit:
            break
        if not any(_alike(candidate, other) for other in chosen):
            chosen.append(candidate)
    return tuple(chosen)


def rank_sentences(question: str, hits: Sequence[Hit], *, weights: Mapping[str, float]) -> list[Sentence]:
    """Every sentence of `hits` that mentions what is asked, best first.

    A sentence scores by the weighted share of the question's stems it has, by neighbouring pairs of them, by
    the share that the sentence beside it has and that those around it have, and by the place of its passage.
    What stands in the paper's title counts little: its sentences need not repeat it. The weights were
    chosen on the development questions (`python -m benchmarks extractive`).
    """
    asked = content_stems(question)
    pairs = set(pairwise(asked))
    found: list[Sentence] = []
    for place, hit in enumerate(hits, 1):
        told = _without_title(weights, asked, hit)
        spans = list(sentences(hit.passage.text))
        stems = [content_stems(hit.passage.text[start:end]) for start, end in spans]
        shares = [_share(each, asked, told) for each in stems]
        for number, (start, end) in enumerate(spans):
            if not shares[number] or not _is_prose(hit.passage.text[start:end]):
                continue
            near = [n for n, (at, _) in enumerate(spans) if abs(at - start) <= _NEAR]
            around = _share(chain.from_iterable(stems[n] for n in near), asked, told)
            beside = max(shares[max(0, number - 1) : number] + shares[number + 1 : number + 2], default=0.0)
            paired = len(pairs & set(pairwise(stems[number])))
            score = shares[number] + 0.08 * paired + 0.1 * beside + 0.5 * around + 0.3 / place**0.5
            found.append(Sentence(hit, hit.passage.start + start, hit.passage.start + end, score))
    return sorted(found, key=lambda sentence: (-sentence.score, sentence.hit.rank, sentence.start))


def _without_title(weights: Mapping[str, float], asked: Iterable[str], hit: Hit) -> dict[str, float]:
    title = stem_set(hit.document.title)
    return {stem: weights.get(stem, 1.0) * (_IN_TITLE if stem in title else 1.0) for stem in asked}


def _share(stems: Iterable[str], asked: Iterable[str], weights: Mapping[str, float]) -> float:
    """Weighted share of `asked` that is among `stems`, from 0 to 1."""
    wanted = set(asked)
    total = sum(weights.get(stem, 1.0) for stem in wanted)
    return sum(weights.get(stem, 1.0) for stem in wanted & set(stems)) / total if total else 0.0


def _is_prose(text: str) -> bool:
    words = text.split()
    letters = sum(character.isalpha() for character in text)
    return (
        _SHORTEST_WORDS <= len(words) <= _LONGEST_WORDS
        and letters > 0.6 * len(text.replace(" ", ""))
        and not _NOT_PROSE.search(text)
    )


def _alike(one: Sentence, other: Sentence) -> bool:
    if one.hit.document.id == other.hit.document.id and one.start < other.end and other.start < one.end:
        return True
    first, second = set(content_stems(one.text)), set(content_stems(other.text))
    return len(first & second) > 0.85 * len(first | second)
