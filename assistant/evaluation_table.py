"""What an evaluation found, as plain text: a table of the ways of searching and their comparison."""

from __future__ import annotations

from collections.abc import Sequence

from indexes.clean import clean_line
from indexes.evaluation.metadata import MetadataReport
from indexes.evaluation.metrics import Interval
from indexes.evaluation.retrieval import RetrievalReport

__all__ = ["evaluation_table", "metadata_table"]

_MISSED_SHOWN = 10
_FIRST = 10


def evaluation_table(report: RetrievalReport) -> str:
    """Returns the report as lines for a person; the questions that went wrong are named, a few at most."""
    model = f"embedded by {report.encoder}" if report.encoder else "by keyword only"
    lines = [
        f"{clean_line(report.name, 60)}: {report.documents:,} documents ({report.passages:,} passages), "
        f"{len(report.questions):,} questions, {clean_line(model, 60)}",
        "",
    ]
    rows = [("", "nDCG@10", "recall@100", "MRR", "p50", "p95")]
    rows += [
        (
            way.name,
            _with_range(way.ndcg_at_10),
            _with_range(way.recall_at_100),
            _with_range(way.mrr),
            _milliseconds(way.p50_ms),
            _milliseconds(way.p95_ms),
        )
        for way in report.ways
    ]
    lines += _aligned(rows)
    lines += ["", "nDCG@10, paired by question:"]
    lines += _aligned(
        [
            (
                f"{pair.way} less {pair.than}",
                _with_range(pair.ndcg_at_10, sign="+"),
                f"{pair.better} better, {pair.worse} worse, {pair.alike} alike",
            )
            for pair in report.compared
        ]
    )
    lines += ["", "In brackets: 95 % intervals, by a bootstrap over the questions."]
    lines += _missed(report)
    lines += [f"note: {clean_line(note, 500)}" for note in report.notes]
    return "\n".join(lines) + "\n"


def metadata_table(report: MetadataReport) -> str:
    """Returns what was read of a gold file's fields as lines for a person; a few mismatches are named."""
    lines = [f"{report.name}: {report.files:,} files, {len(report.unreadable)} that could not be read", ""]
    rows = [("", "right", "of", "share")]
    rows += [
        (each.field, str(each.right), str(each.judged), _with_range(each.share)) for each in report.fields
    ]
    lines += _aligned(rows)
    lines += ["", "In brackets: 95 % intervals (Wilson)."]
    lines += [f"- {name}: could not be read: {reason}" for name, reason in report.unreadable[:_MISSED_SHOWN]]
    lines += [
        f"- {each.file}: {each.field} read as {each.found!r}, not {each.expected!r}"
        for each in report.mismatches[:_MISSED_SHOWN]
    ]
    more = len(report.mismatches) + len(report.unreadable) - len(lines[7:])
    if len(report.mismatches) > _MISSED_SHOWN or len(report.unreadable) > _MISSED_SHOWN:
        lines.append(f"- and {more} more, in --json")
    return "\n".join(lines) + "\n"


def _missed(report: RetrievalReport) -> list[str]:
    """The questions that a person would look at next."""
    missed = [each for each in report.questions if each.first_rank is None or each.first_rank > _FIRST]
    if not missed:
        return []
    lines = ["", f"Nothing that answers them among the first {_FIRST}: {len(missed)} questions"]
    for each in missed[:_MISSED_SHOWN]:
        place = f"first at {each.first_rank}" if each.first_rank else "not found"
        lines.append(f"- {clean_line(each.id, 40)}: {clean_line(each.text, 100)} ({place})")
    if len(missed) > _MISSED_SHOWN:
        lines.append(f"- and {len(missed) - _MISSED_SHOWN} more, in --json")
    return [*lines, ""] if report.notes else lines


def _with_range(found: Interval, *, sign: str = "") -> str:
    return f"{found.value:{sign}.3f} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"


def _milliseconds(found: Interval) -> str:
    return f"{found.value:.0f} ms ({found.low:.0f} to {found.high:.0f})"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
