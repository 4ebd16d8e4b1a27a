"""One of several, picked from a list; Esc picks none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from tui.safe import shown_line
from tui.sturdy import Options

__all__ = ["PickScreen", "found"]


class PickScreen(ModalScreen[str | None]):
    """Gives what was picked, or `None`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "pick_none", "Close", show=False, id="pick_none"),
    ]

    def __init__(self, prompt: str, choices: Sequence[str]) -> None:
        """Takes what there is.

        Args:
            prompt: A sentence.
            choices: At least one; the first one has the cursor.
        """
        super().__init__()
        self._prompt = prompt
        self._choices = choices

    def compose(self) -> ComposeResult:
        """The prompt and the list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Enter picks · Esc closes"
            yield Static(shown_line(self._prompt, 120), markup=False, classes="dialog-title")
            names = [shown_line(choice, 80) for choice in self._choices]
            yield Options(*names, id="forms", markup=False, compact=True)

    def on_mount(self) -> None:
        """The list has the keyboard."""
        names = self.query_one(OptionList)
        names.highlighted = 0
        names.focus()

    @on(OptionList.OptionSelected)
    def pick(self, event: OptionList.OptionSelected) -> None:
        """The person picked."""
        self.dismiss(self._choices[event.option_index])

    def action_pick_none(self) -> None:
        """Esc picks none."""
        self.dismiss(None)


def found(name: str, choices: Sequence[str]) -> str:
    """The choice that a person means by a part of its name; `name` itself where there is none, or several."""
    wanted = name.strip().casefold()
    fitting = [choice for choice in choices if wanted in choice.casefold()]
    exact = [choice for choice in choices if wanted == choice.casefold()]
    return (exact or fitting)[0] if exact or len(fitting) == 1 else name.strip()
