"""The keys, the commands and the filters, made from the lists that the app itself goes by."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.commands import PLACES, Command, commands_of, spelled
from tui.filters import FILTERS

__all__ = ["HelpScreen"]

_KEYS = (
    ("Enter", "Send the question; in the evidence, open its page."),
    ("Ctrl+J", "New line in the question."),
    ("Up, Down", "In an empty box: what was asked before."),
    ("@ # author: in:", "Offers papers, collections, names; Tab takes one."),
    ("PgUp, PgDn", "Scroll the answers."),
    ("Esc, Tab", "Between the question and the evidence."),
    ("1 to 9", "Open that evidence, when not in the question box."),
    ("Ctrl+P", "Find a command by name."),
    ("Ctrl+C twice", "End Carrel. Once copies what is selected."),
)
_KEY_WIDTH = 6
_TYPED_WIDTH = 18
_LEAST_WIDTH = 44


class HelpText(Static):
    """All of the help, in lines that fit."""

    def __init__(self) -> None:
        super().__init__("", markup=False, id="help-text")

    def on_resize(self) -> None:
        """Fits the lines to the width, once that is known, and again when a scroll bar takes of it."""
        self.update(_help_text(max(self.content_size.width, _LEAST_WIDTH)))


class HelpScreen(ModalScreen[None]):
    """A list to read; Esc or F1 closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "app.pop_screen", "Close", id="close_help"),
    ]

    def compose(self) -> ComposeResult:
        """What can be done where, then what can be written into a question."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "Esc closes"
            yield HelpText()

    def on_mount(self) -> None:
        """Scrolls by key."""
        self.query_one(VerticalScroll).focus()


def _help_text(width: int) -> Content:
    sections = [
        (heading, [_command(each) for each in commands_of(place)]) for place, heading in PLACES.items()
    ]
    sections.insert(2, ("Keys while asking", list(_KEYS)))
    sections.append(("Filters, in a question and in the library's list", list(FILTERS)))
    return Content("\n\n").join(_section(heading, lines, width) for heading, lines in sections if lines)


def _section(heading: str, lines: list[tuple[str, str]], width: int) -> Content:
    drawn = [_line(head, what, width) for head, what in lines]
    return Content("\n").join([Content.styled(heading, "bold $primary"), *drawn])


def _command(command: Command) -> tuple[str, str]:
    key = spelled(command.key) if command.key else ""
    return f"{key:<{_KEY_WIDTH}}{command.usage or command.label}", command.summary


def _line(head: str, what: str, width: int) -> Content:
    """What it does stands in a column of its own, also where it takes several lines."""
    indent = _KEY_WIDTH + _TYPED_WIDTH
    folded = wrap(what, max(width - indent, _LEAST_WIDTH - indent))
    first, *rest = folded
    return Content("\n").join(
        [
            Content.assemble((f"{head:<{indent}}", "$accent"), first),
            *(Content(" " * indent + each) for each in rest),
        ]
    )
