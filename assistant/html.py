"""An answer or hits as HTML for a notebook or a page: a fixed list of tags, everything else escaped."""

from __future__ import annotations

from html import escape

from assistant.render import (
    Source,
    brief_notes,
    marked_text,
    notes_of,
    one_paragraph,
    report_text,
    sources_of,
    where,
)
from indexes.clean import clean_line
from indexes.types import AddReport, Hits
from pipelines.types import Answer

__all__ = ["hits_to_html", "report_to_html", "to_html"]

_RULES = ("paragraph", "heading", "lheading", "list", "blockquote", "fence", "code", "hr", "table")
_INLINE_RULES = ("emphasis", "backticks", "escape", "newline", "entity")


def to_html(answer: Answer) -> str:
    """The answer, its sources and its notes. No link, image, script or attribute comes from the answer."""
    parts = [f'<div class="carrel-answer">{_from_markdown(marked_text(answer))}']
    if sources := sources_of(answer):
        parts.append("<p><strong>Sources</strong></p>" + "".join(map(_source, sources)))
    if notes := notes_of(answer):
        parts.append(_list("Notes", notes))
    return "\n".join([*parts, "</div>"])


def hits_to_html(found: Hits) -> str:
    """The hits, best first, each with where it stands and the passage itself."""
    hits = [
        f"<li><strong>{escape(where(hit.document, hit.passage.page))}</strong>"
        f"<blockquote>{escape(one_paragraph(hit.passage))}</blockquote></li>"
        for hit in found.hits
    ]
    parts = [f"<ol>{''.join(hits)}</ol>" if hits else "<p>Nothing found.</p>"]
    if found.notes:
        parts.append(_list("Notes", list(found.notes)))
    return "\n".join(['<div class="carrel-hits">', *parts, "</div>"])


def report_to_html(report: AddReport) -> str:
    """What adding did, in one sentence, with each failure and its reason."""
    parts = [f"<p>{escape(report_text(report))}</p>"]
    if report.failures:
        parts.append(_list("Failed or skipped", [f"{path}: {reason}" for path, reason in report.failures]))
    if report.notes:
        parts.append(_list("Notes", brief_notes(report.notes)))
    return "\n".join(['<div class="carrel-report">', *parts, "</div>"])


def _source(source: Source) -> str:
    """Folded: a notebook opens the quote without any script."""
    place, quote, check = map(escape, source)
    return f"<details><summary>{place} · {check}</summary><blockquote>{quote}</blockquote></details>"


def _list(title: str, lines: list[str]) -> str:
    items = "".join(f"<li>{escape(clean_line(line, 1000))}</li>" for line in lines)
    return f"<p><strong>{title}</strong></p><ul>{items}</ul>"


def _from_markdown(text: str) -> str:
    """Markdown without links, images and raw HTML: those rules are switched off, so they show as text."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("zero", {"html": False}).enable([*_RULES, *_INLINE_RULES])
    tokens = parser.parse(text)
    for token in tokens:
        token.info = ""  # a code block's language would become a class name
    return str(parser.renderer.render(tokens, parser.options, {})).strip()
