"""Shows answers in notebooks: `%load_ext assistant`, or simply making an `Assistant` there."""

from __future__ import annotations

import sys
from typing import Any

from assistant.html import to_html
from assistant.render import to_markdown

__all__ = ["load_ipython_extension", "register"]


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython for `%load_ext assistant`."""
    for media_type, render in (("text/html", to_html), ("text/markdown", to_markdown)):
        shell.display_formatter.formatters[media_type].for_type_by_name("pipelines.types", "Answer", render)


def register() -> None:
    """Registers with the IPython that runs this code, if any does."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    if shell is not None and getattr(shell, "display_formatter", None) is not None:
        load_ipython_extension(shell)
