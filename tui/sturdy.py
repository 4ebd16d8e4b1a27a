"""What a key pressed too soon would crash in Textual: its list of options, its palette, an empty stack."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.timer import Timer, TimerCallback
from textual.widgets import OptionList

__all__ = ["Options", "Palette", "SturdyApp"]


class Options(OptionList):
    """A page key that comes before the list was laid out does nothing, where Textual (8.2) looks it up."""

    def _move_page(self, direction: int) -> None:
        with suppress(KeyError):
            super()._move_page(direction)  # type: ignore[arg-type]


class Palette(CommandPalette):
    """Closed while it still gathers commands, it lets go of them, where Textual (8.2) looks for its list."""

    def on_unmount(self) -> None:
        """Ends the gathering."""
        self.workers.cancel_node(self)

    def set_timer(self, delay: float, callback: TimerCallback | None = None, **more: Any) -> Timer:
        """Waits, as for saying that nothing fits; when that is over, the list may be gone."""

        def called() -> None:
            with suppress(NoMatches):
                if callback is not None:
                    callback()

        return super().set_timer(delay, called, **more)

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError, NoMatches):
            super()._action_command_list(action)

    def _watch__list_visible(self) -> None:
        with suppress(NoMatches):
            super()._watch__list_visible()

    async def _watch__show_busy(self) -> None:
        with suppress(NoMatches):
            await super()._watch__show_busy()

    def _refresh_command_list(self, *arguments: object, **more: object) -> None:
        with suppress(NoMatches):
            super()._refresh_command_list(*arguments, **more)  # type: ignore[arg-type]


class SturdyApp(App[None], inherit_bindings=False):
    """An app whose screens can be closed twice, by two keys in a row, without an end."""

    async def on_event(self, event: events.Event) -> None:
        """Passes events on, but for a press on what has gone already: Textual (8.2) asks for its parent."""
        if not (isinstance(event, events.MouseDown) and self._is_on_a_ghost(event)):
            await super().on_event(event)

    def _is_on_a_ghost(self, event: events.MouseDown) -> bool:
        if not self.screen_stack:
            return False
        widget, _ = self.screen.get_widget_and_offset_at(event.x, event.y)
        return widget is not None and widget.parent is None and not isinstance(widget, Screen)

    def pop_screen(self) -> AwaitComplete:
        """Closes the uppermost screen; the last one stays."""
        return super().pop_screen() if len(self.screen_stack) > 1 else AwaitComplete()

    def action_command_palette(self) -> None:
        """Shows the palette; one at a time."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(Palette(id="--command-palette"))
