"""Another value for a setting: typed or chosen, checked while it is typed, written with Enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static

from assistant.engine.errands import ChangeSetting, CheckSetting, SettingRow, SettingsFound
from assistant.failures import failed_of
from tui.safe import shown_line
from tui.sturdy import Options
from tui.widgets.line_box import LineBox
from tui.words import DONE, FAILED

if TYPE_CHECKING:
    from tui.app import CarrelApp

__all__ = ["ValueScreen"]

_PAUSE_SECONDS = 0.15


class ValueScreen(ModalScreen[SettingsFound | None]):
    """Gives all settings as they are after the change, or `None` when nothing was changed."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "keep", "Keep", show=False, id="keep_value"),
    ]

    def __init__(self, row: SettingRow) -> None:
        """Takes the setting."""
        super().__init__()
        self._row = row
        self._typing: Timer | None = None

    def compose(self) -> ComposeResult:
        """What it means, the value, whether it can be that."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Enter writes · Esc keeps"
            yield Static(shown_line(self._row.key, 80), markup=False, classes="dialog-title")
            yield Static(
                shown_line(self._row.meaning, 600), markup=False, classes="prompt", id="value-meaning"
            )
            if self._row.choices:
                choices = [shown_line(choice, 60) for choice in self._row.choices]
                yield Options(*choices, id="forms", markup=False, compact=True)
            else:
                yield LineBox(self._row.value, id="value", compact=True)
            yield Static("", markup=False, id="export-remark")

    def on_mount(self) -> None:
        """The present value has the cursor."""
        if self._row.choices:
            choices = self.query_one(OptionList)
            present = self._row.value
            choices.highlighted = self._row.choices.index(present) if present in self._row.choices else 0
            choices.focus()
        else:
            self.query_one(Input).focus()

    def action_keep(self) -> None:
        """Esc changes nothing."""
        self.dismiss(None)

    @on(Input.Changed)
    def look(self) -> None:
        """Waits for a pause in the typing, then checks."""
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(_PAUSE_SECONDS, self._check)

    @on(Input.Submitted)
    def write_typed(self, event: Input.Submitted) -> None:
        """Writes what was typed."""
        self._write(event.value)

    @on(OptionList.OptionSelected)
    def write_chosen(self, event: OptionList.OptionSelected) -> None:
        """Writes what was chosen."""
        self._write(self._row.choices[event.option_index])

    @work(exclusive=True, group="check", exit_on_error=False, description="check")
    async def _check(self) -> None:
        value = self.query_one(Input).value
        if not value.strip():
            self._remark("Empty: the default holds.")
            return
        try:
            found = await self.app.engine.run(CheckSetting(key=self._row.key, value=value))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self._remark(failed_of(error).message, error=True)
            return
        self._remark(
            f"{FAILED} {found.problem}" if found.problem else f"{DONE} It can be that.",
            error=bool(found.problem),
        )

    @work(exclusive=True, group="write", exit_on_error=False, description="write")
    async def _write(self, value: str) -> None:
        try:
            found = await self.app.engine.run(ChangeSetting(key=self._row.key, value=value))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            self._remark(f"{FAILED} {failed.message} {failed.hint}", error=True)
            return
        self.app.call_later(self.dismiss, found)

    def _remark(self, sentence: str, *, error: bool = False) -> None:
        remark = self.query_one("#export-remark", Static)
        remark.set_class(error, "error")
        remark.update(shown_line(sentence, 400))
