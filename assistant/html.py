"""An answer as HTML for a notebook or a page: a fixed list of tags, everything else escaped."""

from __future__ import annotations

from html import escape

from assistant.render import marked_text, notes_of, source_lines
from pipelines.types import Answer

__all__ = ["to_html"]

_RULES = ("paragraph", "heading", "lheading", "list", "blockquote", "fence", "code", "hr", "table")
_INLINE_RULES = ("emphasis", "backticks", "escape", "newline", "entity")


def to_html(answer: Answer) -> str:
    """The answer, its sources and its notes. No link, image, script or attribute comes from the answer."""
    parts = [f'<div class="carrel-answer">{_from_markdown(marked_text(answer))}']
    if lines := source_lines(answer):
        parts.append(_list("Sources", lines))
    if notes := notes_of(answer):
        parts.append(_list("Notes", notes))
    return "\n".join([*parts, "</div>"])


def _list(title: str, lines: list[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<p><strong>{title}</strong></p><ul>{items}</ul>"


def _from_markdown(text: str) -> str:
    """Markdown without links, images and raw HTML: those rules are switched off, so they show as text."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("zero", {"html": False}).enable([*_RULES, *_INLINE_RULES])
    tokens = parser.parse(text)
    for token in tokens:
        token.info = ""  # a code block's language would become a class name
    return str(parser.renderer.render(tokens, parser.options, {})).strip()
