"""Writes small valid PDFs: page by page, with chosen lines, sizes and metadata."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

FI, FL = "\xde", "\xdf"
"""The ligatures, as the font's encoding (Mac Roman) has them."""

Line = str | tuple[int, str]
"""A line of text, by default 11 points high, or its height and itself."""


def pdf(
    *pages: Sequence[Line], title: str = "", author: str = "", created: str = "", content: bytes | None = None
) -> bytes:
    """Returns a PDF of these pages; `content` replaces every page's operators."""
    info = {"Title": title, "Author": author, "CreationDate": created}
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (len(pages), b" ".join(b"%d 0 R" % (5 + 2 * index) for index in range(len(pages)))),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /MacRomanEncoding >>",
        4: b"<< %s >>"
        % b" ".join(b"/%s %s" % (key.encode(), _hex(text)) for key, text in info.items() if text),
    }
    for index, lines in enumerate(pages):
        stream = _operators(lines) if content is None else content
        objects[5 + 2 * index] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (6 + 2 * index)
        )
        objects[6 + 2 * index] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream)
    return _file(objects)


def encrypted(data: bytes, *, user_password: str, owner_password: str) -> bytes:
    """Returns the PDF `data` encrypted with RC4; an empty user password lets everybody read it."""
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(BytesIO(data)))
    writer.encrypt(user_password, owner_password, algorithm="RC4-128")
    target = BytesIO()
    writer.write(target)
    return target.getvalue()


def _operators(lines: Sequence[Line]) -> bytes:
    parts = [b"BT 72 770 Td 14 TL"]
    for line in lines:
        size, text = (11, line) if isinstance(line, str) else line
        escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("latin-1")
        parts.append(b"/F1 %d Tf (%s) Tj T*" % (size, escaped))
    return b"\n".join([*parts, b"ET"])


def _hex(text: str) -> bytes:
    return b"<feff%s>" % text.encode("utf-16-be").hex().encode()


def _file(objects: dict[int, bytes]) -> bytes:
    data = b"%PDF-1.4\n"
    offsets = {}
    for number, body in objects.items():
        offsets[number] = len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offsets[number] for number in sorted(objects))
    return data + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, table, len(objects) + 1, len(data))
    )
