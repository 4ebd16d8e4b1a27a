"""The list of references of a JATS article, as its publisher marked it up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from indexes.clean import clean_line
from indexes.readers import front
from indexes.types import Reference

__all__ = ["read"]

_MOST = 5_000
_LONGEST = 1_200
"""Characters of an entry's text."""
_CITATIONS = "mixed-citation|element-citation|citation|nlm-citation"


def read(article: Any) -> Iterator[Reference]:
    """Yields the works that an article cites, in the order of its list."""
    for reference in article.xpath("./back//ref-list//ref")[:_MOST]:
        citation = next(iter(reference.xpath(_CITATIONS)), None)
        if citation is not None:
            yield _reference(citation)


def _reference(citation: Any) -> Reference:
    text = clean_line(" ".join("".join(citation.itertext()).split()), limit=_LONGEST)
    identifier = next((_text(one) for one in citation.xpath(".//pub-id[@pub-id-type='doi']")), "")
    link = " ".join(_text(one) for one in citation.xpath(".//ext-link|.//uri"))
    year = re.search(r"(?:1[5-9]|20)\d\d", " ".join(map(_text, citation.xpath(".//year"))))
    return Reference(
        text=text,
        title=next(map(_text, citation.xpath(".//article-title|.//chapter-title|.//data-title")), "")
        or next(map(_text, citation.xpath(".//source")), ""),
        authors=front.names(_name(one) for one in citation.xpath(_PEOPLE)),
        year=int(year[0]) if year else None,
        doi=front.doi(identifier) or front.doi(f"{link} {text}"),
        arxiv_id=front.arxiv_id(f"{link} {text}"),
        venue=next(map(_text, citation.xpath(".//source")), ""),
    )


_PEOPLE = (
    ".//name[not(ancestor::person-group[@person-group-type='editor'])]"
    "|.//string-name[not(ancestor::person-group[@person-group-type='editor'])]|.//collab"
)


def _name(person: Any) -> str:
    parts = [person.find(tag) for tag in ("given-names", "surname")]
    said = " ".join(_text(part) for part in parts if part is not None)
    return said or _text(person)


def _text(node: Any) -> str:
    return clean_line(" ".join("".join(node.itertext()).split()), limit=400)
