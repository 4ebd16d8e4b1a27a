"""`carrel papers`: what the library holds, listed, shown and exported; and the group of its commands."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assistant.cli.completing import collection_names
from assistant.cli.enriching import enrich
from assistant.cli.mending import check, repair
from assistant.cli.options import (
    format_option,
    open_assistant,
    require_collections,
    setting_option,
    wanted_options,
)
from assistant.cli.outlet import Command, Group, put, put_list, say, width
from assistant.cli.removing import remove, retry
from indexes.clean import clean_line

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.papers import Wanted
    from assistant.references import ReferenceFormat

__all__ = ["command"]


@click.group(
    "papers",
    cls=Group,
    epilog="""\b
Examples:
  carrel papers list --author curie --year 1898..1911
  carrel papers show radium
  carrel papers export -o library.bib
  carrel papers remove --gone

A paper is named by its id or the beginning of it, its file, or a
part of its title.
""",
)
def command() -> None:
    """List, show, remove, export, check and repair the papers in the library."""


@command.command("list", cls=Command, short_help="List papers, by title.")
@click.argument("text", nargs=-1)
@wanted_options
@format_option(lines=True)
@setting_option
def list_papers(text: tuple[str, ...], format: str, set_: tuple[str, ...], **narrowed: Any) -> int:
    """List papers, by title; TEXT is words of the title or of authors.

    A tick says that a paper can be found by meaning too, not only by its words.
    """
    from assistant.listings import holdings_table

    with open_assistant(set_) as assistant:
        holdings = assistant.papers.list(_wanted(assistant, text, **narrowed))
    put_list(holdings, format, partial(holdings_table, width=width()))
    return 0


@command.command("show", cls=Command, short_help="Show all there is on one paper.")
@click.argument("name")
@click.option("--collection", shell_complete=collection_names, metavar="NAME", help="Look only here.")
@format_option()
@setting_option
def show(name: str, collection: str | None, format: str, set_: tuple[str, ...]) -> int:
    """Show all that the library knows of the paper NAME."""
    from assistant.envelope import to_json
    from assistant.listings import holding_text

    with open_assistant(set_) as assistant:
        require_collections(assistant, (collection,) if collection else ())
        holding = assistant.papers.show(name, collection=collection)
    put(to_json("papers show", holding) if format == "json" else holding_text(holding))
    return 0


@command.command("failed", cls=Command, short_help="List files that could not be read.")
@click.option(
    "--collection", shell_complete=collection_names, metavar="NAME", help="Only files of this collection."
)
@format_option(lines=True)
@setting_option
def failed(collection: str | None, format: str, set_: tuple[str, ...]) -> int:
    """List the files that could not be read, each with its reason."""
    from assistant.listings import failures_text

    with open_assistant(set_) as assistant:
        records = assistant.papers.failed(collection=collection)
    put_list(records, format, failures_text)
    return 0


@command.command("export", cls=Command, short_help="Write BibTeX, RIS, CSL-JSON or CSV.")
@click.argument("text", nargs=-1)
@wanted_options
@click.option(
    "--format",
    type=click.Choice(["bibtex", "ris", "csl-json", "csv"]),
    help="By default what the file's name says, else BibTeX.",
)
@click.option("-o", "--out", metavar="FILE", help="A new file; without it, stdout.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@setting_option
def export(
    text: tuple[str, ...],
    format: ReferenceFormat | None,
    out: str | None,
    force: bool,
    set_: tuple[str, ...],
    **narrowed: Any,
) -> int:
    """Write the papers' metadata as BibTeX, RIS, CSL-JSON or CSV."""
    from assistant.references import write_new

    with open_assistant(set_) as assistant:
        wanted = _wanted(assistant, text, **narrowed)
        references = assistant.papers.export(format or _form(out or ""), wanted)
    if out is None:
        put(references)
        return 0
    write_new(Path(out).expanduser(), references, force=force)
    say(f"written to {clean_line(out, 1000)}")
    return 0


for _each in (remove, retry, check, repair, enrich):
    command.add_command(_each)


def _form(out: str) -> ReferenceFormat:
    """What the suffix of the file's name says; BibTeX for any other."""
    forms: dict[str, ReferenceFormat] = {".ris": "ris", ".json": "csl-json", ".csv": "csv"}
    return forms.get(Path(out).suffix.lower(), "bibtex")


def _wanted(
    assistant: Assistant,
    text: tuple[str, ...],
    collection: str | None,
    author: str,
    year: tuple[int | None, int | None],
) -> Wanted:
    from assistant.papers import Wanted

    require_collections(assistant, (collection,) if collection else ())
    return Wanted(" ".join(text), author, year, collection)
