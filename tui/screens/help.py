"""The keys and the commands, made from the list of commands."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.commands import COMMANDS

__all__ = ["HelpScreen"]

_KEYS = (
    ("Enter", "Send the question; in the evidence, open its page."),
    ("Ctrl+J", "New line in the question."),
    ("Up, Down", "In an empty box: what was asked before."),
    ("PgUp, PgDn", "Scroll the answers."),
    ("Esc, Tab", "Between the question and the evidence."),
    ("1 to 9", "Open that evidence, when not in the question box."),
    ("Ctrl+P", "Find a command by name."),
    ("Ctrl+C twice", "End Carrel. Once copies what is selected."),
)
_KEY_WIDTH = 5
_TYPED_WIDTH = 12


class HelpScreen(ModalScreen[None]):
    """A list to read; Esc or F1 closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "app.pop_screen", "Close", id="close_help"),
    ]

    def compose(self) -> ComposeResult:
        """Keys first, then what can be typed."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_subtitle = "Esc closes"
            yield Static(_help_text(), markup=False)

    def on_mount(self) -> None:
        """Scrolls by key."""
        self.query_one(VerticalScroll).focus()


def _help_text() -> Content:
    commands = [_line(f"{_spelled(each.key):<{_KEY_WIDTH}}{each.usage}", each.summary) for each in COMMANDS]
    keys = [_line(key, what) for key, what in _KEYS]
    return Content("\n").join(
        [_heading("Commands: a key, or typed as a question"), *commands, Content(""), _heading("Keys"), *keys]
    )


def _spelled(key: str) -> str:
    return "Esc" if key == "escape" else key.upper()


def _heading(text: str) -> Content:
    return Content.styled(text, "bold")


def _line(head: str, what: str) -> Content:
    return Content.assemble((f"{head:<{_KEY_WIDTH + _TYPED_WIDTH}}", "$accent"), what)
