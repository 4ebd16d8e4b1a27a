"""What `carrel batch` does once its questions are answered: tells grades, compares, writes a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.batch import BatchReport
    from assistant.cli.narrate import Narrator

__all__ = ["check_ending", "tell_ending"]


def check_ending(report: str | None, compare: str | None) -> None:
    """Does nothing if report and comparison will be possible: known before the first question is asked.

    Raises:
        InputError: The report cannot be written there, or the earlier answers cannot be read.
    """
    if report is not None:
        from assistant.batch_report import require_report_path

        require_report_path(Path(report))
    if compare is not None:
        from assistant.batch_files import read_rows

        read_rows(Path(compare).expanduser())


def tell_ending(
    ended: BatchReport, narrator: Narrator, *, report: str | None = None, compare: str | None = None
) -> None:
    """Says what the grades come to and what changed, and writes the report."""
    from assistant.batch_compare import compared, comparison_lines
    from assistant.batch_files import read_rows
    from assistant.grade_summary import grade_lines

    for line in grade_lines(ended.grades):
        narrator.line(f"grade: {line}")
    comparison = None
    if compare is not None:
        comparison = compared(read_rows(Path(compare).expanduser()), read_rows(ended.out))
        for line in comparison_lines(comparison):
            narrator.line(f"compared: {line}")
    if report is not None:
        from assistant.batch_report import write_report
        from assistant.batch_summary import summary_of

        place = write_report(Path(report), summary_of(read_rows(ended.out).values()), comparison)
        narrator.line(f"report: {place}")
