"""The settings in linear mode: each with its value and meaning; a change is checked and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from assistant.engine.errands import (
    ChangeSetting,
    CheckSetting,
    FindSettings,
    SettingRow,
    SettingsFound,
    TryModel,
)
from tui.linear.listing import Listing, ListRoom
from tui.screens.settings import explained, role_of

if TYPE_CHECKING:
    from tui.linear.session import Session

__all__ = ["SettingsRoom"]


class SettingsRoom(ListRoom):
    """Words narrow the list; a number asks for another value."""

    places = ("settings",)
    name = "settings"
    arguments: ClassVar[Mapping[str, str]] = {
        "change": "NUMBER",
        "default": "NUMBER",
        "try_model": "NUMBER",
        "find_setting": "WORDS",
    }

    def __init__(self, session: Session, text: str = "") -> None:
        """Takes what to look for at first."""
        super().__init__(session, text)
        self._rows: tuple[SettingRow, ...] = ()
        self._settings: Listing[SettingRow] = Listing(
            self.lines, self._fetch, _told, noun="setting", nothing="No setting fits."
        )

    async def enter(self) -> None:
        """Tells the list."""
        self._rows = (await self.session.engine.run(FindSettings())).rows
        fitting = f" with “{self._text}”" if self._text else ""
        await self.listing.begin(fitting)

    @property
    def listing(self) -> Listing[SettingRow]:
        """The settings."""
        return self._settings

    async def pick(self, number: str) -> None:
        """Asks for another value."""
        await self.do_change(number)

    async def do_find_setting(self, argument: str) -> None:
        """Tells what has the words; nothing typed behind it means everything."""
        await self.narrow(argument)

    async def do_change(self, argument: str) -> None:
        """Asks for another value, checks it and writes it."""
        if (row := self.listing.item(argument)) is None:
            return
        self.lines.fields(explained(row).plain)
        if row.choices:
            default = row.value if row.value in row.choices else row.choices[0]
            value: str | None = await self.session.choose(f"{row.key} is {row.value}.", row.choices, default)
        else:
            present = row.value or "empty"
            value = await self.session.ask_for(f"{row.key} is {present}; Enter keeps it. New value")
        if not value or value == row.value:
            self.lines.say("It stays as it is.")
            return
        engine = self.session.engine
        if problem := (await engine.run(CheckSetting(key=row.key, value=value))).problem:
            self.lines.say(problem)
            return
        await self._write(row.key, value)

    async def do_default(self, argument: str) -> None:
        """Takes the setting out of the person's file."""
        if (row := self.listing.item(argument)) is None:
            return
        if row.origin.startswith("user settings"):
            await self._write(row.key, "")
        else:
            self.lines.say(f"It is not in your file: its value is from {row.origin}.")

    async def do_try_model(self, argument: str) -> None:
        """Asks the model of this role for one word."""
        if (row := self.listing.item(argument)) is None:
            return
        if (role := role_of(row)) is None:
            self.lines.say("That setting is not one of a model's role.")
            return
        tried = await self.session.engine.run(TryModel(role=role))
        self.lines.say(f"{tried.name} answered “{tried.said}” in {tried.seconds:.1f} s.")

    async def _write(self, key: str, value: str) -> None:
        """It holds for the engine that is started then."""
        found: SettingsFound = await self.session.engine.run(ChangeSetting(key=key, value=value))
        await self.session.engine.close()
        self.lines.say(f"Written to {found.file}. It holds from now on.")
        await self.session.refresh_status()
        await self.enter()

    async def _fetch(self, offset: int, limit: int) -> tuple[int, Sequence[SettingRow]]:
        words = self._text.casefold().split()
        fitting = [
            row for row in self._rows if all(word in f"{row.key} {row.meaning}".casefold() for word in words)
        ]
        return len(fitting), fitting[offset : offset + limit]


def _told(row: SettingRow) -> str:
    return f"{row.key} is {row.value or 'empty'}, from {row.origin}"
