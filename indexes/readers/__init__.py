"""Files become text, one format a file, in child processes with limits."""

from __future__ import annotations

# Nothing is imported here: the child process loads only what its file's format needs.
__all__ = [
    "api",
    "archive",
    "bibliography",
    "child",
    "decoding",
    "docx",
    "epub",
    "extract",
    "front",
    "html",
    "jats",
    "latex",
    "limits",
    "markdown",
    "named",
    "notebook",
    "ocr",
    "pdf",
    "plain",
    "plugin",
    "pool",
    "process",
    "sniff",
    "tree",
    "zipped",
    "zotero",
]
