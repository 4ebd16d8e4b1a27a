"""A file of answers for notebooks: as a table for pandas, as plots, compared with another, as a report."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from assistant.batch_compare import Comparison, compared
from assistant.batch_files import read_rows
from assistant.batch_report import write_report
from assistant.batch_row import Row
from assistant.batch_summary import BatchSummary, Spread, summary_of
from assistant.counting import counted
from assistant.grade_summary import grade_lines
from assistant.grading import Grade
from assistant.histogram import histogram_signs, histogram_svg, quantile_words
from indexes.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["COLUMNS", "Batch", "Picture"]

COLUMNS = (
    *("question", "status", "text", "author", "route", "support", "sources", "papers", "fallbacks", "error"),
    *("seconds", "calls", "input_tokens", "output_tokens", "cost_usd"),
)
"""The id is the index; where answers were graded, a column for each part of the grade follows."""


class Picture:
    """A plot that shows itself in a notebook, and in words elsewhere."""

    def __init__(self, svg: str, words: str) -> None:
        self.svg = svg
        self._words = words

    def __repr__(self) -> str:
        return self._words

    def _repr_html_(self) -> str:
        return self.svg


class Batch:
    """The answers of a batch, as they stand in its file.

        batch = Batch.read("answers.jsonl")
        batch.to_pandas().groupby("author")["seconds"].median()

    Args:
        rows: By id, in the order of the file.
    """

    def __init__(self, rows: dict[str, Row]) -> None:
        self.rows = rows

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Reads a file of answers; one that a batch is writing to now is read as far as it has come.

        Raises:
            AnswersError: It cannot be read, or holds something else.
        """
        return cls(read_rows(Path(path).expanduser()))

    @property
    def summary(self) -> BatchSummary:
        """What the answers come to."""
        return summary_of(self.rows.values())

    def to_pandas(self) -> DataFrame:
        """Returns one row for each question; see `COLUMNS`.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise InputError(
                "A table of answers needs pandas, which is not installed.",
                hint="Install it: pip install 'carrel[notebook]'",
            ) from error
        every = list(self.rows.values())
        graded = any(row.grade is not None for row in every)
        columns = [*COLUMNS, *(Grade.model_fields if graded else ())]
        index = pd.Index([row.id for row in every], name="id", dtype="object")
        frame = pd.DataFrame([_cells(row) for row in every], index=index, columns=columns)
        return frame.astype({"support": "float64", "seconds": "float64", "cost_usd": "float64"})

    def plot_seconds(self) -> Picture:
        """How long the answers took.

        Raises:
            InputError: There is no answer, as for `plot_cost` where no price is known.
        """
        return _picture("Seconds until the answer", "s", self.summary.seconds)

    def plot_cost(self) -> Picture:
        """What the answers cost."""
        return _picture("Cost of an answer", "USD", self.summary.cost_usd)

    def plot_support(self) -> Picture:
        """Which share of its sentences each answer's sources support."""
        shares = [100 * row.support for row in self.rows.values() if row.support is not None]
        spread = Spread(values=tuple(shares)) if shares else None
        return _picture("Sentences that are supported", "%", spread)

    def compare(self, earlier: Batch) -> Comparison:
        """What changed since an earlier run over the same questions, paired by id."""
        return compared(earlier.rows, self.rows)

    def report(self, path: str | Path, *, earlier: Batch | None = None) -> Path:
        """Writes a report, `*.md` or `*.html`; returns where it is.

        Raises:
            InputError: It cannot be written there.
        """
        comparison = None if earlier is None else self.compare(earlier)
        return write_report(Path(path), self.summary, comparison)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return "\n".join(_lines(self.summary))

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(line)}</p>" for line in _lines(self.summary))


def _lines(summary: BatchSummary) -> list[str]:
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in summary.outcomes.items())
    lines = [f"{counted(summary.questions, 'question')}: {outcomes or 'none'}"]
    if summary.seconds is not None:
        lines.append(f"seconds: {quantile_words(summary.seconds, 's')}")
    return lines + grade_lines(summary.grades)


def _cells(row: Row) -> dict[str, Any]:
    usage = row.usage.model_dump(include={"seconds", "calls", "input_tokens", "output_tokens", "cost_usd"})
    return {
        "question": row.question,
        "status": row.status.value,
        "text": row.text,
        "author": row.author,
        "route": row.route,
        "support": row.support,
        "sources": len(row.sources),
        "papers": "; ".join(dict.fromkeys(source.title for source in row.sources)),
        "fallbacks": "; ".join(f"{each.step}: {each.rung}" for each in row.degraded),
        "error": row.error.message if row.error else "",
        **usage,
        **(row.grade.model_dump() if row.grade is not None else {}),
    }


def _picture(title: str, unit: str, spread: Spread | None) -> Picture:
    if spread is None:
        raise InputError(f"There is nothing to plot: no answer has what “{title}” would show.")
    words = f"{title}: {quantile_words(spread, unit)}\n{histogram_signs(spread)}"
    return Picture(histogram_svg(title, unit, spread), words)
