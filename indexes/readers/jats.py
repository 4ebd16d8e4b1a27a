"""Reads JATS XML, the form in which journals archive articles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from typing import Any

from indexes.errors import Damaged
from indexes.readers import jats_references, tree
from indexes.readers.block import Block
from indexes.readers.extract import Extract
from indexes.readers.limits import Limits
from indexes.types import DESCRIBED

__all__ = ["read"]

_PARAGRAPHS = frozenset(
    {"p", "disp-formula", "disp-quote", "code", "preformat", "verse-group", "speech", "statement"}
)
_UNREAD = frozenset(
    {"ref-list", "fn-group", "object-id", "graphic", "media", "supplementary-material", "tex-math"}
)
_BEGINS_BLOCK = frozenset(
    "abstract ack app app-group back body boxed-text caption def def-item def-list fig fig-group glossary"
    " list list-item notes sec sec-meta table-wrap table-wrap-foot trans-abstract".split()
)
_DEEPEST = 400
"""Far deeper than any article, far from Python's limit."""


def read(data: bytes, *, name: str, limits: Limits) -> Extract:
    """Returns an article's abstract and sections as one page; the list of references is left out.

    Raises:
        Damaged: It is not well-formed, or is no article.
        TooLarge: Its text is over the limit.
    """
    article = _article(data, name)
    blocks = [*_abstracts(article), *_parts(article, "body"), *_parts(article, "back")]
    limits.check_text(sum(len(block.text) for block in blocks), name=name)
    meta = "./front/article-meta/"
    return Extract(
        media_type="application/jats+xml",
        pages=(tuple(blocks),),
        titles=tuple(_words(title) for title in article.xpath(f"{meta}title-group/article-title")),
        authors=tuple(_people(article)),
        year=_year(article),
        doi=next((_words(found) for found in article.xpath(f"{meta}article-id[@pub-id-type='doi']")), None),
        arxiv_id=next(
            (_words(one) for one in article.xpath(f"{meta}article-id[@pub-id-type='arxiv']")), None
        ),
        venue=next(map(_words, article.xpath("./front/journal-meta//journal-title")), ""),
        abstract=next(map(_abstract_words, article.xpath(f"{meta}abstract[not(@abstract-type)]")), ""),
        references=tuple(jats_references.read(article)),
        origins=dict.fromkeys(DESCRIBED, "file"),
    )


def _article(data: bytes, name: str) -> Any:
    root = tree.parsed(data, name=name)
    article = root if root.tag == "article" else root.find(".//article")
    if article is None:
        raise Damaged(f"{name!r} is XML, but not a JATS article.")
    return article


def _abstract_words(abstract: Any) -> str:
    return " ".join(_words(child) for child in abstract if child.tag not in ("title", "label", "object-id"))


def _abstracts(article: Any) -> Iterator[Block]:
    for abstract in article.xpath("./front/article-meta/abstract | ./front/article-meta/trans-abstract"):
        if abstract.find("title") is None:
            yield Block("Abstract", heading=True)
        yield from _blocks(abstract, depth=0)


def _parts(article: Any, tag: str) -> Iterator[Block]:
    for part in article.findall(tag):
        yield from _blocks(part, depth=0)


def _blocks(node: Any, *, depth: int) -> Iterator[Block]:
    """The blocks under `node`: headings, paragraphs, captions, tables."""
    if depth > _DEEPEST:
        raise RecursionError("sections within sections without end")
    for child in node:
        match child.tag:
            case tag if not isinstance(tag, str) or tag in _UNREAD:
                continue
            case "title":
                if node.tag in (
                    "sec",
                    "abstract",
                    "trans-abstract",
                    "ack",
                    "app",
                    "boxed-text",
                    "glossary",
                    "notes",
                ):
                    yield Block(_titled(node, child), heading=True)
                else:
                    yield Block(_words(child))
            case "label":
                continue  # stands with its title, or is only a number
            case "p" if any(inner.tag in _BEGINS_BLOCK for inner in child):
                yield from _divided(child, depth=depth + 1)
            case "table":
                yield Block("\n".join(_row(row) for row in child.iter("tr")))
            case tag if tag in _PARAGRAPHS:
                yield Block(_words(child, keep_lines=tag in ("code", "preformat")))
            case _:
                yield from _blocks(child, depth=depth + 1)


def _titled(section: Any, title: Any) -> str:
    label = section.find("label")
    return f"{_words(label)} {_words(title)}" if label is not None else _words(title)


def _divided(paragraph: Any, *, depth: int) -> Iterator[Block]:
    """A paragraph that holds lists or figures: its own words, then those."""
    inner = [child for child in paragraph if child.tag in _BEGINS_BLOCK]
    for child in inner:
        yield Block(_before(paragraph, child, inner))
        yield from _blocks(child, depth=depth)
    yield Block(_flat((inner[-1].tail or "") + "".join(_after(inner[-1]))))


def _before(paragraph: Any, child: Any, inner: list[Any]) -> str:
    """The words of `paragraph` between the block before `child`, or its beginning, and `child`."""
    position = inner.index(child)
    words = [paragraph.text or ""] if position == 0 else [inner[position - 1].tail or ""]
    started = position == 0
    for sibling in paragraph:
        if sibling is child:
            break
        if started:
            words.extend(_texts(sibling))
            words.append(sibling.tail or "")
        started = started or sibling is inner[position - 1]
    return _flat("".join(words))


def _after(last: Any) -> Iterator[str]:
    for sibling in last.itersiblings():
        yield from _texts(sibling)
        yield sibling.tail or ""


def _row(row: Any) -> str:
    return " | ".join(_words(cell) for cell in row if cell.tag in ("td", "th"))


def _words(node: Any, *, keep_lines: bool = False) -> str:
    text = "".join(_texts(node))
    return text if keep_lines else _flat(text)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _texts(node: Any, *, depth: int = 0) -> Iterator[str]:
    """Every text under `node`; of two forms of one formula the one that is not a TeX document."""
    if depth > _DEEPEST:
        raise RecursionError("elements within elements without end")
    if not isinstance(node.tag, str):
        yield _entity(node)
        return
    if node.tag in _UNREAD and not (node.tag == "tex-math" and len(node.getparent()) == 1):
        return
    yield node.text or ""
    for child in node:
        yield from _texts(child, depth=depth + 1)
        yield child.tail or ""


def _entity(node: Any) -> str:
    """A named character such as `&alpha;`; anything the file itself defines stays out."""
    return html5.get(f"{node.name};", "") if hasattr(node, "name") else ""


def _people(article: Any) -> Iterator[str]:
    authors = "./front/article-meta/contrib-group/contrib[not(@contrib-type) or @contrib-type='author']"
    for contributor in article.xpath(authors):
        name = contributor.find(".//name")
        if name is not None:
            parts = (name.find(tag) for tag in ("given-names", "surname"))
            yield " ".join(_words(part) for part in parts if part is not None)
        else:
            yield next((_words(found) for found in contributor.xpath("./string-name | ./collab")), "")


def _year(article: Any) -> int | None:
    """The earliest year of publication; an article appears online before it appears in an issue."""
    years = article.xpath("./front/article-meta/pub-date/year")
    found = [int(text) for text in map(_words, years) if re.fullmatch(r"(?:19|20)\d\d", text)]
    return min(found, default=None)
