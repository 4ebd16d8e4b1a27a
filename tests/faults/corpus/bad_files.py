"""Files that a parser would rather not meet, made by code: corrupt, locked, bombs, wrong kinds, odd Unicode, odd names."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from indexes.types import Fate
from tests.indexes.readers.pdf_writer import encrypted, pdf

__all__ = ["BOMBS", "CORRUPT", "GOOD", "LOCKED", "NAMES", "ODD", "SCANS", "BadFile", "pdf_of"]

READ, REFUSED = frozenset({Fate.INDEXED}), frozenset({Fate.FAILED, Fate.SKIPPED})
EITHER = READ | REFUSED
"""PDFium repairs much: what matters is that the fate is said and nothing else happens."""
NOT_NOW = frozenset({Fate.FAILED_FOR_NOW})
_LINES = ["A paper about barn owls", "Owls locate prey in complete darkness by ear."]


class BadFile(NamedTuple):
    """A file and what may become of it."""

    name: str
    make: Callable[[], bytes]
    fates: frozenset[Fate]


def pdf_of(objects: Mapping[int, bytes], *, xref: bool = True) -> bytes:
    """Returns a PDF of these objects, the first of which is the catalogue."""
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    places: dict[int, int] = {}
    for number, body in objects.items():
        places[number] = out.tell()
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    if xref:
        start = out.tell()
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (max(objects) + 1))
        for number in range(1, max(objects) + 1):
            out.write(b"%010d 00000 n \n" % places.get(number, 0))
        out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n" % (max(objects) + 1, start))
    out.write(b"%%EOF\n")
    return out.getvalue()


def _page(
    stream: bytes, *, filters: bytes = b"", resources: bytes = b"", more: Mapping[int, bytes] | None = None
) -> bytes:
    """One page with this content stream, already encoded as `filters` says."""
    return pdf_of(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << %s >> >>"
            % (resources or b"/Font << /F1 5 0 R >>"),
            4: b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(stream), filters, stream),
            5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            **(more or {}),
        }
    )


def _deflated(pieces: Iterator[bytes]) -> bytes:
    """Compresses a stream that is never whole in memory."""
    compress = zlib.compressobj(9)
    return b"".join([*(compress.compress(piece) for piece in pieces), compress.flush()])


def _repeated(piece: bytes, megabytes: int) -> Iterator[bytes]:
    block = piece * (1_000_000 // len(piece))
    for _ in range(megabytes):
        yield block


def _whole() -> bytes:
    return pdf(_LINES)


def _cut(tenths: int) -> bytes:
    return _whole()[: len(_whole()) * tenths // 10]


def _said(sentence: str, number: int) -> bytes:
    return sentence.format(number).encode()


CORRUPT = (
    *(
        BadFile(
            f"cut-at-{tenth}0-percent.pdf",
            partial(_cut, tenth),
            EITHER,
        )
        for tenth in range(1, 10)
    ),
    BadFile("cut-in-its-header.pdf", lambda: _whole()[:7], REFUSED),
    BadFile("garbage.pdf", lambda: bytes(range(256)) * 40, REFUSED),
    BadFile("garbage-after-header.pdf", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 40, REFUSED),
    BadFile("no-xref.pdf", lambda: _whole()[: _whole().index(b"xref")], EITHER),
    BadFile("a-web-page.pdf", lambda: b"<!doctype html><html><body><p>Not found</p></body></html>", REFUSED),
    BadFile("empty.pdf", lambda: b"", REFUSED),
    BadFile("only-a-mark.txt", lambda: b"\xef\xbb\xbf", REFUSED),
    BadFile("torn.docx", lambda: _zip({"word/document.xml": b"<w:document"})[:-30], REFUSED),
    BadFile("torn.epub", lambda: _zip({"mimetype": b"application/epub+zip"})[:-10], REFUSED),
    BadFile("torn.ipynb", lambda: b'{"nbformat": 4, "cells": [{"cell_type": "mark', REFUSED),
    BadFile("torn.tar.gz", lambda: _tar({"a.txt": b"text" * 1000})[:60], REFUSED | NOT_NOW),
)
LOCKED = (
    BadFile("user-password.pdf", lambda: encrypted(_whole(), user_password="x", owner_password="y"), REFUSED),
    BadFile("owner-password.pdf", lambda: encrypted(_whole(), user_password="", owner_password="y"), READ),
)
SCANS = (BadFile("scan.pdf", lambda: pdf([""], [""]), REFUSED),)
ODD = (
    BadFile("program.txt", lambda: b"\x7fELF\x02\x01\x01" + bytes(2000), REFUSED),
    BadFile("no-suffix", lambda: b"An owl hears a mouse.", READ),
    BadFile("utf16.txt", lambda: ("Owls hear well at night. " * 20).encode("utf-16-le"), READ),
    BadFile(
        "latin1.txt",
        lambda: "Les chouettes entendent très bien la nuit, où qu'elles soient.".encode("latin-1"),
        READ,
    ),
    BadFile("mixed.txt", lambda: "Owls: é ".encode() + "été".encode("latin-1") + b" and so on.", READ),
    BadFile("zeros-inside.txt", lambda: b"Owls\x00 hear\x00 well, as is known.", EITHER),
    BadFile("rtl.txt", lambda: "Owls \u202egnp.exe\u202c hear \u2066well\u2069.".encode(), READ),
    BadFile("invisible.txt", lambda: "Ow\u200bls \u2060hear\ufeff \U000e0041\U000e0042well.".encode(), READ),
    BadFile("zalgo.txt", lambda: ("O" + "\u0301\u0327\u0489" * 2000 + "wls hear.").encode(), READ),
    BadFile("emoji.txt", lambda: "Owls 🦉👩‍🔬👨‍👩‍👧‍👦 hear.".encode(), READ),
    BadFile("surrogates.txt", lambda: b"Owls \xed\xa0\x80\xed\xb0\x80 hear well.", READ),
    BadFile("private.txt", lambda: "Owls \ue000\uf8ff\U000f0000 hear well.".encode(), READ),
    BadFile("escapes.md", lambda: b"# Owls \x1b[2J\x1b]52;c;aGVsbG8=\x07\n\nThey \x9b31mhear\x1b[0m.", READ),
    BadFile(
        "markup.md",
        lambda: b"# [@click=app.quit]Owls[/]\n\n[/nope] ![x](http://127.0.0.1:9/x) <script>x</script> hear.",
        READ,
    ),
)
NAMES = tuple(
    BadFile(name, partial(_said, "Owls hear well at night, {} say.", number), READ)
    for number, name in enumerate(
        (
            "n" * 250 + ".txt",
            "new\nline.txt",
            "-rf.txt",
            "..hidden..txt",
            "rtl\u202etxt.fdp.txt",
            "escape\x1b[31m.txt",
            "tab\tand 'quotes\".txt",
            "b\udcff\udcfe.txt",
            "[bold]x[nope].txt",
        )
    )
)
BOMBS = (
    BadFile(
        "deflated.pdf",
        lambda: _page(
            _deflated(_repeated(b"BT /F1 9 Tf (owls) Tj ET\n", 300)), filters=b"/Filter /FlateDecode"
        ),
        EITHER | NOT_NOW,
    ),
    BadFile(
        "deflated-twice.pdf",
        lambda: _page(
            zlib.compress(_deflated(_repeated(b"0", 300))), filters=b"/Filter [/FlateDecode /FlateDecode]"
        ),
        EITHER | NOT_NOW,
    ),
    BadFile(
        "million-operators.pdf",
        lambda: _page(b"BT /F1 9 Tf " + b"(o) Tj " * 1_000_000 + b"ET"),
        EITHER | NOT_NOW,
    ),
    BadFile(
        "long-string.pdf", lambda: _page(b"BT /F1 9 Tf (" + b"o" * 5_000_000 + b") Tj ET"), EITHER | NOT_NOW
    ),
    BadFile(
        "deep-arrays.pdf",
        lambda: _page(b"[" * 500_000 + b"]" * 500_000 + b" BT /F1 9 Tf (owl) Tj ET"),
        EITHER | NOT_NOW,
    ),
    BadFile(
        "many-page-references.pdf",
        lambda: pdf_of(
            {
                1: b"<< /Type /Catalog /Pages 2 0 R >>",
                2: b"<< /Type /Pages /Count 200000 /Kids [%s] >>" % (b"3 0 R " * 200_000),
                3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
            }
        ),
        REFUSED | NOT_NOW,
    ),
    BadFile(
        "circular-pages.pdf",
        lambda: pdf_of(
            {
                1: b"<< /Type /Catalog /Pages 2 0 R >>",
                2: b"<< /Type /Pages /Count 2 /Kids [3 0 R] /Parent 3 0 R >>",
                3: b"<< /Type /Pages /Count 2 /Kids [2 0 R] /Parent 2 0 R >>",
            }
        ),
        REFUSED,
    ),
    BadFile(
        "recursive-form.pdf",
        lambda: _page(
            b"/X Do BT /F1 9 Tf (owl) Tj ET",
            resources=b"/Font << /F1 5 0 R >> /XObject << /X 6 0 R >>",
            more={
                6: b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >> "
                b"/Length 12 >>\nstream\n/X Do /X Do \nendstream"
            },
        ),
        EITHER,
    ),
    BadFile(
        "huge-picture.pdf",
        lambda: _page(
            b"q 500 0 0 500 0 0 cm /X Do Q BT /F1 9 Tf (owl) Tj ET",
            resources=b"/Font << /F1 5 0 R >> /XObject << /X 6 0 R >>",
            more={
                6: b"<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 8 "
                b"/ColorSpace /DeviceGray /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream"
                % (len(picture := _deflated(_repeated(b"\x00", 100))), picture)
            },
        ),
        EITHER | NOT_NOW,
    ),
    BadFile("bomb.zip", lambda: _zip({"a.txt": b"0" * 300_000_000}), EITHER | NOT_NOW),
    BadFile("nested.zip", lambda: _nested_zip(8), EITHER | NOT_NOW),
    BadFile(
        "bomb.docx",
        lambda: _zip({"[Content_Types].xml": b"<x/>", "word/document.xml": b" " * 300_000_000}),
        REFUSED,
    ),
    BadFile("bomb.txt.gz", lambda: gzip.compress(b"0" * 300_000_000), EITHER | NOT_NOW),
    BadFile("many-members.tar.gz", lambda: _tar({f"{n}.bin": b"" for n in range(100_000)}), EITHER | NOT_NOW),
    BadFile(
        "deep.html", lambda: b"<html><body>" + b"<div>" * 100_000 + b"owls hear" + b"</div>" * 100_000, EITHER
    ),
    BadFile("laughs.xml", lambda: _laughs(), REFUSED),
    BadFile(
        "deep.xml", lambda: b"<article>" + b"<sec>" * 100_000 + b"</sec>" * 100_000 + b"</article>", REFUSED
    ),
    BadFile(
        "loop.tex",
        lambda: b"\\documentclass{article}\\begin{document}\\input{loop}owls hear\\end{document}",
        EITHER,
    ),
    BadFile("definitions.tex", lambda: _definitions(), EITHER),
    BadFile(
        "braces.tex",
        lambda: b"\\documentclass{article}\\begin{document}" + b"{" * 200_000 + b"owls",
        EITHER | NOT_NOW,
    ),
    BadFile(
        "deep.ipynb", lambda: b'{"nbformat": 4, "cells": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", REFUSED
    ),
    BadFile("one-line.txt", lambda: b"owls hear well " * 3_500_000, EITHER | NOT_NOW),
)
GOOD = tuple(
    BadFile(
        f"good-{number:03}.txt",
        partial(_said, "Paper {0} says what owl{0} hears.", number),
        READ,
    )
    for number in range(140)
)


def _laughs() -> bytes:
    entities = b"".join(
        b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10)
    )
    return (
        b'<?xml version="1.0"?><!DOCTYPE article [<!ENTITY l0 "owls hear">'
        + entities
        + b"]><article><body><p>&l9;</p></body></article>"
    )


def _definitions() -> bytes:
    lines = "".join(f"\\def\\{chr(98 + n)}{{{(chr(92) + chr(97 + n)) * 10}}}" for n in range(20))
    return f"\\documentclass{{article}}\\def\\a{{owls}}{lines}\\begin{{document}}\\u hear\\end{{document}}".encode()


def _zip(members: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def _nested_zip(levels: int) -> bytes:
    data = b"owls hear well"
    for level in range(levels):
        data = _zip({f"{name}{level}.zip" if level else f"{name}.txt": data for name in "abcdefghij"})
    return data


def _tar(members: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()
