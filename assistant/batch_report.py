"""A batch's report as a page of Markdown or HTML: counts, plots, what to look at, grades."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from assistant.batch_compare import Comparison, comparison_lines
from assistant.batch_summary import BatchSummary, Brief, Spread
from assistant.grade_summary import grade_lines
from assistant.histogram import histogram_signs, histogram_svg, quantile_words
from indexes.clean import clean_line
from indexes.errors import InputError

__all__ = ["SUFFIXES", "report_html", "report_markdown", "require_report_path", "write_report"]

SUFFIXES = (".md", ".html")
_MADE_BY = "Written by carrel batch"
"""Stands in every report, so that only a report is ever written over."""
_ALLOWED = "default-src 'none'; style-src 'unsafe-inline'"
"""Of a page: its own style, and nothing else."""
_STYLE = (
    "body{max-width:60em;margin:2em auto;padding:0 1em;font:1rem/1.5 sans-serif}"
    "table{border-collapse:collapse}td,th{padding:.15em .8em;text-align:left;border-bottom:1px solid #ccc}"
    "td.n{text-align:right}svg{max-width:100%;height:auto}"
)


class _Table(NamedTuple):
    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


class _Plot(NamedTuple):
    title: str
    unit: str
    spread: Spread


class _Lines(NamedTuple):
    title: str
    lines: Sequence[str]


_Section = _Table | _Plot | _Lines


def require_report_path(path: Path) -> Path:
    """Returns where a report can be written, so that this is known before anything is asked.

    Raises:
        InputError: The suffix is no report's, there is no such folder, or there is another file.
    """
    place = path.expanduser().absolute()
    if place.suffix.lower() not in SUFFIXES:
        raise InputError(f"A report is Markdown or HTML, not {place.name!r}.", hint="Name it *.md or *.html.")
    if not place.parent.is_dir():
        raise InputError(f"There is no folder {str(place.parent)!r} for the report.")
    if place.exists() and place.stat().st_size and _MADE_BY not in place.read_text("utf-8", "replace"):
        raise InputError(
            f"{str(place)!r} is there and is no report of a batch; it stays.", hint="Name another file."
        )
    return place


def write_report(path: Path, summary: BatchSummary, comparison: Comparison | None = None) -> Path:
    """Writes the report, whole or not at all, over an earlier one; returns where it is.

    Raises:
        InputError: It cannot be written there.
    """
    place = require_report_path(path)
    render = report_html if place.suffix.lower() == ".html" else report_markdown
    beside = place.with_name(f".{place.name}.new")
    try:
        beside.write_text(render(summary, comparison), "utf-8")
        beside.replace(place)
    except OSError as error:
        raise InputError(
            f"The report {str(place)!r} cannot be written: {error.strerror or error}."
        ) from error
    return place


def report_markdown(summary: BatchSummary, comparison: Comparison | None = None) -> str:
    """The report as Markdown; plots are rows of signs, and text of questions and models is escaped."""
    parts = ["# Batch report", _escaped(_overview(summary))]
    for section in _sections(summary, comparison):
        parts.append(f"## {section.title}")
        match section:
            case _Table(header=header, rows=rows):
                lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
                parts.append("\n".join([*lines, *(f"| {' | '.join(map(_escaped, row))} |" for row in rows)]))
            case _Plot(spread=spread, unit=unit):
                parts.append(f"{quantile_words(spread, unit)}\n\n```text\n{histogram_signs(spread)}\n```")
            case _Lines(lines=lines):
                parts.append("\n".join(f"- {_escaped(line)}" for line in lines))
    return "\n\n".join([*parts, f"*{_MADE_BY}.*"]) + "\n"


def report_html(summary: BatchSummary, comparison: Comparison | None = None) -> str:
    """The report as a page by itself: nothing is fetched, no script runs, every foreign text is escaped."""
    parts = [f"<h1>Batch report</h1>\n<p>{escape(_overview(summary))}</p>"]
    for section in _sections(summary, comparison):
        parts.append(f"<h2>{escape(section.title)}</h2>")
        match section:
            case _Table(header=header, rows=rows):
                parts.append(_html_table(header, rows))
            case _Plot(title=title, unit=unit, spread=spread):
                parts.append(f"<p>{escape(quantile_words(spread, unit))}</p>")
                parts.append(histogram_svg(title, unit, spread))
            case _Lines(lines=lines):
                parts.append(
                    f"<ul>{''.join(f'<li>{escape(clean_line(line, 500))}</li>' for line in lines)}</ul>"
                )
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_ALLOWED}">\n'
        f"<title>Batch report</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n<p><em>{_MADE_BY}.</em></p>\n</body>\n</html>\n"
    )


def _overview(summary: BatchSummary) -> str:
    usage = summary.usage
    said = [f"{summary.questions:,} questions", f"{usage.calls:,} model calls"]
    if usage.input_tokens or usage.output_tokens:
        said.append(f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out")
    if usage.cost_usd is not None:
        unpriced = f" ({usage.unpriced_calls:,} calls without a known price)" if usage.unpriced_calls else ""
        said.append(f"${usage.cost_usd:.4f}{unpriced}")
    return ", ".join(said) + "."


def _sections(summary: BatchSummary, comparison: Comparison | None) -> list[_Section]:
    sections: list[_Section] = [_counts("Outcomes", "outcome", summary.outcomes)]
    if summary.grades:
        sections.append(_Lines("Grades, with 95 % intervals", grade_lines(summary.grades)))
    if comparison is not None:
        sections.append(_Lines("Compared with the earlier run", comparison_lines(comparison)))
        for title, ids in (
            ("Became worse", comparison.became_worse),
            ("Became better", comparison.became_better),
        ):
            if ids:
                sections.append(_Lines(title, ids))
    sections.append(_counts("Routes", "route", summary.routes))
    sections.append(_counts("Who wrote the answer", "rung", summary.rungs))
    if summary.fallbacks:
        sections.append(_counts("Fallbacks", "step and rung", summary.fallbacks))
    if summary.failures:
        sections.append(_counts("Failures", "kind", summary.failures))
    if summary.seconds is not None:
        sections.append(_Plot("Seconds until the answer", "s", summary.seconds))
    if summary.cost_usd is not None:
        sections.append(_Plot("Cost of an answer", "USD", summary.cost_usd))
    for title, briefs in (
        ("Slowest", summary.slowest),
        ("Least supported", summary.least_supported),
        ("Failed", summary.failed),
    ):
        if briefs:
            sections.append(_Table(title, _BRIEF_HEADER, [_brief(each) for each in briefs]))
    return sections


def _counts(title: str, noun: str, counts: Mapping[str, int]) -> _Table:
    total = sum(counts.values())
    rows = [(name, f"{count:,}", f"{100 * count / total:.0f} %") for name, count in counts.items()]
    return _Table(title, (noun, "questions", "share"), rows)


_BRIEF_HEADER = ("id", "question", "outcome", "seconds", "supported", "by")


def _brief(each: Brief) -> tuple[str, ...]:
    question = f"{each.question}: {each.why}" if each.why else each.question
    support = "" if each.support is None else f"{100 * each.support:.0f} %"
    return (each.id, question, each.status.value, f"{each.seconds:.2f}", support, each.author)


def _html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "\n".join(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _html_cell(text: str) -> str:
    return f"<td><bdi>{escape(clean_line(text))}</bdi></td>"


def _escaped(text: str) -> str:
    """One line that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_<>#~|!\[\]])", r"\\\1", clean_line(text, 500))
