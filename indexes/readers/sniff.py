"""Decides what a file is: from its first bytes, and from its name where those leave it open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from indexes.clean import clean_line
from indexes.errors import Damaged, NoText, Unsupported
from indexes.formats import Format
from indexes.readers.decoding import looks_binary, wide_encoding

__all__ = ["HEAD_BYTES", "READABLE_SUFFIXES", "format_of", "format_of_suffix", "sniff"]

HEAD_BYTES = 8192
"""How much of a file's beginning `sniff` wants to see."""


_BY_SUFFIX = {
    ".pdf": Format.PDF,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".mdown": Format.MARKDOWN,
    ".qmd": Format.MARKDOWN,
    ".rmd": Format.MARKDOWN,
    ".txt": Format.PLAIN,
    ".text": Format.PLAIN,
    ".rst": Format.PLAIN,
    ".org": Format.PLAIN,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
    ".tex": Format.LATEX,
    ".ltx": Format.LATEX,
    ".latex": Format.LATEX,
    ".xml": Format.JATS,
    ".nxml": Format.JATS,
    ".jats": Format.JATS,
    ".epub": Format.EPUB,
    ".docx": Format.DOCX,
    ".docm": Format.DOCX,
    ".ipynb": Format.NOTEBOOK,
}

READABLE_SUFFIXES: frozenset[str] = frozenset(_BY_SUFFIX)
"""In lower case, with the dot. A name outside this set may still be read, for its content."""

_BIBLIOGRAPHIES = frozenset({".bib", ".ris", ".enw", ".nbib", ".bibtex", ".ciw"})
_DATA = frozenset(
    {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".yaml", ".yml", ".toml", ".ini", ".log", ".sql"}
)


class _Signature(NamedTuple):
    magic: bytes
    kind: str
    offset: int = 0


_SIGNATURES = (
    _Signature(b"\x7fELF", "a program (ELF)"),
    _Signature(b"MZ\x90\x00", "a Windows program"),
    _Signature(b"\xcf\xfa\xed\xfe", "a macOS program"),
    _Signature(b"PK\x03\x04", "a Zip archive"),
    _Signature(b"PK\x05\x06", "an empty Zip archive"),
    _Signature(b"\x1f\x8b", "a gzip archive"),
    _Signature(b"BZh", "a bzip2 archive"),
    _Signature(b"\xfd7zXZ\x00", "an xz archive"),
    _Signature(b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    _Signature(b"Rar!\x1a\x07", "a RAR archive"),
    _Signature(b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    _Signature(b"ustar", "a tar archive", offset=257),
    _Signature(b"\x89PNG\r\n", "a PNG picture"),
    _Signature(b"\xff\xd8\xff", "a JPEG picture"),
    _Signature(b"GIF8", "a GIF picture"),
    _Signature(b"II*\x00", "a TIFF picture"),
    _Signature(b"MM\x00*", "a TIFF picture"),
    _Signature(b"RIFF", "a sound, video or WebP file"),
    _Signature(b"OggS", "a sound file"),
    _Signature(b"ID3", "a sound file"),
    _Signature(b"ftyp", "a video", offset=4),
    _Signature(b"SQLite format 3\x00", "an SQLite database"),
    _Signature(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Microsoft Office document"),
    _Signature(b"{\\rtf", "a rich text document (RTF)"),
    _Signature(b"%!PS", "a PostScript file"),
    _Signature(b"AT&TFORM", "a DjVu file"),
)
_OFFICE = {
    ".doc": "an old Word document",
    ".odt": "an OpenDocument text",
    ".pptx": "a PowerPoint presentation",
    ".xlsx": "an Excel sheet",
}
_EPUB = re.compile(rb"PK\x03\x04.{26}mimetype.{0,64}application/epub\+zip", re.DOTALL)
_DOCX = re.compile(rb"PK\x03\x04.{26}word/", re.DOTALL)
_NOTEBOOK = re.compile(r'\s*\{(?=.{0,8000}"(?:nbformat|cell_type)"\s*:)', re.DOTALL)
_SAVE_AS_PDF = "Save it as PDF and add that."
_PROLOGUE = r"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?><!--.*?-->\s*)*+"
_HTML = re.compile(_PROLOGUE + r"(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE | re.DOTALL)
_JATS = re.compile(
    _PROLOGUE + r"(?:<!DOCTYPE\s+(?:[\w.-]+:)?article\b|<(?:[\w.-]+:)?article[\s>])", re.DOTALL
)
_XML = re.compile(r"\s*<\?xml\s")
_LATEX = re.compile(
    r"\s*(?>%[^\n]*\n\s*)*+\\(?:documentclass|documentstyle|RequirePackage|PassOptionsToPackage|NeedsTeXFormat)\b"
)
_BIBTEX = re.compile(
    r"\s*(?>%[^\n]*\n\s*)*+@(?:article|book|inproceedings|misc|phdthesis|techreport|string)\s*[{(]",
    re.IGNORECASE,
)


def format_of(path: Path) -> Format:
    """Returns how to read the file at `path`; reads its beginning only.

    Raises:
        NoText: The file is empty.
        Unsupported: A kind that is not read.
        Damaged: Not what its name says.
        OSError: It cannot be opened.
    """
    with path.open("rb") as file:
        return sniff(path, file.read(HEAD_BYTES))


def format_of_suffix(suffix: str) -> Format | None:
    """Returns how a file of this name is most likely read; `None` for one that only its content can tell."""
    return _BY_SUFFIX.get(suffix.lower())


def sniff(path: Path, head: bytes) -> Format:
    """Returns how to read a file of this name that begins with `head`; raises as `format_of` does."""
    name = clean_line(path.name)
    suffix = path.suffix.lower()
    if not head:
        raise NoText(f"{name!r} is empty (0 bytes).", hint="Fetch it again.")
    if _is_pdf(head, named=_BY_SUFFIX.get(suffix)):
        return Format.PDF
    if zipped := _zip_format(suffix, head):
        return zipped
    if suffix not in _DATA or not _NOTEBOOK.match(_as_text(head)):
        _refuse_by_name(name, suffix)
    _refuse_by_signature(name, suffix, head)
    text = _as_text(head)
    by_content = _text_format(text)
    if suffix == ".pdf":
        what = "a web page" if by_content is Format.HTML else "not a PDF: it does not begin like one"
        raise Damaged(
            f"{name!r} is {what}{', not a PDF' if by_content is Format.HTML else ''}.",
            hint="Open it in a browser, find the paper's own PDF and add that.",
        )
    if looks_binary(head) and not wide_encoding(head) and not _marked(head):
        raise Damaged(f"{name!r} is a binary file, not text.")
    return by_content or _text_by_name(name, suffix, text)


def _is_pdf(head: bytes, *, named: Format | None) -> bool:
    """`%PDF` may follow junk, but a text that only mentions it is no PDF."""
    if named in (None, Format.PDF):
        return b"%PDF" in head[:1024]
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:5] == b"%PDF-"


def _zip_format(suffix: str, head: bytes) -> Format | None:
    """Which format that is a Zip file: books say so in their first bytes, Word has parts of known names."""
    if _EPUB.match(head):
        return Format.EPUB
    named = _BY_SUFFIX.get(suffix)
    if head.startswith(b"PK\x03\x04") and named in (Format.EPUB, Format.DOCX):
        return named
    return Format.DOCX if head.startswith(b"PK\x03\x04") and _DOCX.search(head) else None


def _refuse_by_name(name: str, suffix: str) -> None:
    if suffix in _BIBLIOGRAPHIES:
        raise Unsupported(f"{name!r} is a bibliography ({suffix}), not read as a paper.")
    if suffix in _DATA:
        raise Unsupported(f"{name!r} is a data file ({suffix}), not read as a paper.")
    if suffix in _OFFICE:
        raise Unsupported(f"{name!r} is {_OFFICE[suffix]}, which is not read.", hint=_SAVE_AS_PDF)


def _refuse_by_signature(name: str, suffix: str, head: bytes) -> None:
    for signature in _SIGNATURES:
        if not head.startswith(signature.magic, signature.offset):
            continue
        if suffix in READABLE_SUFFIXES:
            raise Damaged(f"{name!r} is {signature.kind}, not what its name says.")
        raise Unsupported(f"{name!r} is {signature.kind}, which is not read.")


def _marked(head: bytes) -> bool:
    return head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff"))


def _as_text(head: bytes) -> str:
    encoding = "utf-16" if _marked(head) else wide_encoding(head) or "utf-8-sig"
    return head.decode(encoding, errors="replace")


def _text_format(text: str) -> Format | None:
    if _HTML.match(text):
        return Format.HTML
    if _JATS.match(text):
        return Format.JATS
    if _LATEX.match(text):
        return Format.LATEX
    return Format.NOTEBOOK if _NOTEBOOK.match(text) else None


def _text_by_name(name: str, suffix: str, text: str) -> Format:
    """What the name says of a text that does not tell by itself."""
    if _BIBTEX.match(text) and suffix in ("", ".txt"):
        raise Unsupported(f"{name!r} is a bibliography (BibTeX), not read as a paper.")
    by_name = _BY_SUFFIX.get(suffix)
    if by_name in (Format.EPUB, Format.DOCX):
        raise Damaged(f"{name!r} is text, not what its name says.")
    if by_name is Format.JATS or (_XML.match(text) and by_name is not Format.HTML):
        raise Unsupported(f"{name!r} is XML, but not a JATS article.")
    if by_name is None and suffix:
        raise Unsupported(f"{name!r} is of a kind ({suffix}) that is not read.")
    return by_name or Format.PLAIN
