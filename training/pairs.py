"""Pairs of a question and the passage that answers it, found in the texts without anyone's labels.

Four kinds, all of them within one document, so that a batch may take several pairs of one document and the
encoder learns to tell its passages apart:

* a textbook's review question and the passage of its chapter that shares most of its rare words,
* a sentence and the passage it was taken out of (the inverse cloze task of Lee et al. 2019, "Latent retrieval
  for weakly supervised open domain question answering"),
* a title and its abstract,
* a term and its definition.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from training.texts import Document, overlaps, sentences_of

__all__ = ["Pair", "pairs_of", "rare_words"]

_WORD = re.compile(r"[a-z][a-z0-9-]{2,}")
_LEAST_SHARED = 2.0
"""A question whose best passage shares less than so many ordinary words' worth with it has no answer here."""
_DEFINITION = re.compile(r"^([^:.]{3,60}): (.{30,})$")


@dataclass(frozen=True, slots=True)
class Pair:
    """What one might ask, and the passage that should be found by it."""

    question: str
    passage: str
    document: str
    kind: str


def pairs_of(
    document: Document, rarity: dict[str, float], draw: random.Random, forbidden: frozenset[int] = frozenset()
) -> Iterator[Pair]:
    """Yields a document's pairs; none with a forbidden stretch.

    Args:
        document: Its passages and questions.
        rarity: From `rare_words`: the inverse document frequency of each word.
        draw: Chooses the sentences.
        forbidden: Stretches of the collections that the encoder is evaluated on.
    """
    passages = [passage for passage in document.passages if not overlaps(passage.text, forbidden)]
    name = f"{document.source}/{document.path}"
    for question in document.questions:
        wanted = set(_WORD.findall(question.lower()))
        scored = [(_shared(wanted, passage.text, rarity), passage.text) for passage in passages]
        best = max(scored, default=(0.0, ""))
        if best[0] >= _LEAST_SHARED * rarity.get("", 1.0) and not overlaps(question, forbidden):
            yield Pair(question, best[1], name, "question")
    for passage in passages:
        definition = _DEFINITION.match(passage.text)
        if definition and not passage.heading:
            yield Pair(definition[1], definition[2], name, "definition")
            continue
        if document.is_abstract and passage.heading:
            yield Pair(passage.heading, passage.text, name, "title")
        sentences = sentences_of(passage.text)
        if len(sentences) >= 4:
            taken = draw.randrange(len(sentences))
            rest = " ".join(sentences[:taken] + sentences[taken + 1 :])
            yield Pair(sentences[taken], rest, name, "sentence")


def rare_words(texts: Iterable[str]) -> dict[str, float]:
    """Returns each word's inverse document frequency; under the empty word the median of all."""
    count, seen = 0, Counter[str]()
    for text in texts:
        count += 1
        seen.update(set(_WORD.findall(text.lower())))
    rarity = {word: math.log(count / times) for word, times in seen.items()}
    ordered = sorted(rarity.values())
    rarity[""] = ordered[len(ordered) // 2] if ordered else 1.0
    return rarity


def _shared(wanted: set[str], passage: str, rarity: dict[str, float]) -> float:
    words = set(_WORD.findall(passage.lower()))
    return (
        sum(rarity.get(word, 0.0) for word in wanted & words)
        / math.sqrt(20 + len(words))
        * math.sqrt(20 + 60)
    )
