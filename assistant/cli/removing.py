"""`carrel papers remove` and `carrel papers retry`: papers out of the library, failed files read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from assistant.cli.completing import collection_names
from assistant.cli.options import (
    confirmed,
    format_option,
    open_assistant,
    require_collections,
    setting_option,
    talk_options,
    yes_option,
)
from assistant.cli.outlet import Command, put, say
from assistant.counting import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assistant.api import Assistant
    from assistant.papers import Record

__all__ = ["remove", "retry", "tell_of_history"]

_SHOWN = 10


@click.command(
    "remove",
    cls=Command,
    short_help="Take papers out of the library.",
    epilog="""\b
Examples:
  carrel papers remove radium.pdf
  carrel papers remove --yes "an old draft"
  carrel papers remove --gone
""",
)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--gone", is_flag=True, help="What stands for files that are no longer on the disk.")
@click.option(
    "--emptied", is_flag=True, help="With --gone --yes: also where a whole folder is missing or empty."
)
@click.option(
    "--collection", shell_complete=collection_names, metavar="NAME", help="Only from this collection."
)
@yes_option
@format_option()
@setting_option
def remove(
    names: tuple[str, ...],
    gone: bool,
    emptied: bool,
    collection: str | None,
    yes: bool,
    format: str,
    set_: tuple[str, ...],
) -> int:
    """Take papers out of the library, with all that was made from them.

    NAME is an id, a file, a part of a title, or a folder for all that was read from it. Files are not
    touched: adding their folder again adds them again. Answers in the
    history stay, with what they quote.
    """
    if gone == bool(names):
        raise click.UsageError("Say which papers: either NAME or --gone.")
    with open_assistant(set_) as assistant:
        require_collections(assistant, (collection,) if collection else ())
        if gone:
            return _remove_gone(assistant, collection, yes=yes, emptied=emptied, format=format)
        documents = assistant.papers.named(names, collection=collection)
        _tell(f"{document.id[:8]}  {document.title}" for document in documents)
        count = counted(len(documents), "paper")
        if not confirmed(f"Remove {count} from the library?", yes=yes):
            say("Nothing was removed.")
            return 1
        assistant.papers.remove(documents)
        tell_of_history(assistant)
    _put_removed([document.id for document in documents], len(documents), format)
    return 0


@click.command("retry", cls=Command, short_help="Read the files again that failed.")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option(
    "--collection", shell_complete=collection_names, metavar="NAME", help="Only files of this collection."
)
@format_option()
@setting_option
@talk_options
def retry(
    names: tuple[str, ...],
    collection: str | None,
    format: str,
    set_: tuple[str, ...],
    quiet: bool,
    verbose: bool,
) -> int:
    """Read the files again that failed: all of them, or those called NAME.

    For example when a password was taken off, an extra was installed, or a disk is back.
    """
    from assistant.cli.adding import exit_code
    from assistant.cli.narrate import Narrator
    from assistant.envelope import to_json
    from assistant.render import report_text

    try:
        with open_assistant(set_) as assistant, Narrator(quiet=quiet, verbose=verbose) as narrator:
            report = assistant.papers.retry(names, collection=collection, emit=narrator.tell)
    except KeyboardInterrupt as stop:
        from indexes.errors import Interrupted

        raise Interrupted("Stopped. What was added stays; the same command goes on from there.") from stop
    put(to_json("papers retry", report) if format == "json" else report_text(report))
    return exit_code(report)


def tell_of_history(assistant: Assistant) -> None:
    """Says that answers outlive the papers that they quote."""
    from indexes.clean import clean_line

    history = clean_line(str(assistant.paths.history), 1000)
    say("Earlier answers may still quote what was removed. They cannot be forgotten one by one; deleting")
    say(f"{history} forgets all of them, and history.keep = false keeps none.")


def _remove_gone(
    assistant: Assistant, collection: str | None, *, yes: bool, emptied: bool, format: str
) -> int:
    found = assistant.papers.gone(collection=collection)
    chosen: list[Record] = []
    if found.records:
        _tell(record.path for record in found.records)
        count = counted(len(found.records), "file")
        if confirmed(f"Take {count} out of the library that are no longer on the disk?", yes=yes):
            chosen += found.records
    for folder, records in found.emptied.items():
        # Not a folder that somebody emptied, perhaps, but a disk that is not there: --yes is not enough.
        say(f"{folder} is missing or empty; {counted(len(records), 'file')} of the library were in it.")
        if yes and not emptied:
            say("Kept, in case its disk is only not connected: --emptied takes these out too.")
        elif confirmed(f"Take all of {folder} out of the library?", yes=yes and emptied):
            chosen += records
    if not chosen:
        say("Nothing was removed.")
        if not (found.records or found.emptied):
            say("Every file of the library is where it was.")
    papers = assistant.papers.forget(chosen) if chosen else 0
    if papers:
        tell_of_history(assistant)
    _put_removed([record.path for record in chosen], papers, format)
    return 0


def _put_removed(names: list[str], papers: int, format: str) -> None:
    from assistant.envelope import to_json
    from assistant.outcomes import PapersRemoved

    if format == "json":
        put(to_json("papers remove", PapersRemoved(removed=tuple(names), papers=papers)))
    else:
        put(f"Removed {counted(papers, 'paper')}.\n")


def _tell(lines: Iterable[str]) -> None:
    from indexes.clean import clean_line

    told = list(lines)
    for line in told[:_SHOWN]:
        say(f"  {clean_line(line, 200)}")
    if len(told) > _SHOWN:
        say(f"  and {len(told) - _SHOWN} more")
