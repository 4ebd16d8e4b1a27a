"""`carrel collections`: the parts of the library, listed, renamed and removed."""

from __future__ import annotations

from functools import partial

import click

from assistant.cli.completing import collection_names
from assistant.cli.options import (
    confirmed,
    format_option,
    open_assistant,
    require_collections,
    setting_option,
    yes_option,
)
from assistant.cli.outlet import Command, Group, put, put_list, say, width
from assistant.cli.removing import tell_of_history
from assistant.counting import counted

__all__ = ["command"]


@click.group(
    "collections",
    cls=Group,
    epilog="""\b
Examples:
  carrel collections
  carrel collections list --json
  carrel collections rename papers thesis
  carrel collections remove --yes drafts
""",
)
def command() -> None:
    """List, rename and remove the collections of the library: its parts, kept apart."""


@command.command("list", cls=Command, short_help="List the collections.")
@format_option(lines=True)
@setting_option
def list_collections(format: str, set_: tuple[str, ...]) -> int:
    """List the collections, with what each of them holds."""
    from assistant.listings import collections_table

    with open_assistant(set_) as assistant:
        collections = assistant.collections()
    put_list(collections, format, partial(collections_table, width=width()))
    return 0


@command.command("rename", cls=Command, short_help="Call a collection otherwise.")
@click.argument("old", shell_complete=collection_names)
@click.argument("new")
@click.option("--merge", is_flag=True, help="Join them if there is a NEW already.")
@format_option()
@setting_option
def rename(old: str, new: str, merge: bool, format: str, set_: tuple[str, ...]) -> int:
    """Call the collection OLD NEW, or join both with --merge.

    The same file in both becomes one paper. Nothing is read or embedded again.
    """
    from assistant.envelope import to_json
    from assistant.outcomes import CollectionMoved
    from indexes.clean import clean_line

    with open_assistant(set_) as assistant:
        moved, doubled = assistant.papers.rename_collection(old, new, merge=merge)
    if format == "json":
        put(to_json("collections rename", CollectionMoved(moved=moved, already_there=doubled)))
    else:
        said = f", {doubled:,} of which were there already" if doubled else ""
        put(f"{counted(moved, 'paper')} moved to {clean_line(new, 60)}{said}.\n")
    return 0


@command.command("remove", cls=Command, short_help="Take a collection out of the library.")
@click.argument("name", shell_complete=collection_names)
@yes_option
@format_option()
@setting_option
def remove(name: str, yes: bool, format: str, set_: tuple[str, ...]) -> int:
    """Take all papers of the collection NAME out of the library; files are not touched."""
    from assistant.envelope import to_json
    from assistant.outcomes import CollectionRemoved
    from indexes.clean import clean_line

    with open_assistant(set_) as assistant:
        require_collections(assistant, (name,))
        (found,) = [each for each in assistant.collections() if each.name == name]
        count = counted(found.documents, "paper")
        if not confirmed(f"Remove {clean_line(name, 60)} with {count} from the library?", yes=yes):
            say("Nothing was removed.")
            return 1
        papers = assistant.papers.remove_collection(name)
        tell_of_history(assistant)
    if format == "json":
        put(to_json("collections remove", CollectionRemoved(papers=papers)))
    else:
        put(f"Removed {counted(papers, 'paper')}.\n")
    return 0
