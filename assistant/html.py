"""Answers, evidence, hits and reports as HTML for a notebook or a page: a few tags, all else escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

from assistant.render import (
    UNSUPPORTED,
    brief_notes,
    cited_evidence,
    marked_text,
    notes_of,
    one_paragraph,
    report_text,
    sources_of,
    where,
)
from indexes.clean import clean_line
from indexes.fetch import is_page
from indexes.types import AddReport, Document, Hits
from pipelines.types import Answer, Evidence

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["STYLE", "evidence_to_html", "hits_to_html", "report_to_html", "to_html"]

STYLE = """<style>
.carrel{max-width:46em;line-height:1.5}
.carrel p,.carrel ul,.carrel ol,.carrel details{margin:.4em 0}
.carrel ul,.carrel ol{padding-left:1.6em}
.carrel blockquote{margin:.4em 0;padding:.1em .9em;border:0;border-left:3px solid #8a8f98;font-size:1em}
.carrel a{color:inherit;text-decoration:underline dotted;text-underline-offset:.2em}
.carrel summary{cursor:pointer}
.carrel small,.carrel .unsupported{opacity:.75}
.carrel .unsupported{font-style:italic}
.carrel details>div{margin:.2em 0 .6em 1.1em;padding:.2em .5em;border-radius:.3em;scroll-margin:4em}
.carrel details>div:target{background:#e0b04033;outline:1px solid #c89020}
</style>"""
"""Colours that can be read on light and on dark; a marked piece of evidence is the one just jumped to."""

_RULES = ("paragraph", "heading", "lheading", "list", "blockquote", "fence", "code", "hr", "table")
_INLINE_RULES = ("emphasis", "backticks", "escape", "newline", "entity")
_MARKS = re.compile(rf"\[(\d{{1,9}})\]|{re.escape(UNSUPPORTED)}")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ARXIV = re.compile(r"\d{4}\.\d{4,5}|[a-z][a-z.-]*/\d{7}")
_LONGEST_QUOTE = 2000


def to_html(answer: Answer, *, name: str = "") -> str:
    """The answer, its sources and its notes; a citation opens the evidence it points to.

    No image, script or attribute comes from the answer; links lead to papers by DOI, arXiv id or address.

    Args:
        answer: What is shown.
        name: Begins every anchor, so that two answers in one page do not share any; random by default.
    """
    anchors = _Anchors(name or uuid4().hex[:8])
    titles = {each.id: where(each.document, each.page) for each in cited_evidence(answer)}
    parts = [STYLE, _from_markdown(marked_text(answer), anchors, titles)]
    if titles:
        checks = [source.check for source in sources_of(answer)]
        parts.append("<p><strong>Sources</strong></p>")
        parts += map(_piece, cited_evidence(answer), checks, [anchors] * len(checks))
    if notes := notes_of(answer):
        parts.append(_list("Notes", notes))
    return _block("carrel carrel-answer", parts)


def evidence_to_html(evidence: Iterable[Evidence]) -> str:
    """Pieces of evidence, each folded under its number and place."""
    anchors = _Anchors(uuid4().hex[:8])
    pieces = [_piece(each, f"relevance {each.relevance:.2f}", anchors) for each in evidence]
    return _block("carrel carrel-evidence", [STYLE, *(pieces or ["<p>No evidence.</p>"])])


def hits_to_html(found: Hits) -> str:
    """The hits, best first, each with where it stands and the passage itself."""
    hits = [
        f"<li><strong>{escape(where(hit.document, hit.passage.page))}</strong>"
        f"<blockquote>{escape(one_paragraph(hit.passage))}</blockquote></li>"
        for hit in found.hits
    ]
    parts = [STYLE, f"<ol>{''.join(hits)}</ol>" if hits else "<p>Nothing found.</p>"]
    if found.notes:
        parts.append(_list("Notes", found.notes))
    return _block("carrel carrel-hits", parts)


def report_to_html(report: AddReport) -> str:
    """What adding did, in one sentence, with each failure and its reason."""
    parts = [STYLE, f"<p>{escape(report_text(report))}</p>"]
    if report.failures:
        parts.append(_list("Failed or skipped", [f"{path}: {reason}" for path, reason in report.failures]))
    if report.notes:
        parts.append(_list("Notes", brief_notes(report.notes)))
    return _block("carrel carrel-report", parts)


class _Anchors:
    """The names within a page of an answer's evidence and of its first citation of each."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._cited: set[int] = set()

    def evidence(self, number: int) -> str:
        return f"carrel-{self._name}-{number}"

    def citation(self, number: int) -> str:
        return f"carrel-{self._name}-cites-{number}"

    def first_citation(self, number: int) -> bool:
        """Whether this one is the first; only that one gets a name."""
        if number in self._cited:
            return False
        self._cited.add(number)
        return True

    def is_cited(self, number: int) -> bool:
        return number in self._cited


def _piece(evidence: Evidence, check: str, anchors: _Anchors) -> str:
    """Folded: a notebook opens it without any script, and so does a link to what is inside."""
    place = f"[{evidence.id}] {where(evidence.document, evidence.page)}"
    said = clean_line(evidence.quote, _LONGEST_QUOTE)
    parts = [f"<blockquote>{escape(said)}</blockquote>"]
    if evidence.read_by:
        read_by = clean_line(evidence.read_by, 60)
        summary = clean_line(evidence.summary, _LONGEST_QUOTE)
        parts.append(f"<p>{escape(summary)} <small>({escape(read_by)})</small></p>")
    about = [*_about(evidence)]
    if anchors.is_cited(evidence.id):
        about.append(f'<a href="#{anchors.citation(evidence.id)}">back to the text</a>')
    parts.append(f"<p><small>{' · '.join(about)}</small></p>")
    inside = f'<div id="{anchors.evidence(evidence.id)}">{"".join(parts)}</div>'
    return f"<details><summary>{escape(place)} · {escape(check)}</summary>{inside}</details>"


def _about(evidence: Evidence) -> Iterator[str]:
    """What else helps to find the place: section, authors, year, and the paper's own address."""
    document = evidence.document
    if section := clean_line(evidence.hits[0].passage.section or "", 120):
        yield f"section “{escape(section)}”"
    authors = ", ".join(document.authors[:3]) + (" and others" if len(document.authors) > 3 else "")
    if authors:
        yield escape(clean_line(authors, 160))
    if document.year:
        yield str(document.year)
    if address := _address(document):
        shown = document.doi or document.arxiv_id or "open the page"
        yield f'<a href="{escape(address)}" rel="noopener noreferrer">{escape(clean_line(shown, 80))}</a>'


def _address(document: Document) -> str:
    """Where the paper is to be had on the web; empty where nothing that is known is surely an address."""
    if document.doi and _DOI.fullmatch(document.doi):
        return f"https://doi.org/{quote(document.doi, safe='/')}"
    if document.arxiv_id and _ARXIV.fullmatch(document.arxiv_id):
        return f"https://arxiv.org/abs/{quote(document.arxiv_id, safe='/')}"
    if document.origin == "web" and is_page(document.source):
        return quote(document.source, safe="/:?#[]@!$&()*+,;=%~-._")
    return ""


def _list(title: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(clean_line(line, 1000))}</li>" for line in lines)
    return f"<p><strong>{title}</strong></p><ul>{items}</ul>"


def _block(kind: str, parts: Sequence[str]) -> str:
    return "\n".join([f'<div class="{kind}">', *parts, "</div>"])


def _from_markdown(text: str, anchors: _Anchors, titles: dict[int, str]) -> str:
    """Markdown without links, images and raw HTML: those rules are switched off, so they show as text.

    Only then do citations become links: what they point to comes from their number alone.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("zero", {"html": False}).enable([*_RULES, *_INLINE_RULES])
    tokens = parser.parse(text)
    for token in tokens:
        token.info = ""  # a code block's language would become a class name
        if token.children:
            token.children = [each for child in token.children for each in _marked(child, anchors, titles)]
    return str(parser.renderer.render(tokens, parser.options, {})).strip()


def _marked(token: Token, anchors: _Anchors, titles: dict[int, str]) -> list[Token]:
    """A stretch of text with its marks made visible; code stays as it is."""
    from markdown_it.token import Token

    if token.type != "text":
        return [token]
    pieces: list[Token] = []
    position = 0
    for mark in _MARKS.finditer(token.content):
        shown = _mark(mark, anchors, titles)
        if shown:
            pieces.append(Token("text", "", 0, content=token.content[position : mark.start()]))
            pieces.append(Token("html_inline", "", 0, content=shown))
            position = mark.end()
    return [*pieces, Token("text", "", 0, content=token.content[position:])]


def _mark(mark: re.Match[str], anchors: _Anchors, titles: dict[int, str]) -> str:
    """A link to the evidence of a citation; empty where there is none to point to."""
    if mark[1] is None:
        return f'<span class="unsupported">{UNSUPPORTED}</span>'
    number = int(mark[1])
    if number not in titles:
        return ""
    named = f' id="{anchors.citation(number)}"' if anchors.first_citation(number) else ""
    return f'<a{named} href="#{anchors.evidence(number)}" title="{escape(titles[number])}">[{number}]</a>'
