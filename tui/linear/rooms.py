"""Where a person is in linear mode, and which of the registry's commands work there."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from tui.commands import COMMANDS, Command, Place

if TYPE_CHECKING:
    from tui.linear.session import Session

__all__ = ["LINEAR", "Handler", "Room", "run_command", "typed_name"]

Handler = Callable[[str], Awaitable[None] | None]

LINEAR: tuple[Command, ...] = (
    Command("ask", "Ask", "Ask from wherever you are.", "", argument="QUESTION", place="anywhere"),
    Command("back", "Back", "Leave this list or page.", "", place="anywhere"),
    Command("more", "More", "Tell the next of the list.", "", place="anywhere"),
)
"""What a screen has keys for, and lines have not."""


def typed_name(command: Command) -> str:
    """What is typed after the slash: a command that only has a key elsewhere goes by its label."""
    return command.name if command.can_be_typed else command.label.lower().replace(" ", "-")


class Room:
    """Somewhere to be. A command of the registry is the method `do_` and its name; it gets the argument."""

    places: ClassVar[tuple[Place, ...]] = ()
    """Whose commands work here, beside those that work anywhere."""
    name: ClassVar[str] = ""
    """Stands before the number of the prompt."""
    arguments: ClassVar[Mapping[str, str]] = {}
    """Name of a command to what is typed behind it, where a key elsewhere means what has the cursor."""

    def __init__(self, session: Session) -> None:
        """Takes the session that it is part of."""
        self.session = session
        self.lines = session.lines

    async def enter(self) -> None:
        """Tells what is here."""

    async def take(self, text: str) -> None:
        """Takes what is typed and is no command.

        Args:
            text: Not empty.
        """
        raise NotImplementedError

    async def more(self) -> None:
        """Tells the next of what is here."""
        self.lines.say("There is no more.")

    def commands(self) -> Iterator[Command]:
        """What can be typed here and nowhere else."""
        return (command for command in COMMANDS if command.place in self.places)

    def argument_of(self, command: Command) -> str:
        """What is typed behind the command here."""
        return command.argument or self.arguments.get(command.name, "")


async def run_command(owner: object, command: Command, argument: str) -> None:
    """Does what the command says.

    Args:
        owner: Has a method `do_` and the command's name.
        command: The command.
        argument: What was typed behind it; empty for nothing.
    """
    handler: Handler = getattr(owner, f"do_{command.name}")
    done = handler(argument)
    if inspect.isawaitable(done):
        await done
