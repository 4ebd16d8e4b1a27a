"""Papers, failed files, collections and past questions as tables of plain text that fit the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from assistant.counting import counted
from indexes.clean import clean_line
from indexes.holdings import SHORT_ID, Holding
from indexes.ledger import Record
from indexes.types import Collection, Document, Fate

if TYPE_CHECKING:
    from assistant.past_question import PastQuestion

__all__ = [
    "collections_table",
    "failures_text",
    "holding_text",
    "holdings_table",
    "questions_table",
    "short_author",
]

_GAP = "  "
_LONGEST_AUTHOR = 18
_SHORTEST_TITLE = 20
_LABEL = 12
_NAMES = {"arxiv_id": "arXiv"}


def holdings_table(holdings: Sequence[Holding], *, width: int | None) -> str:
    """One line for each paper, and a line that counts them.

    Args:
        holdings: What to list, in this order.
        width: Columns to fit in; `None` for as many as it takes.
    """
    if not holdings:
        return "No papers.\n"
    several = len({holding.document.collection for holding in holdings}) > 1
    head = ["id", "year", "author", *(["collection"] if several else []), "", "title"]
    rows = [_row(holding, several=several) for holding in holdings]
    waiting = sum(holding.embedded < holding.passages for holding in holdings)
    said = counted(len(holdings), "paper")
    if waiting:
        said += f", {waiting:,} of them found by their words only"
    return _table(head, rows, width) + f"{said}.\n"


def holding_text(holding: Holding) -> str:
    """All that is known of one paper, a line for each thing."""
    document, details = holding.document, holding.details
    said: dict[str, str] = {
        "title": document.title,
        "authors": "; ".join(document.authors),
        "year": str(document.year or ""),
        "venue": document.venue,
        "doi": document.doi or "",
        "arxiv_id": document.arxiv_id or "",
        "abstract": details.abstract,
    }
    lines: list[tuple[str, Sequence[str]]] = [
        *(
            (_NAMES.get(name, name), [_with_origin(value, details.origins.get(name, ""))])
            for name, value in said.items()
        ),
        ("retracted", [document.retraction]),
        ("id", [document.id]),
        ("collection", [document.collection]),
        ("kind", [document.media_type]),
        ("text", [_text_of(holding)]),
        ("files", holding.files),
        ("cites", [f"{len(details.references):,} works" if details.references else ""]),
        ("notes", details.notes),
    ]
    return "".join(_labelled(label, values) for label, values in lines)


def failures_text(records: Sequence[Record]) -> str:
    """Two lines for each file: where it lies, and why it is not in the library."""
    if not records:
        return "No failed files.\n"
    parts = [f"{clean_line(record.path, 1000)}\n    {_why(record)}\n" for record in records]
    for_now = sum(record.fate is Fate.FAILED_FOR_NOW for record in records)
    said = counted(len(records), "file")
    return "".join(parts) + f"{said}, {for_now:,} of them worth another try.\n"


def collections_table(collections: Sequence[Collection], *, width: int | None) -> str:
    """One line for each collection."""
    if not collections:
        return "No collections: the library is empty.\n"
    rows = [
        [f"{each.documents:,}", f"{each.passages:,}", f"{each.embedded:,}", clean_line(each.name, 200)]
        for each in collections
    ]
    return _table(["papers", "passages", "embedded", "name"], rows, width)


def questions_table(questions: Sequence[PastQuestion], *, total: int, width: int | None) -> str:
    """One line for each question, and one that says how many more there are.

    Args:
        questions: What to list, in this order.
        total: How many there are.
        width: Columns to fit in; `None` for as many as it takes.
    """
    if not questions:
        return "No questions.\n"
    rows = [
        [clean_line(each.name, 60), _local(each.asked), each.state.value, clean_line(each.text, 500)]
        for each in questions
    ]
    more = total - len(questions)
    said = f"{counted(len(questions), 'question')} of {total:,}; --limit and --offset show others.\n"
    return _table(["name", "asked", "state", "question"], rows, width) + (said if more else "")


def short_author(document: Document) -> str:
    """The first author's last name, and whether there are more."""
    if not document.authors:
        return ""
    name = clean_line(document.authors[0]).split()[-1:] or [""]
    return name[0] + (" et al." if len(document.authors) > 1 else "")


def _local(moment: str) -> str:
    """A time in UTC as the clock on the wall had it."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def _row(holding: Holding, *, several: bool) -> list[str]:
    document = holding.document
    return [
        document.id[:SHORT_ID],
        str(document.year or ""),
        _cut(short_author(document), _LONGEST_AUTHOR),
        *([_cut(clean_line(document.collection), _LONGEST_AUTHOR)] if several else []),
        "✓" if holding.passages and holding.embedded >= holding.passages else " ",
        clean_line(document.title),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> str:
    """Columns as wide as their widest cell; the last one takes what is left."""
    widths = [max(map(cell_len, column)) for column in zip(head, *rows, strict=True)]
    before = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    last = None if width is None else max(_SHORTEST_TITLE, width - before)
    return "".join(_line(row, widths, last) for row in (head, *rows))


def _line(cells: Sequence[str], widths: Sequence[int], last: int | None) -> str:
    filled = [set_cell_size(cell, size) for cell, size in zip(cells[:-1], widths[:-1], strict=True)]
    end = cells[-1] if last is None else _cut(cells[-1], last)
    return _GAP.join([*filled, end]).rstrip() + "\n"


def _cut(text: str, size: int) -> str:
    """As much of a line as `size` columns hold; wide characters count for two."""
    return text if cell_len(text) <= size else set_cell_size(text, size - 1).rstrip() + "…"


def _text_of(holding: Holding) -> str:
    document = holding.document
    said = [counted(document.page_count, "page")]
    said += [f"{document.characters:,} characters", f"{holding.passages:,} passages"]
    return ", ".join([*said, f"{holding.embedded:,} found by meaning"])


def _labelled(label: str, values: Iterable[str]) -> str:
    cleaned = [clean_line(value, 6000) for value in values if value]
    lines = [f"{'' if number else label:<{_LABEL}}{value}\n" for number, value in enumerate(cleaned)]
    return "".join(lines)


def _with_origin(value: str, origin: str) -> str:
    return f"{clean_line(value, 5000)} ({origin})" if value and origin else value


def _why(record: Record) -> str:
    tries = f" ({record.attempts} tries)" if record.attempts > 1 else ""
    return f"{record.fate.value}{tries}: {clean_line(record.reason, 1000)}"
