"""Reads Word documents (DOCX): paragraphs, headings by their style, tables by rows, footnotes at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from indexes.errors import Damaged
from indexes.readers import front
from indexes.readers.block import Block
from indexes.readers.extract import Extract
from indexes.readers.limits import Limits
from indexes.readers.zipped import Zipped

__all__ = ["read"]

_DOCUMENT = "word/document.xml"
_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_UNREAD = frozenset({"Fallback", "moveFrom", "pPr", "rPr", "tblPr", "trPr", "tcPr", "sectPr"})
"""A drawing's second form, text that was moved away, and what only says how things look."""
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_LONGEST_CHAIN = 12
"""Styles based on styles; a circle of them ends here."""
_FRONT = 2000


def read(data: bytes, *, name: str, limits: Limits) -> Extract:
    """Returns the document as one page, a block for each heading, paragraph and table.

    Raises:
        Damaged: It is broken, or no Word document.
        Encrypted: It needs a password.
        TooLarge: It grows too large when unpacked.
    """
    zipped = Zipped(data, name=name, limits=limits)
    if _DOCUMENT not in zipped:
        raise Damaged(f"{name!r} is a Zip file, but not a Word document.")
    styles = _styles(zipped)
    blocks = list(_blocks(zipped.xml(_DOCUMENT), styles))
    titles = [block.text for block, style in blocks if style == "title"]
    text = [block for block, _ in blocks]
    if "word/footnotes.xml" in zipped:
        text += [block for block, _ in _blocks(zipped.xml("word/footnotes.xml"), styles)]
    about = zipped.xml("docProps/core.xml") if "docProps/core.xml" in zipped else None
    opening = "\n".join(block.text for block in text[:40])[:_FRONT]
    return Extract(
        media_type=_MEDIA_TYPE,
        pages=(tuple(text),),
        titles=(*_said(about, "title"), *titles),
        authors=tuple(person for field in _said(about, "creator") for person in front.split_names(field)),
        year=front.publication_year(opening) or front.year(" ".join(_said(about, "created"))),
        front=opening,
    )


def _said(about: Any, tag: str) -> tuple[str, ...]:
    return () if about is None else tuple(node.text for node in about.iter(tag) if node.text)


def _styles(zipped: Zipped) -> dict[str, str]:
    """Each style's id and what it makes of a paragraph: "heading", "title" or nothing.

    Ids are in the language of the Word that wrote the file; the names of built-in styles are English.
    """
    if "word/styles.xml" not in zipped:
        return {}
    nodes = {_attribute(node, "styleId"): node for node in zipped.xml("word/styles.xml").iter("style")}
    return {style: kind for style in nodes if (kind := _kind(style, nodes))}


def _kind(style: str, nodes: dict[str, Any]) -> str:
    for _ in range(_LONGEST_CHAIN):
        node = nodes.get(style)
        if node is None:
            return ""
        named = _value(node.find("name")).lower()
        if named == "title":
            return "title"
        if named.startswith("heading ") or node.find("./pPr/outlineLvl") is not None:
            return "heading"
        style = _value(node.find("basedOn"))
    return ""


def _blocks(root: Any, styles: dict[str, str]) -> Iterator[tuple[Block, str]]:
    """Each block under `root`, and what its style makes of it."""
    for node in root:
        match node.tag:
            case "p":
                style = _value(node.find("./pPr/pStyle"))
                kind = styles.get(style, "") or ("heading" if style.startswith("Heading") else "")
                yield Block("".join(_texts(node)), heading=kind == "heading"), kind
            case "tbl":
                yield Block("\n".join(_row(row) for row in node.iter("tr"))), ""
            case tag if isinstance(tag, str) and tag not in _UNREAD:
                yield from _blocks(node, styles)  # the body, a content control, a section


def _row(row: Any) -> str:
    return " | ".join(" ".join("".join(_texts(cell)).split()) for cell in row.iter("tc"))


def _texts(node: Any) -> Iterator[str]:
    for child in node:
        if child.tag == "t":
            yield child.text or ""
        elif child.tag in _CHARACTERS:
            yield _CHARACTERS[child.tag]
        elif isinstance(child.tag, str) and child.tag not in _UNREAD:
            yield from _texts(child)
            if child.tag == "p":
                yield "\n"  # a paragraph in a text box or a cell


def _value(node: Any) -> str:
    return "" if node is None else _attribute(node, "val")


def _attribute(node: Any, name: str) -> str:
    """An attribute whatever its namespace, of which there are two: transitional and strict."""
    return next((str(value) for key, value in node.attrib.items() if key.rpartition("}")[2] == name), "")
