"""An answer, hits or a report as Markdown, plain text, JSON or HTML; every foreign text sanitised."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import NamedTuple

from assistant.counting import counted
from indexes.clean import clean, clean_line
from indexes.types import AddReport, Document, Fate, Hits, Passage
from pipelines.types import Answer, Degradation, Evidence, Outcome

__all__ = [
    "UNSUPPORTED",
    "Source",
    "brief_notes",
    "cited_evidence",
    "evidence_text",
    "fallbacks_of",
    "hits_text",
    "marked_text",
    "notes_of",
    "one_paragraph",
    "report_text",
    "source_lines",
    "sources_of",
    "to_markdown",
    "to_text",
    "where",
]

UNSUPPORTED = "(unsupported)"
"""Stands after a sentence that its sources do not carry, in every rendering."""

_LONGEST_QUOTE = 240


class Source(NamedTuple):
    """What a reader needs to check a citation, each part on one line."""

    place: str
    """Number, title, page and file."""
    quote: str
    check: str
    """`verified` or `not verified`."""


def to_markdown(answer: Answer) -> str:
    """The answer, its sources and what it could not do, as Markdown."""
    parts = [marked_text(answer)]
    if lines := source_lines(answer):
        parts.append("## Sources\n\n" + "\n".join(f"- {_escaped(line)}" for line in lines))
    if notes := notes_of(answer):
        parts.append("## Notes\n\n" + "\n".join(f"- {_escaped(note)}" for note in notes))
    return "\n\n".join(parts) + "\n"


def to_text(answer: Answer) -> str:
    """The answer, its sources and what it could not do, as plain text."""
    parts = [_without_markup(marked_text(answer))]
    if lines := source_lines(answer):
        parts.append("Sources\n" + "\n".join(lines))
    if notes := notes_of(answer):
        parts.append("Notes\n" + "\n".join(f"- {note}" for note in notes))
    return "\n\n".join(parts) + "\n"


def marked_text(answer: Answer) -> str:
    """The answer's text, sanitised, with each unsupported sentence marked after its last character."""
    ends = sorted({claim.end for claim in answer.claims if not claim.supported})
    pieces = [answer.text[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]
    cleaned = [clean(piece) for piece in pieces]  # piece by piece, so that no text can swallow a mark
    return f" {UNSUPPORTED}".join([*(piece.rstrip() for piece in cleaned[:-1]), cleaned[-1]]).strip()


def cited_evidence(answer: Answer) -> tuple[Evidence, ...]:
    """The evidence that the answer cites, in the order of its numbers."""
    cited = {citation.evidence_id for citation in answer.citations}
    return tuple(evidence for evidence in answer.evidence if evidence.id in cited)


def source_lines(answer: Answer) -> list[str]:
    """One line for each cited source: where it stands, its quote, and whether that was verified."""
    return [f"{source.place} “{source.quote}” {source.check}" for source in sources_of(answer)]


def sources_of(answer: Answer) -> list[Source]:
    """Each cited source, in the order of its number."""
    return [_source(answer, evidence) for evidence in cited_evidence(answer)]


def evidence_text(evidence: Iterable[Evidence]) -> str:
    """Each piece of evidence with where it stands and its quote."""
    pieces = [
        f"[{each.id}] {where(each.document, each.page)}\n    “{clean_line(each.quote, 1000)}”"
        for each in evidence
    ]
    return "\n".join(pieces or ["No evidence."]) + "\n"


def notes_of(answer: Answer) -> list[str]:
    """What the reader should know: each fallback that was taken, each note, each once."""
    notes = [clean_line(note, 500) for note in answer.notes]
    return list(dict.fromkeys([*fallbacks_of(answer), *notes]))


def fallbacks_of(answer: Answer) -> list[str]:
    """A sentence for each fallback that was taken.

    That every source came back empty is what an answer without evidence says itself.
    """
    said_by_the_answer = () if answer.found else (Outcome.NOTHING_FOUND, Outcome.BLOCKED)
    return [_fallback(taken) for taken in answer.degraded if taken.outcome not in said_by_the_answer]


def brief_notes(notes: Sequence[str], most: int = 3) -> list[str]:
    """The first notes, one line each, and how many more there are: a folder of papers can have hundreds."""
    shown = [clean_line(note, 500) for note in notes[:most]]
    rest = len(notes) - len(shown)
    return [*shown, f"and {counted(rest, 'more note')}"] if rest else shown


def where(document: Document, page: int) -> str:
    """A document and a page in one line: title, page, file or address, and a mark when it is from the web."""
    title = clean_line(document.title, 160) or "Untitled"
    if document.origin == "web":
        return f"{title} (web: {clean_line(document.source)})"
    if document.abstract_only:
        return f"{title}, abstract only ({_entry_of(document)})"
    return f"{title}, p. {page} ({clean_line(PurePath(document.source).name)})"


def _entry_of(document: Document) -> str:
    bibliography, _, entry = document.source.rpartition("!/")
    return clean_line(f"{PurePath(bibliography).name}, entry {entry}")


def hits_text(found: Hits, *, markdown: bool) -> str:
    """The hits, best first, each with where it stands and the passage itself."""
    parts: list[str] = []
    for number, hit in enumerate(found.hits, start=1):
        place = where(hit.document, hit.passage.page)
        passage = one_paragraph(hit.passage)
        parts.append(
            f"{number}. {_escaped(place)}\n\n   > {_escaped(passage)}"
            if markdown
            else f"{number}. {place}\n   {passage}"
        )
    if not parts:
        parts.append("Nothing found.")
    parts += [clean_line(note, 500) for note in found.notes]
    return "\n\n".join(parts) + "\n"


def one_paragraph(passage: Passage) -> str:
    """As much of the passage as a list of hits shows, on one line."""
    return clean_line(passage.text, 400)


def report_text(report: AddReport, collection: str = "the library") -> str:
    """What adding did, in one sentence."""
    new = report.counts.get(Fate.INDEXED, 0) + report.counts.get(Fate.EMBEDDED, 0)
    said = [f"Added {counted(new, 'document')} to {clean_line(collection, 60)}"]
    said.append(f"{counted(report.pages, 'page')}, {counted(report.passages, 'passage')}")
    others = [
        f"{report.counts[fate]} {fate.value}"
        for fate in (Fate.UNCHANGED, Fate.SKIPPED, Fate.FAILED, Fate.FAILED_FOR_NOW)
        if report.counts.get(fate)
    ]
    return f"{said[0]} ({said[1]}){''.join(f'; {other}' for other in others)}.\n"


def _fallback(taken: Degradation) -> str:
    rung, meant = clean_line(taken.rung, 60), clean_line(taken.instead_of, 60)
    what = f"“{meant}” was left out" if rung == "left out" else f"“{rung}” in place of “{meant}”"
    return clean_line(f"Fallback in {taken.step}: {what}. {taken.why} {taken.hint}", 500)


def _source(answer: Answer, evidence: Evidence) -> Source:
    of_this = [citation for citation in answer.citations if citation.evidence_id == evidence.id]
    verified = "verified" if all(citation.verified for citation in of_this) else "not verified"
    place = f"[{evidence.id}] {where(evidence.document, evidence.page)}"
    return Source(place, clean_line(evidence.quote, _LONGEST_QUOTE), verified)


_MARKDOWN_SIGNS = re.compile(r"([\\`*_<>#~|!])|\[(?!\d+\])")


def _escaped(line: str) -> str:
    """A line that Markdown shows as it is; `[1]` stays as people know it."""
    return _MARKDOWN_SIGNS.sub(lambda sign: "\\" + sign.group(0), line)


_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_HEADING = re.compile(r"^#{1,6}[ \t]+", re.MULTILINE)


def _without_markup(markdown: str) -> str:
    """Takes out what only looks good when rendered: strong emphasis and the signs before headings."""
    return _HEADING.sub("", _EMPHASIS.sub(r"\2", markdown))
