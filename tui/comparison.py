"""Two answers beside each other, as data: which sentences and which papers only one of them has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.events import Answer, Document
from assistant.export import cited_papers
from tui.safe import shown

__all__ = ["Comparison", "Sentence", "compared"]

_BREAK = re.compile(r"(?<=[.!?])(?:\s*\[\d+\])*\s+|\n+")
_CITED = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True)
class Sentence:
    """A sentence of one of the answers."""

    text: str
    """As it may be shown, its citations included."""
    in_both: bool
    """Whether the other answer says it in the same words, numbers of citations apart."""


@dataclass(frozen=True)
class Comparison:
    """What two answers have in common and what not."""

    first: tuple[Sentence, ...]
    second: tuple[Sentence, ...]
    both_cite: tuple[Document, ...]
    only_first_cites: tuple[Document, ...]
    only_second_cites: tuple[Document, ...]


def compared(first: Answer, second: Answer) -> Comparison:
    """Compares two answers; papers in the order of the first answer's citations, then of the second's."""
    said, also = _sentences(first), _sentences(second)
    papers, others = cited_papers(first), cited_papers(second)
    return Comparison(
        first=_marked(said, also),
        second=_marked(also, said),
        both_cite=tuple(paper for paper in papers if _among(paper, others)),
        only_first_cites=tuple(paper for paper in papers if not _among(paper, others)),
        only_second_cites=tuple(paper for paper in others if not _among(paper, papers)),
    )


def _sentences(answer: Answer) -> list[str]:
    text, sentences, start = shown(answer.text), [], 0
    for end in [found.end() for found in _BREAK.finditer(text)] + [len(text)]:
        if sentence := text[start:end].strip():
            sentences.append(sentence)
        start = end
    return sentences


def _marked(sentences: Sequence[str], others: Sequence[str]) -> tuple[Sentence, ...]:
    known = {_bare(other) for other in others}
    return tuple(Sentence(sentence, _bare(sentence) in known) for sentence in sentences)


def _bare(sentence: str) -> str:
    """What is said, without marks of lists and emphasis, numbers of citations and differences of case."""
    return re.sub(r"[\W_]+", " ", _CITED.sub("", sentence)).strip().casefold()


def _among(paper: Document, others: Sequence[Document]) -> bool:
    return any(paper.id == other.id for other in others)
