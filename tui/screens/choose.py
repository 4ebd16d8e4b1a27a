"""Asks the person to choose before something is done that cannot be undone; Esc is the first choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.safe import shown, shown_line

__all__ = ["ChooseScreen"]


class ChooseScreen(ModalScreen[str | None]):
    """Gives the choice; the first one, which changes nothing, has the keyboard."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "choose_first", "Keep", show=False, id="choose_first"),
        Binding("left,up", "app.focus_previous", "Previous choice", show=False, id="choose_previous"),
        Binding("right,down", "app.focus_next", "Next choice", show=False, id="choose_next"),
    ]

    def __init__(self, prompt: str, choices: Sequence[str]) -> None:
        """Takes what is asked.

        Args:
            prompt: A sentence.
            choices: The first one changes nothing.
        """
        super().__init__()
        self._prompt = prompt
        self._choices = choices

    def compose(self) -> ComposeResult:
        """The prompt and a button for each choice."""
        with Vertical(classes="dialog"):
            yield Static(shown(self._prompt), markup=False, classes="prompt")
            with Horizontal(classes="choices"):
                for number, choice in enumerate(self._choices):
                    yield Button(Content(shown_line(choice, 40)), id=f"choice-{number}", compact=True)

    def on_mount(self) -> None:
        """The first choice has the keyboard."""
        self.query(Button).first().focus()

    @on(Button.Pressed)
    def choose(self, event: Button.Pressed) -> None:
        """The person chose."""
        assert event.button.id is not None
        self.dismiss(self._choices[int(event.button.id.removeprefix("choice-"))])

    def action_choose_first(self) -> None:
        """Esc changes nothing."""
        self.dismiss(self._choices[0])
