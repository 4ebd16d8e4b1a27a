"""`carrel add`: files and folders into the library, each with its fate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from assistant.cli.options import open_assistant, talk_options
from assistant.cli.outlet import Command, put, say
from indexes.formats import SOURCES, ZOTERO

if TYPE_CHECKING:
    from assistant.events import AddReport

__all__ = ["command", "exit_code"]


@click.command(
    "add",
    cls=Command,
    help=f"""Add papers: {SOURCES}.

    The same file twice is one document. Ctrl+C stops; what was added stays, and the next run goes on.
    """,
    epilog="""\b
Examples:
  carrel add ~/papers
  carrel add review.pdf notes.md --collection reviews
  carrel add --zotero
  carrel add talks --reader llama_index.readers.file:PptxReader=.pptx
""",
)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--collection", default="papers", show_default=True, metavar="NAME", help="Where to put them.")
@click.option("--zotero", is_flag=True, help=f"Add your Zotero library; the same as the path {ZOTERO}")
@click.option(
    "--reader",
    multiple=True,
    metavar="NAME",
    help="Read some kinds of file with a LlamaIndex reader: MODULE:NAME=.suffix,.suffix",
)
@click.option("--ocr", is_flag=True, help="Read scanned pages by OCR; needs pip install 'carrel[ocr]'.")
@click.option("--reembed", is_flag=True, help="Embed the whole library anew, with the model now in use.")
@click.option("--format", type=click.Choice(["text", "json"]), default="text", help="What stdout gets.")
@click.option("--set", "set_", metavar="KEY=VALUE", multiple=True, help="Any setting, by dotted key.")
@talk_options
def command(
    paths: tuple[str, ...],
    collection: str,
    zotero: bool,
    reader: tuple[str, ...],
    ocr: bool,
    reembed: bool,
    format: str,
    set_: tuple[str, ...],
    quiet: bool,
    verbose: bool,
) -> int:
    """Adds files and folders; returns the exit status."""
    from assistant.cli.narrate import Narrator
    from assistant.events import Added
    from assistant.render import report_text, to_json

    paths += (ZOTERO,) if zotero else ()
    if not paths:
        raise click.UsageError("Name the files or folders to add: carrel add PATH...")
    if reader:
        set_ += (f"library.readers={';'.join(reader)}",)
    if ocr:
        set_ += ("library.ocr=true",)
    code = 1
    try:
        with open_assistant(set_) as assistant, Narrator(quiet=quiet, verbose=verbose) as narrator:
            for event in assistant.stream_add(paths, collection=collection, reembed=reembed):
                narrator.tell(event)
                if isinstance(event, Added):
                    narrator.clear()
                    report = event.report
                    put(to_json("add", report) if format == "json" else report_text(report, collection))
                    code = exit_code(report)
    except KeyboardInterrupt:
        say("Stopped. What was added stays; the same command goes on from there.")
        return 130
    return code


def exit_code(report: AddReport) -> int:
    """1 when files failed and not one is in the library; a few failures among many are told, not fatal."""
    from assistant.events import Fate

    there = sum(report.counts.get(fate, 0) for fate in (Fate.INDEXED, Fate.EMBEDDED, Fate.UNCHANGED))
    failed = sum(report.counts.get(fate, 0) for fate in (Fate.FAILED, Fate.FAILED_FOR_NOW))
    return 1 if failed and not there else 0
