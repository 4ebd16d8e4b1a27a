"""Writes the README's tables of keys and commands: `python -m tui.manual README.md`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tui.commands import PLACES, Command, commands_of, spelled

__all__ = ["main", "manual", "with_manual"]

_BEGIN, _END = "<!-- commands: written by `python -m tui.manual README.md` -->", "<!-- end of commands -->"


def manual() -> str:
    """Returns a table for each place where commands work, between two marks."""
    tables = [
        "\n".join([f"**{heading}**", "", "| key | typed | |", "|---|---|---|", *map(_row, commands)])
        for place, heading in PLACES.items()
        if (commands := commands_of(place))
    ]
    return "\n\n".join([_BEGIN, *tables, _END])


def with_manual(readme: str) -> str:
    """Returns the README with its tables as the commands are now.

    Raises:
        ValueError: It has no place for them.
    """
    place = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    if place.search(readme) is None:
        raise ValueError(f"There is no {_BEGIN} in it.")
    return place.sub(lambda _: manual(), readme)


def main(arguments: list[str]) -> int:
    """Rewrites the one file given."""
    if len(arguments) != 1:
        sys.stderr.write("Usage: python -m tui.manual README.md\n")
        return 2
    path = Path(arguments[0])
    path.write_text(with_manual(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def _row(command: Command) -> str:
    key = f"`{spelled(command.key)}`" if command.key else ""
    typed = f"`{command.usage}`" if command.usage else command.label
    return f"| {key} | {typed} | {command.summary} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
