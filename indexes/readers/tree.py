"""Parses XML that nobody trusts: no entity is resolved, nothing is fetched, namespaces are dropped."""

from __future__ import annotations

from typing import Any

from indexes.errors import Damaged

__all__ = ["parsed"]


def parsed(data: bytes, *, name: str) -> Any:
    """Returns the root element, an `lxml` one; its depth is what libxml2 allows, 256.

    Raises:
        Damaged: It is not well-formed.
    """
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Damaged(f"{name!r} is not well-formed XML: {error}.") from error
    # Articles come with and without a default namespace; MathML's and XLink's do not matter to a reader.
    for node in root.iter():
        if isinstance(node.tag, str) and node.tag.startswith("{"):
            node.tag = node.tag.rpartition("}")[2]
    return root
