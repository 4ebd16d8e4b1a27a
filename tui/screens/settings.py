"""The settings: each with its value, where that comes from and what it means; checked as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Footer, Input, Static

from assistant.engine.errands import ChangeSetting, FindSettings, SettingRow, SettingsFound, TryModel
from tui.commands import bindings
from tui.safe import shown_line
from tui.screens.filtered import FilteredList
from tui.widgets.line_box import LineBox
from tui.widgets.paged_list import Column, Fetched, PagedList, Row

if TYPE_CHECKING:
    from tui.app import CarrelApp

__all__ = ["SettingsScreen", "explained", "role_of"]

_COLUMNS = (
    Column("Setting", 34),
    Column("Value"),
    Column("From", from_width=76, style="paged-list--quiet"),
)
_ROLES: dict[str, Literal["small", "reasoning"]] = {
    "models.small.": "small",
    "models.reasoning.": "reasoning",
}


class SettingsScreen(FilteredList):
    """A list of settings; what the one with the cursor means stands below it."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("settings"),
        Binding("escape", "back", "Back", key_display="Esc", id="leave_settings"),
    ]

    def __init__(self, text: str = "") -> None:
        """Takes what to look for at first.

        Args:
            text: A part of a setting's name or meaning.
        """
        super().__init__()
        self._text = text
        self._rows: tuple[SettingRow, ...] = ()
        self._file = ""

    def compose(self) -> ComposeResult:
        """The search, the settings, the meaning of one."""
        yield Static("Settings", markup=False, classes="screen-title")
        yield LineBox(
            self._text, placeholder="A part of a name, such as models or web", classes="filter", compact=True
        )
        yield Static("", markup=False, classes="list-remark")
        yield PagedList(_COLUMNS, id="settings")
        yield Static("", markup=False, id="meaning")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Looks them up."""
        self._list.focus()
        self._look_up()

    # What the person does.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a role's model can be tried, and only what is not a default be taken back."""
        if not super().check_action(action, parameters):
            return False
        row = self._row
        if action == "try_model":
            return row is not None and role_of(row) is not None
        if action == "default":
            return row is not None and row.origin.startswith("user settings")
        return True

    def action_change(self) -> None:
        """Asks for another value of the setting with the cursor."""
        from tui.screens.value import ValueScreen

        if (row := self._row) is not None:
            self.app.push_screen(ValueScreen(row), self._changed)

    def action_default(self) -> None:
        """Takes the setting with the cursor out of the person's file."""
        if (row := self._row) is not None:
            self._take_back(row)

    def action_try_model(self) -> None:
        """Asks the model of the role with the cursor for one word."""
        if (row := self._row) is not None and (role := role_of(row)) is not None:
            self._remark(f"Asking the model of the role {role}…")
            self._try(role)

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        """Shows the settings that fit."""
        self._text = event.value
        self._fill()

    @on(PagedList.Chosen)
    def change_clicked(self) -> None:
        """A second click changes."""
        self.action_change()

    @on(PagedList.Moved)
    def explain(self) -> None:
        """Says what the setting with the cursor means."""
        row = self._row
        self.query_one("#meaning", Static).update("" if row is None else explained(row))
        self.refresh_bindings()

    # What the engine does.

    @property
    def _row(self) -> SettingRow | None:
        row = self._list.row
        return row.value if row is not None and isinstance(row.value, SettingRow) else None

    @work(exclusive=True, group="settings", exit_on_error=False, description="look up")
    async def _look_up(self) -> None:
        await self.app.ready()
        try:
            self._show(await self.app.engine.run(FindSettings()))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self._tell(error)

    @work(exclusive=True, group="settings", exit_on_error=False, description="take back")
    async def _take_back(self, row: SettingRow) -> None:
        try:
            self._changed(await self.app.engine.run(ChangeSetting(key=row.key, value="")))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self._tell(error)

    @work(exclusive=True, group="try", exit_on_error=False, description="try")
    async def _try(self, role: Literal["small", "reasoning"]) -> None:
        try:
            tried = await self.app.engine.run(TryModel(role=role))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self._tell(error)
        else:
            self._remark(f"{tried.name} answered “{tried.said}” in {tried.seconds:.1f} s.")

    def _changed(self, found: SettingsFound | None) -> None:
        """A value was written: it holds for the engine that is started now."""
        if found is None:
            return
        self._show(found, keep_place=True)
        holds = self.app.restart_engine()
        self._remark(
            f"Written to {found.file}. "
            + ("It holds from now on." if holds else "It holds from the next start: something is running.")
        )

    def _show(self, found: SettingsFound, *, keep_place: bool = False) -> None:
        self._rows, self._file = found.rows, found.file
        self._fill(keep_place=keep_place)
        self._remark(f"Your own are written to {found.file}")

    def _fill(self, *, keep_place: bool = False) -> None:
        words = self._text.casefold().split()
        fitting = [
            row for row in self._rows if all(word in f"{row.key} {row.meaning}".casefold() for word in words)
        ]
        rows = [Row((row.key, row.value or "–", row.origin), row) for row in fitting]

        async def fetch(offset: int, limit: int) -> Fetched:
            return Fetched(len(rows), rows[offset : offset + limit])

        self._list.show(fetch, empty="  No setting fits. Esc empties the search.", keep_place=keep_place)


def role_of(row: SettingRow) -> Literal["small", "reasoning"] | None:
    """The model's role that a setting is of."""
    return next((role for prefix, role in _ROLES.items() if row.key.startswith(prefix)), None)


def explained(row: SettingRow) -> Content:
    """The setting's name and what it means."""
    choices = f" One of: {', '.join(row.choices)}." if row.choices else ""
    meaning = shown_line(f"{row.meaning}{choices}", 600) or "Its name says it."
    return Content.assemble((f"{shown_line(row.key, 80)}  ", "$primary bold"), meaning)
