"""An answer as a file: Markdown, HTML, JSON, a notebook, BibTeX of what it cites; named as its question."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

from assistant.envelope import to_json
from assistant.render import cited_evidence, to_markdown
from indexes.clean import clean_line
from pipelines.types import Answer

if TYPE_CHECKING:
    from indexes.types import Document

__all__ = ["SUFFIXES", "ExportForm", "cited_papers", "exported", "suggested_name", "write_answer"]

ExportForm = Literal["markdown", "html", "json", "notebook", "bibtex"]

SUFFIXES: dict[ExportForm, str] = {
    "markdown": ".md",
    "html": ".html",
    "json": ".json",
    "notebook": ".ipynb",
    "bibtex": ".bib",
}

_LONGEST_NAME = 60
_ALLOWED = "default-src 'none'; style-src 'unsafe-inline'"
"""Of a page: its own style, and nothing else."""


def suggested_name(question: str, form: ExportForm) -> str:
    """Returns the same file name for the same question: its words in small ASCII letters, and the suffix."""
    plain = (
        unicodedata.normalize("NFKD", clean_line(question, 500)).encode("ascii", "ignore").decode().lower()
    )
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    while len(words) > _LONGEST_NAME and "-" in words:
        words = words.rpartition("-")[0]
    return f"{words[:_LONGEST_NAME] or 'answer'}{SUFFIXES[form]}"


def cited_papers(answer: Answer) -> tuple[Document, ...]:
    """Returns the papers that the answer cites, each once, in the order of their numbers."""
    papers = {evidence.document.id: evidence.document for evidence in cited_evidence(answer)}
    return tuple(papers.values())


def exported(answer: Answer, form: ExportForm) -> str:
    """Returns the file's text."""
    question = clean_line(answer.query.for_library, 500)
    match form:
        case "markdown":
            return f"# {_one_line_of_markdown(question)}\n\n{to_markdown(answer)}"
        case "html":
            return _page(question, answer)
        case "json":
            return to_json("ask", answer)
        case "notebook":
            from assistant.notebook_file import to_notebook

            return to_notebook(answer)
        case "bibtex":
            from assistant.references import references_of
            from indexes.holdings import Holding

            papers = cited_papers(answer)
            known = [Holding(document=paper, files=(), passages=0, embedded=0) for paper in papers]
            return references_of(known, "bibtex")
        case _:
            assert_never(form)


def write_answer(answer: Answer, form: ExportForm, path: Path, *, force: bool = False) -> Path:
    """Writes the file, into a folder under the suggested name; returns where it is.

    Raises:
        OutputExists: There is a file of that name; it stays, unless `force` is set.
        CarrelError: It cannot be written.
    """
    from assistant.references import write_new

    place = path.expanduser().absolute()
    if place.is_dir():
        place /= suggested_name(answer.query.for_library, form)
    write_new(place, exported(answer, form), force=force)
    return place


def _page(question: str, answer: Answer) -> str:
    """The answer as a page by itself; nothing is fetched, and no script runs."""
    from assistant.html import to_html

    title = escape(question)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_ALLOWED}">\n'
        f"<title>{title}</title>\n"
        "<style>body{max-width:42em;margin:2em auto;padding:0 1em;font:1rem/1.5 serif}</style>\n"
        f"</head>\n<body>\n<h1>{title}</h1>\n{to_html(answer, name='answer')}\n</body>\n</html>\n"
    )


def _one_line_of_markdown(text: str) -> str:
    return re.sub(r"([\\`*_<>#\[\]])", r"\\\1", text)
