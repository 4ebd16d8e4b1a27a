"""Asks the person before something is done, with a default that is taken when the time is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from assistant.events import Asked
from tui.safe import shown, shown_line

__all__ = ["ConfirmScreen"]

_TICK_SECONDS = 0.2


class ConfirmScreen(ModalScreen[str | None]):
    """Gives the choice, or `None` when the engine has decided or will decide by itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "choose_default", "Default", show=False, id="choose_default"),
        Binding("left,up", "app.focus_previous", "Previous choice", show=False, id="previous_choice"),
        Binding("right,down", "app.focus_next", "Next choice", show=False, id="next_choice"),
    ]

    def __init__(self, asked: Asked, clock: Callable[[], float]) -> None:
        """Starts the countdown.

        Args:
            asked: What is asked, the choices, the default and the time there is.
            clock: Gives seconds; only differences matter.
        """
        super().__init__()
        self._asked = asked
        self._clock = clock
        self._ends = clock() + asked.timeout_seconds

    def compose(self) -> ComposeResult:
        """The prompt, a button for each choice, the countdown."""
        with Vertical(classes="dialog"):
            yield Static(shown(self._asked.prompt), markup=False, id="prompt")
            with Horizontal(id="choices"):
                for number, choice in enumerate(self._asked.choices):
                    yield Button(Content(shown_line(choice, 40)), id=f"choice-{number}", compact=True)
            yield Static("", markup=False, id="countdown")

    def on_mount(self) -> None:
        """The default has the keyboard."""
        self.set_interval(_TICK_SECONDS, self._tick)
        self._tick()
        if self._asked.default in self._asked.choices:
            self.query_one(f"#choice-{self._asked.choices.index(self._asked.default)}", Button).focus()

    @on(Button.Pressed)
    def choose(self, event: Button.Pressed) -> None:
        """The person chose."""
        assert event.button.id is not None
        self.dismiss(self._asked.choices[int(event.button.id.removeprefix("choice-"))])

    def action_choose_default(self) -> None:
        """Esc is the default, which is never the choice that costs or leaves the machine."""
        self.dismiss(self._asked.default)

    def withdraw(self) -> None:
        """Closes without a choice."""
        if self.is_active:
            self.dismiss(None)

    def _tick(self) -> None:
        left = self._ends - self._clock()
        if left <= 0:
            self.withdraw()
            return
        default = shown_line(self._asked.default, 40)
        self.query_one("#countdown", Static).update(f"“{default}” is taken in {left:.0f} s, or with Esc.")
