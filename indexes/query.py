"""The query language: filters and quoted phrases that a person writes into a question.

`author:smith`, `year:2020`, `year:2019..2023`, `year:2019..`, `in:notes`, `type:pdf` and `"exact words"`.
Several authors must all have written the paper; of several years, collections or types one has to fit. A
value with spaces stands in quotes: `author:"van der Berg"`. `like:paper.pdf` looks for papers like that one.
`part:references` looks in lists of references, which are left out otherwise. Anything else that has a colon
in it is text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import cast, get_args

from indexes.clean import clean, clean_line
from indexes.errors import FilterRefused
from indexes.types import ABSTRACT_ONLY, Model, Part
from indexes.words import STOP_WORDS

__all__ = ["TYPES", "Filters", "ParsedQuery", "Years", "folded", "parse_query", "terms", "words"]

TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "word": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "epub": "application/epub+zip",
    "markdown": "text/markdown",
    "md": "text/markdown",
    "text": "text/plain",
    "txt": "text/plain",
    "html": "text/html",
    "latex": "application/x-latex",
    "tex": "application/x-latex",
    "jats": "application/jats+xml",
    "xml": "application/jats+xml",
    "notebook": "application/x-ipynb+json",
    "ipynb": "application/x-ipynb+json",
    "reference": ABSTRACT_ONLY,
}
"""What people call a kind of file, and the media type it is stored under."""

_LONGEST_VALUE = 300
_MOST_PHRASES = 8
_YEARS = re.compile(r"(\d{4})?(\.\.|-|–)?(\d{4})?")
_OPEN, _SHUT = '["“”„«»]', '[^"“”„«»]'
# A filter begins a word and its value follows at once: "note: this", "in: vitro" and "http://x" are text.
_TOKEN = re.compile(
    rf"(?<!\S)(?P<name>author|year|in|type|part|like):(?:{_OPEN}(?P<quoted>{_SHUT}+){_OPEN}|(?P<bare>{_SHUT[:-1]}\s]+))"
    rf"|{_OPEN}(?P<phrase>{_SHUT}+){_OPEN}",
    re.IGNORECASE,
)
# Letters outside ASCII stay together with their combining marks, which `\w` would cut off.
_WORD = re.compile(r"[^\s!-/:-@\[-`{-~\u2010-\u2027\u3001\u3002]+")
_AFTER_A_VALUE = ",;?!"


class Years(Model):
    """A span of years, both ends included; an end that is `None` is open."""

    first: int | None = None
    last: int | None = None

    def holds(self, year: int | None) -> bool:
        """Whether a year lies within; one that is not known does not."""
        return (
            year is not None
            and (self.first is None or self.first <= year)
            and (self.last is None or year <= self.last)
        )

    def __str__(self) -> str:
        if self.first == self.last:
            return f"year:{self.first}"
        return f"year:{self.first or ''}..{self.last or ''}"


class Filters(Model):
    """Which papers and passages a search may find. Without any, it may find all."""

    authors: tuple[str, ...] = ()
    """Names or parts of them; each must be an author's."""
    years: tuple[Years, ...] = ()
    collections: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """Keys of `TYPES`."""
    parts: tuple[Part, ...] = ()
    """Of the papers; without any, their lists of references are left out."""
    like: tuple[str, ...] = ()
    """Papers by id, file or title, whose like is looked for; they themselves are not found."""
    phrases: tuple[tuple[str, ...], ...] = ()
    """The words of each quoted phrase, in lower case; all phrases must stand in the passage."""

    def __bool__(self) -> bool:
        return self != Filters()

    @property
    def of_papers(self) -> tuple[str, ...]:
        """Those that choose among papers, as a person would write them."""
        return (
            *(_written("author", author) for author in self.authors),
            *map(str, self.years),
            *(_written("in", name) for name in self.collections),
            *(_written("type", name) for name in self.types),
        )


class ParsedQuery(Model):
    """A question taken apart."""

    text: str
    """What is looked for: the question without its filters, quoted phrases left in their place."""
    filters: Filters = Filters()


def parse_query(text: str) -> ParsedQuery:
    """Returns the question and the filters in it; a question without a filter stays as it is.

    Raises:
        FilterRefused: A filter's value cannot be one: `year:abc`, `type:spoon`.
    """
    found: dict[str, list[str]] = {}
    phrases: list[tuple[str, ...]] = []
    kept: list[str] = []
    position = 0
    for token in _TOKEN.finditer(text):
        if token["phrase"] is not None:
            phrases += _phrase(token["phrase"])
            continue
        value = clean_line(token["quoted"] or token["bare"].rstrip(_AFTER_A_VALUE), _LONGEST_VALUE)
        if not value:
            continue
        found.setdefault(token["name"].lower(), []).append(value)
        kept.append(text[position : token.start()])
        position = token.end()
    if not found and not phrases:
        return ParsedQuery(text=text)
    kept.append(text[position:])
    filters = Filters(
        authors=_each(found, "author"),
        years=tuple(_years(value) for value in _each(found, "year")),
        collections=_each(found, "in"),
        types=tuple(_type(value) for value in _each(found, "type")),
        parts=tuple(_part(value) for value in _each(found, "part")),
        like=_each(found, "like"),
        phrases=tuple(dict.fromkeys(phrases))[:_MOST_PHRASES],
    )
    return ParsedQuery(text=" ".join("".join(kept).split()) if found else text, filters=filters)


def terms(text: str) -> Iterator[str]:
    """Yields each quoted phrase and each word in the order they stand, all in lower case.

    A phrase's words follow it: where it stands nowhere they are what is left to look for.
    """
    position = 0
    for token in _TOKEN.finditer(text):
        if token["phrase"] is not None:
            yield from words(text[position : token.start()])
            yield " ".join(words(token["phrase"]))
            yield from words(token["phrase"])
            position = token.end()
    yield from words(text[position:])


def words(text: str) -> Iterator[str]:
    """Yields the words of a text in lower case, without punctuation."""
    for word in _WORD.findall(text):
        if any(character.isalnum() for character in word):
            yield word.lower()


def folded(text: str) -> tuple[str, ...]:
    """Returns a text's words without accents and in small letters: how a name is told to be the same."""
    plain = unicodedata.normalize("NFKD", clean(text).casefold())
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return tuple("".join(c if c.isalnum() else " " for c in bare).split())


def _phrase(text: str) -> list[tuple[str, ...]]:
    found = tuple(words(clean(text)))
    # A quoted "the" is emphasis; as a filter it would admit nearly everything and say nothing.
    return [] if not found or (len(found) == 1 and found[0] in STOP_WORDS) else [found]


def _each(found: dict[str, list[str]], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.get(name, ())))


def _years(value: str) -> Years:
    match = _YEARS.fullmatch(value) or _YEARS.fullmatch(value.rstrip("."))
    first, to, last = match.groups() if match else (None, None, None)
    if match is None or (first is None and last is None) or (last is not None and to is None):
        raise FilterRefused(
            f"'year:{value}' names no year.",
            hint=f"Write year:2020, year:2019..2023, year:2019.. or year:..2023. {_AS_TEXT}",
        )
    years = Years(first=_number(first), last=_number(first) if to is None else _number(last))
    if years.first is not None and years.last is not None and years.first > years.last:
        raise FilterRefused(
            f"'year:{value}' ends before it begins.", hint=f"Write year:{years.last}..{years.first}."
        )
    return years


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)


def _type(value: str) -> str:
    name = value.lower().lstrip(".")
    if name not in TYPES:
        raise FilterRefused(
            f"'type:{value}' names no kind of file.", hint=f"There are: {', '.join(TYPES)}. {_AS_TEXT}"
        )
    return name


def _part(value: str) -> Part:
    for part in get_args(Part):
        if value.lower() == part:
            return cast("Part", part)
    raise FilterRefused(
        f"'part:{value}' names no part of a paper.",
        hint=f"There are: {', '.join(get_args(Part))}. {_AS_TEXT}",
    )


_AS_TEXT = "To look for these words themselves, put them in double quotes."


def _written(name: str, value: str) -> str:
    return f'{name}:"{value}"' if " " in value else f"{name}:{value}"
