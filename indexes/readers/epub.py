"""Reads EPUB books: chapters in the order of the spine, metadata from the package file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urldefrag

from indexes.errors import Damaged, Encrypted
from indexes.readers import front, html
from indexes.readers.block import Block
from indexes.readers.extract import Extract
from indexes.readers.limits import Limits
from indexes.readers.zipped import Zipped

__all__ = ["read"]

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_MOST_CHAPTERS = 5000
_PAGES = ("application/xhtml+xml", "text/html", "application/xml")


def read(data: bytes, *, name: str, limits: Limits) -> Extract:
    """Returns the whole book as one page, a block for each heading, paragraph and list item.

    Raises:
        Damaged: It is broken, or no EPUB.
        Encrypted: Its chapters are protected.
        TooLarge: It grows too large when unpacked.
    """
    zipped = Zipped(data, name=name, limits=limits)
    package, folder = _package(zipped, name)
    locked = _locked(zipped)
    blocks: list[Block] = []
    missing = 0
    for chapter in _chapters(package, folder):
        if chapter in locked:
            raise Encrypted(f"{name!r} is protected against copying.", hint="Add a copy without protection.")
        if chapter not in zipped:
            missing += 1
            continue
        blocks += html.all_blocks(zipped.read(chapter), name=name)
        limits.check_text(sum(len(block.text) for block in blocks), name=name)
    return Extract(
        media_type="application/epub+zip",
        pages=(tuple(blocks),),
        titles=tuple(_said(package, "title")),
        authors=tuple(_people(package)),
        year=front.year(" ".join(_said(package, "date"))),
        doi=next((found for said in _said(package, "identifier") if (found := front.doi(said))), None),
        notes=(f"{missing} chapters that the book lists are not in it",) if missing else (),
    )


def _package(zipped: Zipped, name: str) -> tuple[Any, str]:
    """The package file's root and the folder that its names are relative to."""
    for rootfile in zipped.xml(_CONTAINER).iter("rootfile"):
        path = rootfile.get("full-path", "")
        return zipped.xml(path), posixpath.dirname(path)
    raise Damaged(f"{name!r} is an EPUB without contents.")


def _locked(zipped: Zipped) -> frozenset[str]:
    """Parts that are encrypted; usually none, or fonts."""
    if _ENCRYPTION not in zipped:
        return frozenset()
    return frozenset(unquote(node.get("URI", "")) for node in zipped.xml(_ENCRYPTION).iter("CipherReference"))


def _chapters(package: Any, folder: str) -> Iterator[str]:
    """The names of the parts to read, in order and each once; the table of contents is left out."""
    items = {
        item.get("id"): urldefrag(item.get("href", "")).url
        for item in package.iter("item")
        if item.get("media-type") in _PAGES and "nav" not in item.get("properties", "").split()
    }
    listed = [items[key] for itemref in package.iter("itemref") if (key := itemref.get("idref")) in items]
    for href in list(dict.fromkeys(listed))[:_MOST_CHAPTERS]:
        yield posixpath.normpath(posixpath.join(folder, unquote(href)))


def _people(package: Any) -> Iterator[str]:
    for creator in package.iter("creator"):
        role = next(
            (value for key, value in creator.attrib.items() if key.rpartition("}")[2] == "role"), "aut"
        )
        if role == "aut":
            yield from front.split_names(" ".join("".join(creator.itertext()).split()) + ";")


def _said(package: Any, tag: str) -> Iterator[str]:
    for node in package.iter(tag):
        if words := " ".join("".join(node.itertext()).split()):
            yield words
