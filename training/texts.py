"""Makes training texts out of textbooks, articles and abstracts: passages, sentences, headings, questions."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree  # type: ignore[import-untyped]

from training.sources import SOURCES, Source, clone, files_of

__all__ = [
    "Block",
    "Document",
    "Passage",
    "collect",
    "documents",
    "fingerprints",
    "overlaps",
    "passages",
    "sentences_of",
]

_LEAST_WORDS = 8
_PASSAGE_WORDS = (20, 170)
"""A passage is grown paragraph by paragraph to a length drawn from this range: about 30 to 250 tokens."""
_MATH_SHARE = 0.25
"""A paragraph with a greater share of its characters outside of words is formulas, no sentence."""
_SHINGLE_WORDS = 8
_SPACES = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"“(])")
_QUOTED = re.compile(r"^(?:> *|Abstract: *)(?=[A-Z0-9“\"])(.+)$", re.MULTILINE)
_TITLE_WORDS = 30


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive paragraphs under one heading."""

    heading: str
    paragraphs: tuple[str, ...]
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A chapter, an article or an abstract."""

    source: str
    path: str
    passages: tuple[Passage, ...]
    questions: tuple[str, ...]
    is_abstract: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to learn from; `heading` is what it stands under, or empty."""

    text: str
    heading: str
    source: str


def collect(root: Path, *, forbidden: frozenset[int] = frozenset(), seed: int = 1) -> Iterator[Passage]:
    """Yields the training texts of all sources; each text once, none that repeats a forbidden stretch.

    Args:
        root: Where the sources' git directories are, or are put.
        forbidden: From `fingerprints` of the collections that the encoder is evaluated on.
        seed: The same one draws the same lengths and sentences.
    """
    seen: set[bytes] = set()
    for source in SOURCES:
        draw = random.Random(f"{seed} {source.repository}")
        found: list[Passage] = []
        for passage in passages(_blocks(source, root), source.repository, draw):
            key = hashlib.blake2b(passage.text.lower().encode(), digest_size=8).digest()
            if key not in seen and not overlaps(passage.text, forbidden):
                seen.add(key)
                found.append(passage)
        yield from (
            found if source.most is None or len(found) <= source.most else draw.sample(found, source.most)
        )


def documents(root: Path, *, seed: int = 1) -> Iterator[Document]:
    """Yields what each file of the sources holds, in passages of mixed length."""
    for source in SOURCES:
        folder = clone(source, root)
        for path, content in files_of(source, folder):
            draw = random.Random(f"{seed} {path}")
            blocks = list(_READERS[source.kind](content))
            found = tuple(
                Passage(text, block.heading, source.repository)
                for block in blocks
                for text in _grown(block.paragraphs, draw)
            )
            asked = tuple(question for block in blocks for question in block.questions)
            if found:
                yield Document(source.repository, path, found, asked, source.kind == "abstracts")


def sentences_of(text: str) -> list[str]:
    """The sentences of a passage that say something by themselves: of eight words and more."""
    return [sentence for sentence in _SENTENCE_END.split(text) if len(sentence.split()) >= _LEAST_WORDS]


def passages(blocks: Iterable[Block], source: str, draw: random.Random) -> Iterator[Passage]:
    """Yields passages of mixed length, and as short texts some of their sentences, headings, questions."""
    for block in blocks:
        if len(block.heading.split()) >= 2:
            yield Passage(block.heading, "", source)
        for question in block.questions:
            yield Passage(question, "", source)
        for text in _grown(block.paragraphs, draw):
            yield Passage(text, block.heading, source)
            sentences = sentences_of(text)
            if len(sentences) > 2:
                yield Passage(draw.choice(sentences), "", source)


def fingerprints(texts: Iterable[str]) -> frozenset[int]:
    """Returns a hash of every stretch of eight words of the texts, by which `overlaps` knows them again."""
    return frozenset(shingle for text in texts for shingle in _shingles(text))


def overlaps(text: str, forbidden: frozenset[int]) -> bool:
    """Whether two stretches of eight words of `text`, or its only one, are forbidden."""
    shingles = list(_shingles(text))
    return sum(shingle in forbidden for shingle in shingles) >= min(2, len(shingles)) > 0


def _blocks(source: Source, root: Path) -> Iterator[Block]:
    folder = clone(source, root)
    for _, content in files_of(source, folder):
        yield from _READERS[source.kind](content)


def _grown(paragraphs: Iterable[str], draw: random.Random) -> Iterator[str]:
    grown: list[str] = []
    wanted = draw.randint(*_PASSAGE_WORDS)
    for paragraph in paragraphs:
        grown.append(paragraph)
        if sum(len(part.split()) for part in grown) >= wanted:
            yield " ".join(grown)
            grown, wanted = [], draw.randint(*_PASSAGE_WORDS)
    if grown:
        yield " ".join(grown)


def _textbook(content: bytes) -> Iterator[Block]:
    tree = _tree(content)
    if tree is None:
        return
    title = _text(tree.find("{*}title"))
    for section in tree.iter("{*}content", "{*}section"):
        heading = _text(section.find("{*}title")) or title
        if section.get("class") in {"learning-objectives", "references"}:
            continue
        paragraphs = [_text(para) for para in section.findall("{*}para")]
        questions = (
            [_text(para) for para in section.findall(".//{*}problem/{*}para")]
            if section.tag.endswith("section")
            else []
        )
        yield Block(heading, _prose(paragraphs), _prose(questions))
    definitions = [
        f"{_text(entry.find('{*}term'))}: {_text(entry.find('{*}meaning'))}"
        for entry in tree.iter("{*}definition")
    ]
    for definition in _prose(definitions):
        yield Block("", (definition,))


def _article(content: bytes) -> Iterator[Block]:
    tree = _tree(content)
    if tree is None:
        return
    title = _text(tree.find(".//{*}article-title"))
    yield Block(title, _prose(_text(p) for p in tree.findall(".//{*}abstract//{*}p")))
    for section in tree.iter("{*}sec"):
        yield Block(_text(section.find("{*}title")), _prose(_text(p) for p in section.findall("{*}p")))
    yield Block("", _prose(_text(p) for p in tree.findall(".//{*}fig/{*}caption/{*}p")))


def _abstract(content: bytes) -> Iterator[Block]:
    """A note on one preprint: its title in English, then, quoted likewise, its abstract."""
    quoted = [
        line
        for line in _QUOTED.findall(content.decode("utf-8", "replace"))
        if _is_prose(f"{line} {' a' * 8}")
    ]
    titles = [line for line in quoted if len(line.split()) <= _TITLE_WORDS]
    abstracts = [line for line in quoted if len(line.split()) > _TITLE_WORDS]
    if titles and abstracts:
        yield Block(_clean(titles[0]), _prose(abstracts[-1:]))


_READERS: dict[str, Callable[[bytes], Iterator[Block]]] = {
    "cnxml": _textbook,
    "jats": _article,
    "abstracts": _abstract,
}


def _tree(content: bytes) -> etree._Element | None:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError:  # nothing in it that could be recovered
        return None


def _text(element: etree._Element | None) -> str:
    """The words of an element, without its formulas, notes and lists of places."""
    if element is None:
        return ""
    parts: list[str] = []
    _gather(element, parts)
    return _clean("".join(parts))


def _gather(element: etree._Element, parts: list[str]) -> None:
    name = etree.QName(element).localname if isinstance(element.tag, str) else "comment"
    if name in {
        "comment",
        "math",
        "footnote",
        "media",
        "figure",
        "table",
        "disp-formula",
        "inline-formula",
        "xref",
    }:
        parts.append(" ")
    else:
        parts.append(element.text or "")
        for child in element:
            _gather(child, parts)
            parts.append(child.tail or "")


def _clean(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _prose(paragraphs: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in map(_clean, paragraphs) if _is_prose(text))


def _is_prose(text: str) -> bool:
    words = sum(character.isalpha() or character.isspace() for character in text)
    return (
        len(text.split()) >= _LEAST_WORDS
        and words >= (1 - _MATH_SHARE) * len(text)
        and text.isascii() | (sum(character.isascii() for character in text) > 0.9 * len(text))
    )


def _shingles(text: str) -> Iterator[int]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    for start in range(len(words) - _SHINGLE_WORDS + 1):
        yield int.from_bytes(
            hashlib.blake2b(" ".join(words[start : start + _SHINGLE_WORDS]).encode(), digest_size=8).digest(),
            "big",
        )
