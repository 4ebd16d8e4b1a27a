"""Tables as spreadsheet programs save them, with commas, semicolons or tabs, read by their columns' names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from indexes.clean import clean_line

__all__ = ["SUFFIXES", "NotATable", "Row", "is_header", "table_rows"]

SUFFIXES = (".csv", ".tsv")
"""Of files that are such tables, in small letters."""

_SEPARATORS = (",", ";", "\t")


class NotATable(ValueError):
    """A text that cannot be read as a table with the columns that are needed."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        """Where the problem is, from 1."""


class Row(NamedTuple):
    """A row of a table."""

    line: int
    """Where it begins in the text, from 1."""
    cells: Mapping[str, str]
    """By the name of their column in small letters; what a short row leaves out is not there."""
    written: str
    """All its cells in one line."""
    problem: str
    """What is wrong with it, for `Line 3 ...`; usually empty."""


def is_header(line: str, *columns: str) -> bool:
    """Whether a line names all of some columns, whatever separates them."""
    return _separator(line, columns) is not None


def table_rows(text: str, *columns: str) -> Iterator[Row]:
    """Yields the rows under a header that names some columns and perhaps more; empty rows are left out.

    Raises:
        NotATable: The header lacks a column, or a cell has no end.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = _separator(first, columns) or _SEPARATORS[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header: list[str] | None = None
    before = 0
    try:
        for cells in lines:
            number, before = before + 1, lines.line_num  # a quoted cell may go on over several lines
            if not any(cell.strip() for cell in cells):
                continue
            if header is not None:
                yield _row(number, header, cells, separator)
                continue
            header = _names(cells)
            if missing := [column for column in columns if column not in header]:
                there = clean_line(", ".join(header), 200)
                raise NotATable(number, f"names no column {missing[0]}, only {there}")
    except csv.Error as error:
        raise NotATable(lines.line_num, f"is not CSV: {error}") from error


def _row(number: int, header: Sequence[str], cells: Sequence[str], separator: str) -> Row:
    too_many = len(cells) > len(header)
    problem = f"has {len(cells)} cells for {len(header)} columns" if too_many else ""
    return Row(number, dict(zip(header, cells, strict=False)), separator.join(cells), problem)


def _separator(line: str, columns: Sequence[str]) -> str | None:
    for separator in _SEPARATORS:
        try:
            named = _names(next(csv.reader([line], delimiter=separator), []))
        except csv.Error:
            continue
        if set(columns) <= set(named):
            return separator
    return None


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().casefold() for cell in cells]
