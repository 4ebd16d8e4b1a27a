"""Reads a web page: its main text without the navigation, and what its meta tags say about the paper."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from typing import Any

from indexes.errors import NoText
from indexes.readers import front
from indexes.readers.block import Block
from indexes.readers.decoding import decode
from indexes.readers.extract import Extract
from indexes.readers.limits import Limits
from indexes.types import DESCRIBED

__all__ = ["all_blocks", "read"]

_ENCODING = re.compile(
    rb"""<(?:meta[^>]{0,200}?charset|\?xml[^>]{0,200}?encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I
)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_TITLES = (
    "citation_title",
    "dc.title",
    "dcterms.title",
    "eprints.title",
    "prism.title",
    "og:title",
    "twitter:title",
)
_AUTHORS = (
    "citation_author",
    "citation_authors",
    "dc.creator",
    "dcterms.creator",
    "eprints.creators_name",
    "author",
)
_DATES = (
    "citation_publication_date",
    "citation_date",
    "citation_online_date",
    "citation_year",
    "prism.publicationdate",
    "dc.date",
    "dcterms.issued",
    "article:published_time",
)
_DOIS = ("citation_doi", "prism.doi", "dc.identifier", "dc.identifier.doi", "bepress_citation_doi")
_ARXIV_IDS = ("citation_arxiv_id", "citation_arxiv")
_VENUES = ("citation_journal_title", "citation_conference_title", "prism.publicationname", "dc.source")
_ABSTRACTS = ("citation_abstract", "dcterms.abstract", "dc.description.abstract", "dc.description")
_SHORTEST_ABSTRACT = 150
"""Characters: what is shorter describes the page, not the paper."""
_UNSEEN = (
    "//script|//style|//template|//noscript|//*[@hidden]"
    "|//*[contains(translate(@style, ' ', ''), 'display:none')]"
    "|//*[contains(translate(@style, ' ', ''), 'visibility:hidden')]"
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "head"})
_BLOCKS = frozenset(
    "p div section article main header footer aside nav ul ol dl li dt dd item list quote blockquote pre"
    " table tr row figure figcaption form fieldset address details summary hr body html td th"
    " cell caption".split()
)
_CELLS = frozenset({"td", "th", "cell"})


def read(data: bytes, *, name: str, limits: Limits) -> Extract:
    """Returns the page's main text, a block for each heading, paragraph and list item.

    Raises:
        NoText: The page has no visible text: it is perhaps written by a script when it is opened.
        Damaged: It is a binary file.
        TooLarge: Its text is over the limit.
    """
    source, notes = decode(data, name=name, declared=_declared(data))
    tree = _tree(source)
    if tree is None:
        raise NoText(
            f"{name!r} is a web page without text.", hint="Save the page from a browser and add that."
        )
    meta = _meta(tree)
    titles = [*_first(meta, _TITLES), *(_words(node) for node in tree.xpath("//title|//h1"))]
    _drop_unseen(tree)
    _name_custom_elements(tree)
    blocks = _main_blocks(tree)
    if not any(block.text.strip() for block in blocks):
        blocks = list(_blocks(tree))
        notes = (*notes, "the main text could not be told from the rest of the page: all of it was read")
    limits.check_text(sum(len(block.text) for block in blocks), name=name)
    return Extract(
        media_type="text/html",
        pages=(tuple(blocks),),
        titles=tuple(titles),
        authors=tuple(_authors(meta)),
        year=front.year(" ".join(_first(meta, _DATES))),
        doi=next(iter(_first(meta, _DOIS)), None),
        arxiv_id=next((front.arxiv_id(one, alone=True) for one in _first(meta, _ARXIV_IDS)), None),
        venue=next(iter(_first(meta, _VENUES)), ""),
        abstract=next((one for one in _first(meta, _ABSTRACTS) if len(one) >= _SHORTEST_ABSTRACT), ""),
        origins=dict.fromkeys(DESCRIBED, "file"),
        notes=notes,
    )


def all_blocks(data: bytes, *, name: str) -> list[Block]:
    """Returns every visible block of a page without navigation, such as a book's chapter; empty for none.

    Raises:
        Damaged: It is a binary file.
    """
    tree = _tree(decode(data, name=name, declared=_declared(data)).text)
    if tree is None:
        return []
    _drop_unseen(tree)
    body = tree.find("body")
    return list(_blocks(tree if body is None else body))


def _declared(data: bytes) -> str | None:
    found = _ENCODING.search(data[:4096])
    return found.group(1).decode("ascii") if found else None


def _tree(source: str) -> Any:
    from lxml import etree, html  # type: ignore[import-untyped]

    parser = html.HTMLParser(
        remove_comments=True, remove_pis=True, no_network=True, huge_tree=False, encoding="utf-8"
    )
    try:
        # Bytes, because lxml refuses a str that declares an encoding; NULs would end the page.
        text = _XML_DECLARATION.sub("", source).replace("\x00", "")
        return html.document_fromstring(text.encode("utf-8", errors="replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None


def _drop_unseen(tree: Any) -> None:
    for node in tree.xpath(_UNSEEN):
        if node.getparent() is not None:
            node.drop_tree()


def _name_custom_elements(tree: Any) -> None:
    """Gives `dt-article` and the like a known name: headings in unknown elements would get lost."""
    for node in tree.iter():
        if isinstance(node.tag, str) and "-" in node.tag:
            node.tag = "article" if node.tag.endswith("-article") else "span"


def _meta(tree: Any) -> dict[str, list[str]]:
    """What the meta tags say, by name in lower case, in their order."""
    found: dict[str, list[str]] = {}
    for tag in tree.xpath("//meta[@content]"):
        key = (tag.get("name") or tag.get("property") or "").lower().replace("dc:", "dc.")
        if content := tag.get("content").strip():
            found.setdefault(key, []).append(content)
    return found


def _first(meta: dict[str, list[str]], keys: Iterable[str]) -> list[str]:
    return next((meta[key] for key in keys if key in meta), [])


def _authors(meta: dict[str, list[str]]) -> Iterator[str]:
    people = _first(meta, _AUTHORS)
    for person in people:
        if person.count(",") == 1 and ";" not in person and " and " not in person:
            family, given = person.split(",")
            yield f"{given.strip()} {family.strip()}"  # one tag a person: "Curie, Marie"
        else:
            yield from front.split_names(person)


def _main_blocks(tree: Any) -> list[Block]:
    from copy import deepcopy

    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it reports what the caller decides
    page = trafilatura.bare_extraction(
        deepcopy(tree),
        include_comments=False,
        include_tables=True,
        include_formatting=False,
        favor_recall=True,
    )
    return [] if page is None or isinstance(page, dict) else list(_blocks(page.body))


def _blocks(root: Any) -> Iterator[Block]:
    """The text under `root` in document order, divided where a browser would begin a new line.

    Walks by events and not by recursion: a page may be nested ten thousand deep.
    """
    from lxml import etree

    words: list[str] = []
    preformatted = 0
    for event, node in etree.iterwalk(root, events=("start", "end")):
        tag = node.tag if isinstance(node.tag, str) else ""
        opening = event == "start"
        listing = tag == "pre" or (tag == "code" and "\n" in (node.text or ""))
        divides = listing or tag in _BLOCKS or tag in _HEADINGS
        if divides and tag not in _CELLS:
            heading = tag in _HEADINGS and not opening
            yield from _block(words, heading=heading, preformatted=preformatted > 0)
            words = []
        elif tag in _CELLS and not opening:
            words.append(" | ")
        if listing:
            preformatted += 1 if opening else -1
        if opening and tag in ("br", "lb"):
            words.append("\n")
        if text := (
            node.text if opening and tag else node.tail if not opening and node is not root else None
        ):
            words.append(text if preformatted else re.sub(r"\s+", " ", text))
    yield from _block(words, heading=False, preformatted=False)


def _block(words: list[str], *, heading: bool, preformatted: bool) -> Iterator[Block]:
    text = "".join(words)
    if not preformatted:
        text = re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", text)).strip(" |\n")
    if text.strip():
        yield Block(text, heading)


def _words(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())
