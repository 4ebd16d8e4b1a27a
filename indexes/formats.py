"""The kinds of file that are read, and what people call them: the one list that help and errors quote."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["BIBLIOGRAPHIES", "CALLED", "READABLE", "SOURCES", "ZOTERO", "Format"]


class Format(StrEnum):
    """A kind of file that is read."""

    PDF = "pdf"
    DOCX = "docx"
    EPUB = "epub"
    MARKDOWN = "markdown"
    PLAIN = "plain"
    HTML = "html"
    LATEX = "latex"
    JATS = "jats"
    NOTEBOOK = "notebook"


CALLED = {
    Format.PDF: "PDF",
    Format.DOCX: "Word (DOCX)",
    Format.EPUB: "EPUB",
    Format.MARKDOWN: "Markdown",
    Format.PLAIN: "plain text",
    Format.HTML: "HTML",
    Format.LATEX: "LaTeX",
    Format.JATS: "JATS XML",
    Format.NOTEBOOK: "Jupyter notebooks",
}
"""Each as people call it."""
_NAMES = [CALLED[format] for format in Format]

READABLE = f"{', '.join(_NAMES[:-1])} and {_NAMES[-1]}"
"""All of them in words, as in "PDF, Word (DOCX) and Markdown"."""

BIBLIOGRAPHIES = frozenset({".bib", ".bibtex", ".ris"})
"""Suffixes that are always a bibliography's; `.json` may be one's too."""

ZOTERO = "zotero:"
"""In place of a path: the Zotero library of the person who asks."""

SOURCES = (
    f"{READABLE}; folders and archives (zip, tar) of them, bibliographies (BibTeX, RIS, CSL-JSON) "
    f"and a Zotero library ({ZOTERO})"
)
"""All that can be added, in words."""
