"""Passages out of pages: LlamaIndex's sentence splitter, exact offsets, never across a page."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from indexes.errors import Damaged
from indexes.protocols import Encoder
from indexes.types import PAGE_BREAK, ParsedDocument, Part, Passage, Section, Stretch
from indexes.words import sentence_spans

if TYPE_CHECKING:
    from llama_index.core.node_parser import NodeParser, SentenceSplitter

__all__ = ["PASSAGE_TOKENS", "Splitter", "sentences"]

PASSAGE_TOKENS = 200
"""With the encoder's two special tokens and a wrong guess or two, well inside its window of 256."""
OVERLAP_TOKENS = 30

_SHORTEST_SECTION = 400
"""Characters."""
_LONGEST_SENTENCE = 1_000
"""Characters. What has no full stop for longer (tables, data) is cut at spaces before anything counts it."""

_WORDS = re.compile(r"[^\W_]{1,8}|[^\w\s]|_", re.ASCII)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_VISIBLE = re.compile(r"\S")


class Splitter:
    """Cuts documents into passages. Its results depend on the text and the settings only."""

    def __init__(
        self,
        *,
        encoder: Encoder | None = None,
        passage_tokens: int = PASSAGE_TOKENS,
        overlap_tokens: int = OVERLAP_TOKENS,
        parser: NodeParser | None = None,
    ) -> None:
        """Imports nothing yet.

        Args:
            encoder: Whose tokens are counted; without one they are estimated.
            passage_tokens: Most tokens of a passage.
            overlap_tokens: Most tokens a passage repeats from the one before, in whole sentences.
            parser: A LlamaIndex node parser to use instead; it must keep the text as it is.
        """
        self._count = estimated_tokens if encoder is None else encoder.count_tokens
        self._passage_tokens = passage_tokens
        self._overlap_tokens = overlap_tokens
        self._parser = parser

    @property
    def is_ours(self) -> bool:
        """Whether no parser of the person's own cuts, so that another process cuts the same."""
        return self._parser is None

    def prepare(self) -> None:
        """Imports what a text of several passages needs, a second or two; else the first does. Blocks."""
        if self._parser is None:
            import_module("llama_index.core.node_parser")

    def split(self, parsed: ParsedDocument, document_id: str) -> tuple[Passage, ...]:
        """Returns the passages in reading order; `parsed.text[start:end]` is each one's text. Blocks.

        Raises:
            Damaged: A parser of the person's own changed the text.
        """
        cut = self._sentence_cut() if self._parser is None else _node_cut(self._parser)
        starts = [section.start for section in parsed.sections]
        passages: list[Passage] = []
        offset = 0
        for page, text in enumerate(parsed.pages, 1):
            for part, begin, end in _stretches(parsed, starts, offset, offset + len(text)):
                stretch = text[begin - offset : end - offset]
                for start, stop in _located(stretch, [chunk for chunk in cut(stretch) if chunk.strip()]):
                    passages.append(
                        Passage(
                            id=f"{document_id}:{len(passages)}",
                            document_id=document_id,
                            text=stretch[start:stop],
                            start=begin + start,
                            end=begin + stop,
                            page=page,
                            section=_section(parsed.sections, starts, begin + start),
                            part=part,
                        )
                    )
            offset += len(text) + len(PAGE_BREAK)
        return tuple(passages)

    def _sentence_cut(self) -> Callable[[str], list[str]]:
        tokens = _CountedOnce(self._count)
        splitter: SentenceSplitter | None = None

        def cut(page: str) -> list[str]:
            nonlocal splitter
            if tokens.count_all(page, sentences(page)) <= self._passage_tokens:
                return [page.strip()]  # what the splitter makes of it, at ten times the price
            splitter = splitter or self._sentence_splitter(tokens)
            return splitter.split_text(page)

        return cut

    def _sentence_splitter(self, tokens: _CountedOnce) -> SentenceSplitter:
        from llama_index.core.node_parser import SentenceSplitter

        return SentenceSplitter(
            chunk_size=self._passage_tokens,
            chunk_overlap=self._overlap_tokens,
            tokenizer=tokens,
            chunking_tokenizer_fn=sentences,
            # Never found: `sentences` ends at empty lines already.
            paragraph_separator="\x00",
        )


def sentences(text: str) -> list[str]:
    """Cuts `text` into sentences of at most 1,000 characters; joined again they are `text`."""
    return list(_bounded(text[start:end] for start, end in sentence_spans(text)))


def estimated_tokens(texts: Sequence[str]) -> list[int]:
    """Guesses how many tokens an English WordPiece vocabulary makes of each text."""
    return [len(_WORDS.findall(text)) + len(_BEYOND_ASCII.findall(text)) for text in texts]


class _CountedOnce:
    """A tokenizer as the splitter wants it, which only takes the length of what it returns."""

    def __init__(self, count: Callable[[Sequence[str]], list[int]]) -> None:
        self._count = count
        self._known: dict[str, int] = {}

    def count_all(self, page: str, parts: list[str]) -> int:
        """Counts the parts in one call; the page has as many tokens as they have, which is returned."""
        counts = self._count(parts)
        self._known = dict(zip(parts, counts, strict=True)) | {page: sum(counts)}
        return sum(counts)

    def __call__(self, text: str) -> range:
        if text not in self._known:
            self._known[text] = self._count([text])[0]
        return range(self._known[text])


def _bounded(parts: Iterator[str]) -> Iterator[str]:
    for part in parts:
        start = 0
        while len(part) - start > _LONGEST_SENTENCE:
            space = part.rfind(" ", start + 1, start + _LONGEST_SENTENCE)
            end = start + _LONGEST_SENTENCE if space < 0 else space + 1
            yield part[start:end]
            start = end
        yield part[start:]


def _node_cut(parser: NodeParser) -> Callable[[str], list[str]]:
    from llama_index.core.schema import Document, MetadataMode

    def cut(page: str) -> list[str]:
        nodes = parser.get_nodes_from_documents([Document(text=page)])
        return [node.get_content(MetadataMode.NONE).strip() for node in nodes]

    return cut


def _located(page: str, chunks: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yields where each chunk stands.

    A splitter returns text, not places. A chunk begins no later than the first visible character after the
    chunk before it; the last such place is taken, so that in text that repeats itself nothing is left out.
    """
    end = 0
    for chunk in chunks:
        visible = _VISIBLE.search(page, end)
        next_visible = len(page) if visible is None else visible.start()
        start = page.rfind(chunk, 0, next_visible + len(chunk))
        if start < 0:
            # A parser of the person's own may leave text out between two chunks.
            start = page.find(chunk, end)
        if start < 0:
            raise Damaged(
                "The node parser changed the text, so its passages cannot be found again on their page.",
                hint="Use one that keeps the text as it is.",
            )
        end = start + len(chunk)
        yield start, end


def _stretches(
    parsed: ParsedDocument, sections: Sequence[int], start: int, end: int
) -> Iterator[tuple[Part, int, int]]:
    """Yields what of a page from `start` to `end` is cut by itself: its parts, and the sections of each.

    A short section stays with the one after it: a heading alone, or a line under it, is found by nothing.
    """
    for part, begin, stop in _parts(parsed.marked, start, end):
        for section in sections[bisect_right(sections, begin) :]:
            if section >= stop:
                break
            if section - begin >= _SHORTEST_SECTION and stop - section >= _SHORTEST_SECTION:
                yield part, begin, section
                begin = section
        yield part, begin, stop


def _parts(marked: Sequence[Stretch], start: int, end: int) -> Iterator[tuple[Part, int, int]]:
    """Yields the parts that a page from `start` to `end` consists of, in order, without empty ones."""
    at = start
    for stretch in marked:
        if stretch.end > at and stretch.start < end:
            if stretch.start > at:
                yield "body", at, stretch.start
                at = stretch.start
            yield stretch.part, at, min(stretch.end, end)
            at = min(stretch.end, end)
    if at < end:
        yield "body", at, end


def _section(sections: Sequence[Section], starts: Sequence[int], position: int) -> str | None:
    """Returns the title of the last section that begins at or before `position`."""
    index = bisect_right(starts, position) - 1
    return sections[index].title if index >= 0 else None
