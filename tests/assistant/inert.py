"""Reads HTML as a browser does, and fails on anything in it that loads, runs or leads where it should not."""

from __future__ import annotations

import re
from html.parser import HTMLParser

__all__ = ["Page", "read_inert"]

_TAGS = set(
    "a details summary div span p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong small hr br style"
    " table thead tbody tr th td".split()
)
_ATTRIBUTES = {"class", "href", "id", "title", "rel", "start"}
_OWN_ANCHOR = re.compile(r"carrel-\w+-(?:cites-)?\d+")
_PAPER = re.compile(r"https://doi\.org/10\.|https://arxiv\.org/abs/|https?://[\w.:-]+/")


class Page(HTMLParser):
    """What a reader sees of some HTML, and where its links lead."""

    def __init__(self, *, elsewhere: bool) -> None:
        super().__init__()
        self.text = ""
        self.anchors: list[str] = []
        """Every `id`, in order."""
        self.links: list[str] = []
        """Every `href`, in order."""
        self.tags: list[str] = []
        self._elsewhere = elsewhere
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS, tag
        self.tags.append(tag)
        if tag not in ("br", "hr"):
            self._open.append(tag)
        for name, value in attributes:
            assert name in _ATTRIBUTES, (tag, name)
            if name == "id":
                assert _OWN_ANCHOR.fullmatch(value or ""), value
                self.anchors.append(value or "")
            if name == "href":
                self._check_link(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data

    def _check_link(self, target: str) -> None:
        inside = target.startswith("#") and _OWN_ANCHOR.fullmatch(target[1:])
        assert inside or (self._elsewhere and _PAPER.match(target)), target
        self.links.append(target)


def read_inert(html: str, *, elsewhere: bool = False) -> Page:
    """Returns what is seen of it.

    Args:
        html: As a notebook gets it.
        elsewhere: Whether links to papers are expected, beside those within the page.
    """
    page = Page(elsewhere=elsewhere)
    page.feed(html)
    page.close()
    assert page._open == [], "every element is closed"
    assert len(set(page.anchors)) == len(page.anchors), "an anchor is there once"
    return page
