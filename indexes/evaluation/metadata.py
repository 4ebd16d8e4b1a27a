"""How much of what is known of papers reading finds: title, authors, year and DOI, against a gold file."""

from __future__ import annotations

import asyncio
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from indexes.clean import clean_line
from indexes.errors import ReadError
from indexes.evaluation.judged import rows_of, unusable
from indexes.evaluation.metrics import Interval
from indexes.readers.pool import ReaderPool
from indexes.types import Model, ParsedDocument

__all__ = ["FieldScore", "Gold", "MetadataReport", "Mismatch", "evaluate_metadata", "read_gold"]

FieldName = Literal["title", "authors", "year", "doi"]
FIELDS: tuple[FieldName, ...] = ("title", "authors", "year", "doi")

_FORM = (
    'Each line is an object such as {"file": "papers/a.pdf", "title": "...", "authors": ["..."], '
    '"year": 2020, "doi": "10...."}; the path starts at the gold file\'s folder, and a field that is not '
    "known is left out."
)
_SUFFIX = re.compile(r"[ ,]+(?:jr|sr|ii|iii|iv)\.?$", re.IGNORECASE)


class Gold(NamedTuple):
    """What is known of one file."""

    file: Path
    name: str
    """As the gold file writes it."""
    known: dict[FieldName, Any]


class FieldScore(Model):
    """How often one field was right."""

    field: FieldName
    right: int
    judged: int
    """Files whose gold has it; a DOI only where the file's text holds it."""
    share: Interval
    """With its 95 % interval (Wilson 1927)."""


class Mismatch(Model):
    """A field that was read otherwise than the gold has it."""

    file: str
    field: FieldName
    found: str
    expected: str


class MetadataReport(Model):
    """What reading found of a gold file's fields."""

    name: str
    files: int
    unreadable: tuple[tuple[str, str], ...]
    """File and reason; they count as wrong in every field that the gold has."""
    fields: tuple[FieldScore, ...]
    mismatches: tuple[Mismatch, ...]


def read_gold(path: Path) -> tuple[Gold, ...]:
    """Reads a file of gold metadata, JSON lines; blocks.

    Raises:
        JudgementsUnusable: It cannot be read or names no file; the message names the line.
    """
    gold: list[Gold] = []
    for number, row in rows_of(path, hint=_FORM):
        name = row.get("file")
        if not isinstance(name, str) or not name:
            raise unusable(path, number, "has no file", hint=_FORM)
        known = {field: row[field] for field in FIELDS if row.get(field) not in (None, "", [])}
        if "authors" in known and not _names(known["authors"]):
            raise unusable(path, number, "has authors that are not a list of names", hint=_FORM)
        gold.append(Gold(path.parent / name, name, known))
    if not gold:
        raise unusable(path, 1, "is the end: the file is empty", hint=_FORM)
    return tuple(gold)


async def evaluate_metadata(
    path: Path, gold: Sequence[Gold], *, tell: Callable[[int, int], None]
) -> MetadataReport:
    """Reads every file of the gold as adding would, and compares.

    A title is right if its letters and digits are, in any case; authors if the set of surnames is; a year and
    a DOI if they are the same.

    Args:
        path: Of the gold file, for the report.
        gold: What is known.
        tell: Told how many files of how many are read.
    """
    outcomes: dict[str, ParsedDocument | ReadError] = {}
    ahead = iter(gold)

    async def work(pool: ReaderPool) -> None:
        for each in ahead:
            try:
                outcomes[each.name] = await pool.read(each.file)
            except ReadError as error:
                outcomes[each.name] = error
            tell(len(outcomes), len(gold))

    async with ReaderPool() as pool, asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(work(pool))
    return _report(path, gold, outcomes)


def _report(
    path: Path, gold: Iterable[Gold], outcomes: dict[str, ParsedDocument | ReadError]
) -> MetadataReport:
    marks: dict[FieldName, list[bool]] = defaultdict(list)
    mismatches: list[Mismatch] = []
    unreadable: list[tuple[str, str]] = []
    for each in gold:
        read = outcomes[each.name]
        if isinstance(read, ReadError):
            unreadable.append((clean_line(each.name), read.message))
        for field, expected in each.known.items():
            if isinstance(read, ReadError):
                marks[field].append(False)
                continue
            found = getattr(read, field)
            right = _normal(field, found) == _normal(field, expected)
            if right or field != "doi" or _letters(str(expected)) in _letters(read.text):
                marks[field].append(right)
                if not right:
                    mismatches.append(
                        Mismatch(
                            file=clean_line(each.name),
                            field=field,
                            found=_said(found),
                            expected=_said(expected),
                        )
                    )
    return MetadataReport(
        name=clean_line(path.name),
        files=len(outcomes),
        unreadable=tuple(unreadable),
        fields=tuple(_score(field, marks[field]) for field in FIELDS if marks[field]),
        mismatches=tuple(mismatches),
    )


def _score(field: FieldName, marks: Sequence[bool]) -> FieldScore:
    return FieldScore(field=field, right=sum(marks), judged=len(marks), share=_wilson(sum(marks), len(marks)))


def _wilson(right: int, judged: int) -> Interval:
    share, z = right / judged, 1.959964
    middle = (share + z * z / (2 * judged)) / (1 + z * z / judged)
    half = z / (1 + z * z / judged) * math.sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    return Interval(value=share, low=max(0.0, middle - half), high=min(1.0, middle + half))


def _normal(field: FieldName, value: Any) -> object:
    match field:
        case "title":
            return _letters(str(value or ""))
        case "authors":
            return frozenset(_surname(name) for name in _names(value))
        case "year":
            return str(value)
        case "doi":
            return str(value or "").lower().removeprefix("https://doi.org/")


def _names(value: Any) -> list[str]:
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return [name for name in value if name.strip()]
    return []


def _surname(name: str) -> str:
    """The family name, without "Jr.": what stands before a comma, else the last word."""
    whole = _SUFFIX.sub("", name.strip())
    family = whole.partition(",")[0] if "," in whole else whole.split()[-1]
    return _letters(family)


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def _said(value: Any) -> str:
    return clean_line(
        "; ".join(_names(value)) if isinstance(value, list | tuple) else str(value or "nothing"), 200
    )
