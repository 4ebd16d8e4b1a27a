"""A small deterministic encoder that needs no model file: it matches wording, not meaning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from indexes.protocols import Vectors

__all__ = ["HashingEncoder"]

_REVISION = 1
"""Part of the fingerprint; grows with every change that moves a vector."""
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_ENDING = re.compile(r"(?<=\w{4})(?:ings?|ed|e?rs?|es|s|ly)$")
_NGRAM_WEIGHT = 0.6
"""Length of a word's character n-grams together, beside 1.0 for its stem."""
_STOP_WEIGHT = 0.1
_STOP_WORDS = frozenset(
    "a an and are as at be been but by can could did do does for from had has have how i if in into is it "
    "its may more most no not of on or our should so such than that the their them then there these they "
    "this those to was we were what when where which while who why will with would you your".split()
)
_WORDS_REMEMBERED = 20_000


class HashingEncoder:
    """Feature hashing of words and their parts into a unit vector, the same on every machine.

    Each stem and each character 3- to 5-gram of a word is hashed to one dimension and a sign (Weinberger et
    al. 2009, "Feature hashing for large scale multitask learning", eq. 2); words count with `1 + log(tf)`.
    Texts that share words, or forms and compounds of them, come out close. Synonyms do not: this is a double
    for the real model, good for tests, the demo and a machine without a model, and honest about no more.
    """

    def __init__(self, dimensions: int = 384) -> None:
        if dimensions < 8:
            raise ValueError(f"dimensions is {dimensions}, and must be at least 8")
        self._dimensions = dimensions
        self._word_vector = lru_cache(maxsize=_WORDS_REMEMBERED)(self._make_word_vector)

    @property
    def name(self) -> str:
        """`hashing`."""
        return "hashing"

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._dimensions

    @property
    def fingerprint(self) -> str:
        """Name, dimension and the method's revision: there is no model whose hash could tell more."""
        return f"{self.name}/{self._dimensions}/{_REVISION}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Returns one unit-length row per text, in order; a text without words has a fixed vector."""
        matrix = np.empty((len(texts), self._dimensions), np.float32)
        for row, text in enumerate(texts):
            matrix[row] = self._text_vector(text)
        return matrix

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words and punctuation marks of each text."""
        return [len(_TOKEN.findall(text)) for text in texts]

    def _text_vector(self, text: str) -> NDArray[np.float32]:
        counts = Counter(_WORD.findall(text.lower()))
        if not counts:
            return self._word_vector("")
        weights = 1.0 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))
        summed = weights @ np.asarray([self._word_vector(word) for word in counts])
        length = float(np.linalg.norm(summed))
        # Signs can cancel out exactly; a text still needs a direction.
        return summed / np.float32(length) if length > 1e-6 else self._word_vector("")

    def _make_word_vector(self, word: str) -> NDArray[np.float32]:
        """The word's stem and n-grams as one vector; of unit length for the empty word."""
        grams = _grams(word)
        weights = np.full(len(grams) + 1, _NGRAM_WEIGHT / max(1, len(grams)) ** 0.5)
        weights[0] = 1.0
        codes = _hash([" " + _ENDING.sub("", word), *grams])
        weights *= np.where(codes & np.uint64(1), 1.0, -1.0) * (_STOP_WEIGHT if word in _STOP_WORDS else 1.0)
        places = (codes >> np.uint64(1)) % np.uint64(self._dimensions)
        return np.bincount(places.astype(np.intp), weights, self._dimensions).astype(np.float32)


def _grams(word: str) -> list[str]:
    """Character 3- to 5-grams of a word with its ends marked; a long word counts by its first part."""
    marked = f"<{word[:40]}>" if word else ""
    return [marked[start : start + size] for size in (3, 4, 5) for start in range(len(marked) - size + 1)]


def _hash(features: list[str]) -> NDArray[np.uint64]:
    """Codes that are the same in every process, as those of Python's own `hash` are not.

    CRC-32 alone keeps like features close; the multiplication (Knuth, TAOCP 3, 6.4) spreads them, and its
    upper half is well mixed.
    """
    codes = np.array([crc32(feature.encode("utf-8", "replace")) for feature in features], np.uint64)
    return (codes * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
