"""How papers are listed, in words: the orders there are, how one can be found, what kind of file it is."""

from __future__ import annotations

from assistant.engine.errands import PaperOrder
from assistant.events import Document, Listed
from tui.words import FAILED

__all__ = ["DESCENDING", "ORDERS", "authors_of", "found_by", "kind_of", "title_of"]

ORDERS: dict[PaperOrder, str] = {
    "title": "by title",
    "author": "by author",
    "year": "by year, newest first",
    "added": "newest in the library first",
}
DESCENDING = ("year", "added")


def title_of(document: Document) -> str:
    """The title, with a warning before that of a retracted paper; the file's name where there is none."""
    title = document.title or document.source.rpartition("/")[2] or "Untitled"
    return f"{'RETRACTED · ' if document.retraction else ''}{title}"


def authors_of(document: Document) -> str:
    """The first three authors."""
    return ", ".join(document.authors[:3]) + (" and others" if len(document.authors) > 3 else "")


def found_by(listed: Listed) -> str:
    """How the paper can be found, in words: the newest version of its file may not have been read."""
    if listed.trouble:
        return f"{FAILED} old version"
    if not listed.passages:
        return "nothing to find"
    if listed.embedded >= listed.passages:
        return "word, meaning"
    return f"word, {listed.embedded / listed.passages:.0%}" if listed.embedded else "word only"


def kind_of(media_type: str, source: str) -> str:
    """What people call the kind of file, in at most five letters."""
    if media_type.endswith("reference"):
        return "entry"
    suffix = source.rpartition(".")[2].lower()
    return suffix if 0 < len(suffix) <= 5 and suffix.isalnum() else media_type.rpartition("/")[2][:5]
