"""The nouns of a library: documents, passages, hits and what became of each file."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from indexes.shown import Shown

__all__ = [
    "ABSTRACT_ONLY",
    "DESCRIBED",
    "AddReport",
    "Collection",
    "Details",
    "Document",
    "Fate",
    "Hit",
    "Hits",
    "MetadataSource",
    "Model",
    "Origin",
    "ParsedDocument",
    "Part",
    "Passage",
    "Reference",
    "Section",
    "Stretch",
]


class Model(BaseModel):
    """A frozen value that crosses a step, a process or a disk unchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Origin = Literal["library", "web"]

MetadataSource = Literal["bibliography", "crossref", "openalex", "text", "file", "name"]
"""Where a document's title or year comes from, the best first: the person's own bibliography, a registry that
was asked, the text, what the file says about itself, the file's name."""

DESCRIBED = ("title", "authors", "year", "doi", "arxiv_id", "venue", "abstract")
"""The fields of a document that describe the work; a bibliography or a registry may say them better."""

Part = Literal["front", "body", "references"]
"""Of a paper: what stands before its abstract or first section, its own text, its list of references."""

ABSTRACT_ONLY = "application/x-reference"
"""Media type of a document that is an entry of a bibliography: its title and abstract, not its text."""


class Document(Model):
    """One paper, note or page, as the library knows it."""

    id: str
    """Hash of the collection's name and the file's bytes: the same file twice is one document."""
    source: str
    """Where it was read from: an absolute path, or a URL for `origin == "web"`."""
    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    """Without version: "2101.00001" or "hep-th/9901001"."""
    venue: str = ""
    """The journal, the proceedings or the publisher."""
    retraction: str = ""
    """What a registry says of its being retracted, as a sentence; empty where nothing is known of one."""
    media_type: str = "text/plain"
    collection: str = "papers"
    page_count: int = 1
    """Formats without pages count as one page."""
    characters: int = 0
    """Length of the text, the page breaks included."""
    origin: Origin = "library"

    @property
    def abstract_only(self) -> bool:
        """Whether the library has only its entry in a bibliography."""
        return self.media_type == ABSTRACT_ONLY


class Passage(Model):
    """A stretch of one page of a document."""

    id: str
    """`<document id>:<ordinal>`, the same on every machine; `<document id>:<first>-<last>` for neighbours
    that a search has joined."""
    document_id: str
    text: str
    start: int
    """First character, from 0, in the document's text (its pages joined by `PAGE_BREAK`)."""
    end: int
    """One past the last character."""
    page: int
    """From 1. A passage never crosses a page."""
    section: str | None = None
    """The heading it stands under, where one was found."""
    part: Part = "body"


class Hit(Model):
    """A passage as one retriever ranked it."""

    passage: Passage
    document: Document
    """Where the passage stands, so that a hit can be shown and cited without another look-up."""
    score: float
    """Higher is better; comparable only among hits of one retriever."""
    rank: int = Field(ge=1)
    retriever: str
    """`dense`, `keyword`, `fused`, `web`, or a plugged-in retriever's name."""


class Hits(Shown, Model):
    """What one search returned: hits best first, and what the reader should know about the search."""

    hits: tuple[Hit, ...] = ()
    scores: tuple[tuple[str, float], ...] = ()
    """Passage ids and scores, best first, the hits and those behind them, 200 or as many as there are: from
    a retriever whose scores are amounts, such as a cosine or BM25, 0 for a passage that has nothing in common
    with the question. They are standardised and added to another's. Empty from one that only ranks."""
    notes: tuple[str, ...] = ()
    """Sentences such as "meaning-based search saw 120 of 300 passages"; shown with the answer."""


class Section(Model):
    """A heading and where it stands."""

    title: str
    start: int
    """Offset of the section's first character in the document's text."""


class Stretch(Model):
    """A part of the text that is marked, so that it does not crowd out findings."""

    part: Part
    start: int
    end: int
    """One past its last character in the document's text."""


class Reference(Model):
    """A work as a bibliography or a paper's list of references names it, clean."""

    key: str = ""
    """What a LaTeX source cites it by; formats other than BibTeX may have none."""
    title: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    files: tuple[str, ...] = ()
    """Files that the entry names, with `/` between folders; as they stood when it was written."""
    venue: str = ""
    """The journal, the proceedings or the publisher."""
    abstract: str = ""
    text: str = ""
    """The entry as it is printed, where only that is known for certain."""

    @property
    def sentence(self) -> str:
        """The entry as a list of references prints it."""
        parts = (", ".join(self.authors), self.title, self.venue, str(self.year or ""))
        said = " ".join(f"{part.rstrip('.')}." for part in parts if part)
        return f"{said} https://doi.org/{self.doi}" if self.doi else said


class ParsedDocument(Model):
    """A file's text as a reader gave it, already sanitised; every offset refers to this text."""

    media_type: str
    pages: tuple[str, ...]
    """Text of each page, in order; at least one."""
    title: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    venue: str = ""
    abstract: str = ""
    sections: tuple[Section, ...] = ()
    references: tuple[Reference, ...] = ()
    """The works that it cites, in the order of its list."""
    marked: tuple[Stretch, ...] = ()
    """Front matter and lists of references, in order, apart from one another; the rest is body."""
    origins: dict[str, MetadataSource] = Field(default_factory=dict)
    """Which source each piece of metadata comes from, by field."""
    notes: tuple[str, ...] = ()
    """What a person should know: "2 pages have no text", "14 invisible characters removed"."""

    @property
    def text(self) -> str:
        """The document's text: pages joined by `PAGE_BREAK`."""
        return PAGE_BREAK.join(self.pages)


PAGE_BREAK = "\n\f"
"""Stands between two pages in a document's text."""


class Details(Model):
    """What the library knows of a document beside what an answer shows of it."""

    abstract: str = ""
    sections: tuple[Section, ...] = ()
    references: tuple[Reference, ...] = ()
    origins: dict[str, MetadataSource] = Field(default_factory=dict)
    """Which source each piece of metadata comes from, by field."""
    notes: tuple[str, ...] = ()


class Fate(StrEnum):
    """What has become of a file."""

    FOUND = "found"
    PARSED = "parsed"
    INDEXED = "indexed"
    """Searchable by keyword."""
    EMBEDDED = "embedded"
    """Searchable by meaning too."""
    UNCHANGED = "unchanged"
    """Already in the library with the same content."""
    FAILED_FOR_NOW = "failed for now"
    """Worth another try: a time-out, a file in use."""
    FAILED = "failed"
    """Will fail the same way again: encrypted, damaged, no text."""
    SKIPPED = "skipped"
    """Not a paper, by its kind or its content; the reason says why."""


class Collection(Model):
    """A named part of the library."""

    name: str
    documents: int
    passages: int
    """Lists of references are not counted, here and below: a search leaves them out."""
    embedded: int
    """Passages searchable by meaning with the library's encoder."""


class AddReport(Shown, Model):
    """What `add` did: every file counted under its fate."""

    counts: dict[Fate, int] = Field(default_factory=dict)
    pages: int = 0
    passages: int = 0
    failures: tuple[tuple[str, str], ...] = ()
    """Path and reason of each file that failed or was skipped."""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
