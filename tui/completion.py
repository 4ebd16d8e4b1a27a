"""What can be completed where the cursor stands in a question: a paper, a collection, a filter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from assistant.events import Document
from tui.safe import shown_line

__all__ = ["Offer", "Wanted", "authors_that_fit", "known_offers", "paper_offers", "wanted_at"]

Kind = Literal["paper", "collection", "author", "in", "type", "year"]

_FILTER = re.compile(
    r'(?<!\S)(?:(?P<sign>#)|(?P<filter>author|in|type|year):)(?:"(?P<quoted>[^"]*)|(?P<bare>[^\s"]*))$',
    re.IGNORECASE,
)
_PAPER = re.compile(r'(?<!\S)@(?P<typed>[^"@]*)$')
_LONGEST = 60
"""Characters behind a sign; what is longer is the question itself."""
_FILTERS: dict[str, Kind] = {"author": "author", "in": "in", "type": "type", "year": "year"}
_TYPES = ("pdf", "docx", "epub", "md", "txt", "html", "tex", "jats", "ipynb", "reference")
_YEARS = ("2020", "2019..2023", "2019..", "..2023")
_MOST = 6


@dataclass(frozen=True)
class Wanted:
    """The beginning of something, right before the cursor."""

    kind: Kind
    typed: str
    """What stands behind the sign or the colon."""
    start: int
    """Where it begins in its line, the sign and the filter's name included."""


@dataclass(frozen=True)
class Offer:
    """One way to go on."""

    label: str
    """As it is listed."""
    text: str
    """What takes the place of what was typed."""


def wanted_at(line: str, column: int) -> Wanted | None:
    """Returns what is being typed right before a column of a line; `None` for plain text.

    A paper's title may have spaces; behind `#` and a filter a space ends it, unless it stands in quotes.
    """
    before = line[:column]
    wanted = None
    if found := _FILTER.search(before):
        kind = "collection" if found["sign"] else _FILTERS[found["filter"].lower()]
        wanted = Wanted(kind, (found["quoted"] or found["bare"] or "").strip(), found.start())
    elif found := _PAPER.search(before):
        wanted = Wanted("paper", found["typed"].strip(), found.start())
    return wanted if wanted is not None and len(wanted.typed) <= _LONGEST else None


def known_offers(wanted: Wanted, collections: Iterable[str]) -> list[Offer]:
    """What can be offered without asking the library."""
    match wanted.kind:
        case "collection" | "in":
            values, name = list(collections), "in"
        case "type":
            values, name = list(_TYPES), "type"
        case "year":
            values, name = list(_YEARS), "year"
        case _:
            return []
    fitting = [value for value in values if value.casefold().startswith(wanted.typed.casefold())]
    return [_filter(name, value) for value in fitting if value != wanted.typed][:_MOST]


def paper_offers(documents: Iterable[Document]) -> list[Offer]:
    """The titles of papers; quotes in them would be a filter, and are left out."""
    offers = []
    for document in documents:
        title = re.sub(r'["“”„«»]', "", shown_line(document.title, 200)).strip()
        names = shown_line(", ".join(document.authors[:2]), 60)
        about = ", ".join(part for part in (names, str(document.year or "")) if part)
        if title:
            offers.append(Offer(f"{title} ({about})" if about else title, title))
    return offers[:_MOST]


def authors_that_fit(typed: str, documents: Iterable[Document]) -> list[Offer]:
    """The names among the papers' authors that have what was typed in them, each once."""
    names = dict.fromkeys(
        shown_line(name, 80).replace('"', "")
        for document in documents
        for name in document.authors
        if typed.casefold() in name.casefold()
    )
    return [_filter("author", name) for name in names if name != typed][:_MOST]


def _filter(name: str, value: str) -> Offer:
    value = shown_line(value, 80)
    written = f'{name}:"{value}"' if " " in value else f"{name}:{value}"
    return Offer(written, written)
