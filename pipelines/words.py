"""Words, stems and sentences: what matching a sentence with its evidence is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from indexes.words import STOP_WORDS, sentence_spans

__all__ = ["content_stems", "content_words", "numbers", "sentences", "stem_set"]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_ASKING = frozenset(
    """
    among get gets give given gives kind kinds like made make makes many neither one paper papers show
    shows study therefore use used uses using
    """.split()
)
"""Words of a question that say nothing about its subject, beyond those of any text."""
_SILENT = STOP_WORDS | _ASKING


@lru_cache(maxsize=8192)
def content_stems(text: str) -> tuple[str, ...]:
    """The stems of the words that carry meaning, in order, stop words left out.

    Stems are Porter's (1980), the same that the keyword index uses. A question and the sentences it is held
    against come back in every step, so the last few thousand are remembered.
    """
    return tuple(_stem(word) for word in _words(text) if word not in _SILENT)


def content_words(text: str) -> dict[str, str]:
    """The words that carry meaning, as they are spelt and each once, with their stems."""
    words = (found.group().replace("’", "'").removesuffix("'s") for found in _WORD.finditer(text))
    return {word: _stem(word.lower()) for word in words if word.lower() not in _SILENT}


@lru_cache(maxsize=2048)
def stem_set(text: str) -> frozenset[str]:
    """The distinct stems of every word of `text`, stop words included."""
    return frozenset(map(_stem, _words(text)))


def numbers(text: str) -> frozenset[str]:
    """The numbers that stand in `text`, thousands separators dropped; citation markers are not numbers."""
    return frozenset(
        number.replace(",", "") for number in _NUMBER.findall(re.sub(r"\[\d[\d,\s–-]*\]", " ", text))
    )


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yields `(start, end)` of each sentence, `end` exclusive, white space around it left out."""
    for start, end in sentence_spans(text):
        piece = text[start:end]
        if words := piece.strip():
            first = start + piece.index(words)
            yield first, first + len(words)


def _words(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    if "'" in text or "’" in text:
        return [word.replace("’", "'").removesuffix("'s") for word in words]
    return words


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer():  # type: ignore[no-untyped-def]
    from snowballstemmer import stemmer

    return stemmer("porter")
