"""Answers without a model: the sentences that say most to the question, word for word and cited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from indexes.types import Hit
from pipelines.quotes import flat
from pipelines.words import content_stems, content_words, sentences, stem_set

__all__ = [
    "COMPARED",
    "Sentence",
    "best_sentences",
    "by_meaning_too",
    "distinct",
    "rank_sentences",
    "unmentioned",
]

COMPARED = 40
"""Sentences, the best by their words, that are compared with the question by meaning; more of them made no
answer better."""
_SHORTEST_WORDS, _LONGEST_WORDS = 5, 110
_IN_TITLE = 0.3
_NEAR = 500
"""Characters before and after a sentence that tell what it is about: a hit may be several passages joined."""
_MEANT = 1.5
"""What a cosine of 1 with the question adds to a sentence's score. Like the weight of what stands around it,
chosen on 1,190 questions of XQuAD (Artetxe et al. 2020) and 389 of FairytaleQA (Xu et al. 2022)."""
_SAME = 0.6
"""Share of stems that two sentences have in common from which on the second says nothing new."""
_BESIDE_THE_TEXT = 1.0
"""What a sentence of a title page, of a list of references or of thanks loses: names, addresses and notes on
the paper share words with many a question and answer few. Where nothing else tells they are still found."""
_TELLING = 0.5
"""Rarity from which on a word of a question is missed where no passage has it: "affects" is not."""
_HYPHEN = re.compile(r"(?<=\w)[-\u2010\u2011](?=\w)")
_COMPOUND = re.compile(r"\w+(?:[-\u2010\u2011]\w+)+")
_OF_THE_WORK = re.compile(
    r"[\d.\s]*(?:acknowledge?ments?|funding|(?:author|credit)s?\b.*\bcontributions?"
    r"|(?:conflicts? of|competing|declaration of).*\binterests?)\W*",
    re.IGNORECASE,
)
"""Headings under which a paper tells of its making."""
_NOT_PROSE = re.compile(
    r"https?://|\bdoi\b"  # addresses
    r"|\.,? \(?(?:19|20)\d\d[a-z]?\)?[.:,] \S"  # an entry of a reference list: "Smith, J., (2021). Title"
    r"|\b(?:vol|pp)\. ?\d"
    r"|^[“\"][^“”\"]+[”\"]$"  # nothing but a quotation: the title in such an entry
    r"|©|\bcreative commons\b|\ball rights reserved\b|\bopen[- ]access article\b"  # a licence
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
    share: float
    """Weighted share of the question's stems that it has, 0 to 1."""
    context_start: int
    """Where the sentence before it begins; `start` where there is none."""

    @property
    def text(self) -> str:
        """Word for word, on one line."""
        return self._from(self.start)

    @property
    def in_context(self) -> str:
        """After the sentence before it, which often names what it is about."""
        return self._from(self.context_start)

    def _from(self, start: int) -> str:
        passage = self.hit.passage
        return flat(passage.text[start - passage.start : self.end - passage.start])


def best_sentences(
    question: str, hits: Sequence[Hit], *, weights: Mapping[str, float], limit: int
) -> tuple[Sentence, ...]:
    """The `limit` best sentences of hits that stand best first, none saying again what a better one says."""
    ranked = rank_sentences(question, hits, weights=weights)
    return distinct([each for each in ranked if each.share], limit=limit)


def distinct(ranked: Iterable[Sentence], *, limit: int) -> tuple[Sentence, ...]:
    """The first `limit` sentences, which stand best first, without what says again what a better one says."""
    chosen: list[Sentence] = []
    for candidate in ranked:
        if len(chosen) == limit:
            break
        if not any(_alike(candidate, other) for other in chosen):
            chosen.append(candidate)
    return tuple(chosen)


def rank_sentences(question: str, hits: Sequence[Hit], *, weights: Mapping[str, float]) -> list[Sentence]:
    """Every sentence of prose in `hits`, best first, those too that mention nothing of what is asked.

    A sentence scores by the weighted share of the question's stems it has, by neighbouring pairs of them, by
    the share that the sentence beside it has and that those around it have, and by the place of its passage.
    What stands in the paper's title counts little: its sentences need not repeat it; what stands on its title
    page, in its list of references or among its thanks counts less than its text. The weights were
    chosen on the development questions (`python -m benchmarks grading`), but for that of what stands around.
    """
    asked = content_stems(question)
    pairs = set(pairwise(asked))
    found: list[Sentence] = []
    for place, hit in enumerate(hits, 1):
        told = _without_title(weights, asked, hit)
        beside_the_text = hit.passage.part != "body" or _OF_THE_WORK.fullmatch(hit.passage.section or "")
        spans = list(sentences(hit.passage.text))
        stems = [content_stems(hit.passage.text[start:end]) for start, end in spans]
        shares = [_share(each, asked, told) for each in stems]
        for number, (start, end) in enumerate(spans):
            if not _is_prose(hit.passage.text[start:end]):
                continue
            near = [n for n, (at, _) in enumerate(spans) if abs(at - start) <= _NEAR]
            around = _share(chain.from_iterable(stems[n] for n in near), asked, told)
            beside = max(shares[max(0, number - 1) : number] + shares[number + 1 : number + 2], default=0.0)
            paired = len(pairs & set(pairwise(stems[number])))
            score = shares[number] + 0.08 * paired + 0.1 * beside + 0.8 * around + 0.3 / place**0.5
            if beside_the_text:
                score -= _BESIDE_THE_TEXT
            before = spans[number - 1][0] if number else start
            at, until, context = (hit.passage.start + offset for offset in (start, end, before))
            found.append(Sentence(hit, at, until, score, shares[number], context))
    return sorted(found, key=lambda sentence: (-sentence.score, sentence.hit.rank, sentence.start))


def by_meaning_too(sentences: Sequence[Sentence], closeness: Sequence[float]) -> list[Sentence]:
    """The sentences anew, best first, scored by their words and by their meaning.

    Words tell a name or a number that is asked for, meaning an answer that says it in others. What a sentence
    is about often stands in the one before: compared alone, sentences came out worse on both collections.

    Args:
        sentences: As `rank_sentences` has them.
        closeness: Cosine of each one, `in_context`, with the question.
    """
    scored = [
        replace(each, score=each.score + _MEANT * cosine)
        for each, cosine in zip(sentences, closeness, strict=True)
    ]
    return sorted(scored, key=lambda sentence: (-sentence.score, sentence.hit.rank, sentence.start))


def unmentioned(question: str, hits: Iterable[Hit], *, weights: Mapping[str, float]) -> tuple[str, ...]:
    """The rare words of a question, as it spells them, that stand in no hit and in no title.

    Sentences that are quoted word for word look like an answer to whatever was asked; this says what of it
    they cannot be about, in so many words at least. A word with a hyphen is the same without it.
    """
    told: set[str] = set()
    for hit in hits:
        text = f"{hit.document.title}\n{hit.passage.text}"
        told |= stem_set(text) | stem_set(_HYPHEN.sub("", text))
    joined = {
        part
        for compound in _COMPOUND.findall(question)
        if stem_set(_HYPHEN.sub("", compound)) <= told
        for part in _HYPHEN.split(compound)
    }
    return tuple(
        word
        for word, stem in content_words(question).items()
        if weights.get(stem, 1.0) >= _TELLING and stem not in told and word not in joined
    )


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
    return len(first & second) > _SAME * len(first | second)
