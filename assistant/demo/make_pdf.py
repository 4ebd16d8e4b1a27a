"""Writes the demo's PDF note, the same bytes every time: `python -m assistant.demo.make_pdf`."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["NOTE_PATH", "main", "note_pdf"]

NOTE_PATH = Path(__file__).parent / "notes" / "verifying-citations.pdf"

TITLE = "Verifying citations"
AUTHOR = "Carrel contributors"
CREATED = "D:20260101000000Z"

# One tuple a page. A line that starts with "# " is a heading; every other entry is a paragraph.
PAGES: tuple[tuple[str, ...], ...] = (
    (
        "# Why a citation has to be checked",
        "A citation ties a stretch of an answer to a place in a source. Language models produce "
        "citations that look right and are not: the paper exists but does not say it, or says it on "
        "another page, or was never among the papers that the model was given. A reader who finds one "
        "such citation stops trusting the others, so a citation should be checked before it is shown.",
        "# Three questions",
        "Does the source exist? The marker must name a piece of evidence that was handed to the "
        "model. A marker that names anything else is removed, and the answer says so.",
        "Is the quotation there? Each piece of evidence carries a verbatim quotation and its position "
        "in the paper. The quotation is compared with the stored text of the page, after differences "
        "of white space, hyphenation at line ends and ligatures have been removed from both. This "
        "check needs no model and cannot be argued with.",
        "Does the quotation support the sentence? This is the hard question. A quotation can be "
        "genuine and still have nothing to do with the sentence that cites it, or even contradict it.",
    ),
    (
        "# Measuring support without a model",
        "A sentence that shares its rare words, its numbers and its negations with the quotation is "
        "probably supported by it. Numbers deserve special care: a sentence that states a number "
        "which its evidence does not contain should be marked as doubtful, however similar the other "
        "words are. Only the doubtful sentences are worth the cost of asking a model whether the "
        "evidence entails them.",
        "# Two measures of an answer",
        "ALCE (Gao and others, 2023) evaluates cited answers by citation recall and citation "
        "precision. Citation recall is the share of statements that are fully supported by what they "
        "cite. Citation precision is the share of citations that contribute to that support. An "
        "answer that cites everything after every sentence has a high recall and a low precision.",
        "# What to do with a failure",
        "An unsupported sentence is marked and not silently deleted, because the reader may know "
        "better than the check. An answer in which most sentences fail is a reason to escalate to a "
        "better model or to a person.",
    ),
)

PAGE_WIDTH, PAGE_HEIGHT, MARGIN = 595, 842, 72
BODY_SIZE, HEADING_SIZE, TITLE_SIZE, LEADING = 11, 13, 18, 15

# Adobe's metrics of Helvetica, in thousandths of the font size, for the characters 32 to 126.
HELVETICA_WIDTHS = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
)


def note_pdf() -> bytes:
    """Return the note as a PDF 1.4 file: two pages, a title, an author, uncompressed.

    Nothing is compressed because different builds of zlib compress to different bytes.
    """
    page_ids = [6 + 2 * index for index in range(len(PAGES))]
    kids = " ".join(f"{page_id} 0 R" for page_id in page_ids)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(PAGES)} >>",
        _font("Helvetica"),
        _font("Helvetica-Bold"),
        f"<< /Title ({_escape(TITLE)}) /Author ({_escape(AUTHOR)}) /CreationDate ({CREATED}) >>",
    ]
    for index, (page_id, blocks) in enumerate(zip(page_ids, PAGES, strict=True)):
        content = _content(blocks, with_title=index == 0)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}] "
            f"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents {page_id + 1} 0 R >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    return _file(objects).encode("ascii")


def main() -> None:
    """Write the note to its place in the demo library."""
    NOTE_PATH.write_bytes(note_pdf())
    sys.stdout.write(f"{NOTE_PATH}\n")


def _font(name: str) -> str:
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"


def _content(blocks: tuple[str, ...], *, with_title: bool) -> str:
    """Return the drawing commands of one page, from its top."""
    top = PAGE_HEIGHT - MARGIN
    commands: list[str] = []

    def show(text: str, font: str, size: int, gap: int) -> None:
        nonlocal top
        top -= gap
        commands.append(f"BT /{font} {size} Tf {MARGIN} {top} Td ({_escape(text)}) Tj ET")

    if with_title:
        show(TITLE, "F2", TITLE_SIZE, 0)
        show(f"{AUTHOR}, 2026", "F1", BODY_SIZE, 22)
    for block in blocks:
        if block.startswith("# "):
            show(block[2:], "F2", HEADING_SIZE, 30)
            continue
        for number, line in enumerate(_wrap(block)):
            show(line, "F1", BODY_SIZE, LEADING if number else LEADING + 6)
    return "\n".join(commands)


def _wrap(paragraph: str) -> list[str]:
    """Break a paragraph into lines that fit between the margins."""
    lines = [""]
    for word in paragraph.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if _width(longer) <= PAGE_WIDTH - 2 * MARGIN:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _width(text: str) -> float:
    """Width in points at the body's size."""
    return sum(HELVETICA_WIDTHS[ord(character) - 32] for character in text) * BODY_SIZE / 1000


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _file(objects: list[str]) -> str:
    """Join numbered objects, the table of their offsets and the trailer."""
    body = "%PDF-1.4\n"
    offsets: list[int] = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    return (
        f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\n"
        f"startxref\n{len(body)}\n%%EOF\n"
    )


if __name__ == "__main__":
    main()
