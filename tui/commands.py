"""The one list of what a person can do: bindings, the palette, slash commands and the help come from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from textual.binding import Binding

__all__ = ["COMMANDS", "Command", "bindings", "find_command", "parse_slash"]


@dataclass(frozen=True)
class Command:
    """Something the app does on request."""

    name: str
    """What is typed after the slash; also the id of its key binding."""
    label: str
    """One or two words, for the footer."""
    summary: str
    """A sentence, for the help and the palette."""
    action: str
    """An action of the ask screen, or of the app with `app.` before it; it gets the argument."""
    key: str = ""
    """The default key; empty where there is none."""
    argument: str = ""
    """What may follow the slash command; empty where nothing may."""
    in_footer: bool = True

    @property
    def usage(self) -> str:
        """The slash command as it is typed."""
        return f"/{self.name} {self.argument}".rstrip()


COMMANDS: tuple[Command, ...] = (
    Command("help", "Help", "Show the keys and the commands.", "app.help", key="f1"),
    Command("evidence", "Evidence", "Show or hide the evidence.", "evidence", key="f2"),
    Command(
        "add", "Add papers", "Add a folder or a file to the library.", "app.add", key="f3", argument="PATH"
    ),
    Command("steps", "Steps", "Show or hide the steps of the latest answer.", "steps", key="f4"),
    Command("cancel", "Cancel", "Stop the running question; what is written stays.", "cancel", key="escape"),
    Command("copy", "Copy", "Send the latest answer to the terminal's clipboard.", "copy"),
    Command("theme", "Theme", "Choose the colours.", "app.change_theme"),
    Command("quit", "Quit", "End Carrel; Ctrl+C twice does the same.", "app.quit"),
)

_SLASH = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


def bindings() -> list[Binding]:
    """The commands' keys; each can be remapped by its id."""
    return [
        Binding(
            command.key,
            command.action,
            command.label,
            tooltip=command.summary,
            show=command.in_footer,
            id=command.name,
        )
        for command in COMMANDS
        if command.key
    ]


def find_command(name: str) -> Command | None:
    """The command of that name, if there is one."""
    return next((command for command in COMMANDS if command.name == name), None)


def parse_slash(text: str) -> tuple[str, str] | None:
    """Returns name and argument of a slash command, known or not; `None` for a question."""
    found = _SLASH.fullmatch(text.strip())
    return (found[1], (found[2] or "").strip()) if found else None
