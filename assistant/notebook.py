"""Shows answers in notebooks: `%load_ext assistant`, or simply making an `Assistant` there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from assistant.html import hits_to_html, report_to_html, to_html
from assistant.render import hits_text, report_text, to_markdown, to_text

__all__ = ["load_ipython_extension", "register"]

_SHOWN: tuple[tuple[str, str, Callable[[Any], str], Callable[[Any], str]], ...] = (
    ("pipelines.types", "Answer", to_html, to_text),
    ("indexes.types", "Hits", hits_to_html, lambda hits: hits_text(hits, markdown=False)),
    ("indexes.types", "AddReport", report_to_html, report_text),
)
"""Module and name of a type, and how it is shown as HTML and as plain text."""


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython for `%load_ext assistant`."""
    formatters = shell.display_formatter.formatters
    formatters["text/markdown"].for_type_by_name("pipelines.types", "Answer", to_markdown)
    for module, name, as_html, as_text in _SHOWN:
        formatters["text/html"].for_type_by_name(module, name, as_html)
        formatters["text/plain"].for_type_by_name(module, name, _printer(as_text))


def register() -> None:
    """Registers with the IPython that runs this code, if any does."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    if shell is not None and getattr(shell, "display_formatter", None) is not None:
        load_ipython_extension(shell)


def _printer(as_text: Callable[[Any], str]) -> Callable[[Any, Any, bool], None]:
    """IPython's plain text is written to a printer."""

    def show(shown: Any, printer: Any, cycle: bool) -> None:
        printer.text(as_text(shown).rstrip())

    return show
