"""Makes an answer's Markdown safe to show: citations are links, nothing else is, and HTML is text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.token import Token

from assistant.events import Answer
from tui.safe import shown

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline

__all__ = ["UNSUPPORTED", "answer_parser", "cited_evidence", "mark_unsupported"]

UNSUPPORTED = "*(unsupported)*"
"""Stands after a sentence that its citations do not carry; Markdown."""

_CITATION = re.compile(r"\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\]")
_HREF = re.compile(r"cite:(\d{1,4})")
_OURS = {"citation": True}
"""Tells our links from those that the text brings along, which may say `cite:` too."""


@lru_cache(maxsize=1)
def answer_parser() -> MarkdownIt:
    """A parser whose only links are `cite:N`, one for each number in a `[N]` of the text.

    HTML and images come out as the text they were written in, other links as their label and address.
    Link definitions are off: a line `[1]: http://...` would turn the citation `[1]` into that link.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable(["image", "reference"])
    parser.inline.ruler.before("link", "citation", _citation)
    parser.core.ruler.push("plain", _plain)
    return parser


def cited_evidence(href: str) -> int | None:
    """The number of the evidence that a clicked link points to."""
    found = _HREF.fullmatch(href)
    return int(found[1]) if found else None


def mark_unsupported(answer: Answer) -> str:
    """Returns the answer's text with a word after each sentence that has no support."""
    text = answer.text
    for claim in sorted(answer.claims, key=lambda claim: claim.end, reverse=True):
        if not claim.supported:
            head = text[: claim.end].rstrip()
            text = f"{head} {UNSUPPORTED}{text[len(head) :]}"
    return text


def _citation(state: StateInline, silent: bool) -> bool:
    found = _CITATION.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        _push_citation(state, [int(number) for number in found[1].split(",")])
    state.pos = found.end()
    return True


def _push_citation(state: StateInline, numbers: list[int]) -> None:
    for number in numbers:
        opening = state.push("link_open", "a", 1)
        opening.attrs = {"href": f"cite:{number}"}
        opening.meta = _OURS
        state.push("text", "", 0).content = f"[{number}]"
        state.push("link_close", "a", -1).meta = _OURS


def _plain(state: StateCore) -> None:
    for token in state.tokens:
        token.content = shown(token.content)
        if token.children is not None:
            token.children = _without_links(token.children)


def _without_links(tokens: list[Token]) -> list[Token]:
    """Entities such as `&#x202e;` are decoded by now, which is why text is cleaned here once more."""
    kept: list[Token] = []
    addresses: list[str] = []
    for token in tokens:
        token.content = shown(token.content)
        if token.type == "link_open" and not token.meta:
            addresses.append(shown(str(token.attrs.get("href", ""))))
        elif token.type == "link_close" and not token.meta:
            kept.append(Token("text", "", 0, content=_address(addresses.pop(), kept)))
        else:
            kept.append(token)
    return kept


def _address(href: str, before: list[Token]) -> str:
    """What stands for a link after its label; nothing where the label is the address already."""
    return "" if not href or (before and before[-1].content == href) else f" ({href})"
