"""Reads Markdown: front matter, headings as sections, links as their text, code as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from indexes.readers import front
from indexes.readers.block import Block
from indexes.readers.decoding import decode
from indexes.readers.extract import Extract
from indexes.readers.limits import Limits

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["blocks", "read"]

_FRONT_MATTER = re.compile(r"\s*(---|\+\+\+)[ \t]*\n(.*?)\n(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_MATTER_LIMIT = 64_000
_MOST_PEOPLE = 500
_DEEPEST = 60
"""Lists within lists and emphasis within emphasis; the parser drops what lies deeper."""
_COMMENTS = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAGS = re.compile(r"</?[A-Za-z][^<>]*>")


def read(data: bytes, *, name: str, limits: Limits) -> Extract:
    """Returns the readable text as one page, a block for each heading, paragraph, list item and listing.

    Raises:
        Damaged: It is a binary file.
        TooLarge: Its text is over the limit.
    """
    limits.check_text(len(data) // 4, name=name)
    text, notes = decode(data, name=name)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    about: dict[str, Any] = {}
    if found := _FRONT_MATTER.match(text[:_FRONT_MATTER_LIMIT]):
        about, problem = _front_matter(found.group(2), toml=found.group(1) == "+++")
        text = text[found.end() :]
        notes = (*notes, *problem)
    return Extract(
        media_type="text/markdown",
        pages=(tuple(blocks(text)),),
        titles=tuple(_texts(about.get("title"))),
        authors=tuple(_people(about.get("authors") or about.get("author"))),
        year=front.year(" ".join(_texts(about.get("year") or about.get("date")))),
        doi=next(iter(_texts(about.get("doi"))), None),
        notes=notes,
    )


def _front_matter(source: str, *, toml: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the front matter says, and a note where it cannot be understood."""
    import tomllib

    import yaml  # type: ignore[import-untyped]

    try:
        about = tomllib.loads(source) if toml else yaml.safe_load(source)
    except (tomllib.TOMLDecodeError, yaml.YAMLError, ValueError, RecursionError):
        return {}, ("the front matter could not be understood",)
    return (about, ()) if isinstance(about, dict) else ({}, ())


def _texts(value: object) -> list[str]:
    """The texts in a value that may be one, a list of them, a date or nothing at all.

    Lists within lists are left alone: by YAML's aliases a few lines can hold a list of a billion.
    """
    items = value[:_MOST_PEOPLE] if isinstance(value, list) else [value]
    return [str(item) for item in items if isinstance(item, str | int | float | date)]


def _people(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from front.split_names(value)
    for person in value[:_MOST_PEOPLE] if isinstance(value, list) else ():
        if not isinstance(person, dict):
            yield from _texts(person)
        elif name := _texts(person.get("name")):
            yield name[0]
        else:
            parts = (_texts(person.get(key)) for key in ("given-names", "given", "surname", "family"))
            yield " ".join(part[0] for part in parts if part)


def blocks(text: str) -> Iterator[Block]:
    """Yields a block for each heading, paragraph, list item, table and listing of Markdown source."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table").parse(text)
    rows: list[str] = []
    cells: list[str] | None = None
    prefix, heading = "", False
    for token in tokens:
        match token.type:
            case "heading_open" | "heading_close":
                heading = token.nesting == 1
            case "list_item_open":
                prefix = "  " * (token.level // 2) + (f"{token.info}{token.markup} " if token.info else "- ")
            case "tr_open":
                cells = []
            case "tr_close":
                rows.append(" | ".join(cells or ()))
                cells = None
            case "table_close":
                yield Block("\n".join(rows))
                rows = []
            case "fence" | "code_block":
                yield Block(token.content)
            case "html_block":
                yield Block(_TAGS.sub("", _COMMENTS.sub("", token.content)))
            case "inline" if cells is not None:
                cells.append(_inline(token.children or ()))
            case "inline":
                yield Block(prefix + _inline(token.children or ()), heading)
                prefix = ""
            case _:
                pass  # openings and closings that leave no trace in the text


def _inline(tokens: Iterable[Token]) -> str:
    """The words of a paragraph: of a link its text, of a picture its caption, of emphasis its words."""
    words: list[str] = []
    for token in tokens:
        match token.type:
            case "text" | "code_inline":
                words.append(token.content)
            case "softbreak" | "hardbreak":
                words.append("\n")
            case "image":
                words.append(_inline(token.children or ()))
            case _:
                pass  # the ends of links and of emphasis, and HTML tags
    return "".join(words)
