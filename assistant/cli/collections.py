"""`carrel collections`: the parts of the library."""

from __future__ import annotations

import click

from assistant.cli.options import format_option, open_assistant, setting_option
from assistant.cli.outlet import Command, put
from assistant.cli.papers import Group, width

__all__ = ["command"]


@click.group(
    "collections",
    cls=Group,
    epilog="""\b
Examples:
  carrel collections
  carrel collections list --json
""",
)
def command() -> None:
    """List the collections of the library: its parts, kept apart."""


@command.command("list", cls=Command)
@format_option(lines=True)
@setting_option
def list_collections(format: str, set_: tuple[str, ...]) -> int:
    """List the collections, with what each of them holds."""
    from assistant.listings import collections_table
    from assistant.render import to_json, to_json_line

    with open_assistant(set_) as assistant:
        collections = assistant.collections()
    if format == "jsonl":
        put("".join(to_json_line(collection) for collection in collections))
    elif format == "json":
        put(to_json("collections list", collections))
    else:
        put(collections_table(collections, width=width()))
    return 0
