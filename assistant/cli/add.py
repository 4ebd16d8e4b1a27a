"""`carrel add`: files and folders into the library, each with its fate."""

from __future__ import annotations

from pathlib import Path

import click

from assistant.cli.adding import Telling, add_once, follow
from assistant.cli.completing import collection_names
from assistant.cli.options import format_option, open_assistant, setting_option, talk_options
from assistant.cli.outlet import Command
from indexes.formats import SOURCES, ZOTERO

__all__ = ["command"]


@click.command(
    "add",
    cls=Command,
    help=f"""Add papers: {SOURCES}.

    The same file twice is one document. Ctrl+C stops; what was added stays, and the next run goes on.
    The exit code is 3 if some files failed and others are in the library.
    """,
    epilog="""\b
Examples:
  carrel add ~/papers
  carrel add review.pdf notes.md --collection reviews
  carrel add --watch ~/papers
  carrel add exports --reader llama_index.core.readers.json:JSONReader=.json
""",
)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "--collection",
    shell_complete=collection_names,
    default="papers",
    show_default=True,
    metavar="NAME",
    help="Where to put them.",
)
@click.option("--zotero", is_flag=True, help=f"Add your Zotero library; the same as the path {ZOTERO}")
@click.option(
    "--reader",
    multiple=True,
    metavar="NAME",
    help="Read some kinds of file with a LlamaIndex reader: MODULE:NAME=.suffix,.suffix",
)
@click.option("--ocr", is_flag=True, help="Read scanned pages by OCR; needs pip install 'carrel[ocr]'.")
@click.option(
    "--cluster",
    default="",
    metavar="WHERE",
    help="Read and embed on a Dask cluster: local, slurm:8, tcp://HOST:8786; needs carrel[cluster].",
)
@click.option("--reembed", is_flag=True, help="Embed the whole library anew, with the model now in use.")
@click.option("--watch", is_flag=True, help="Go on: add what is new or changed, until Ctrl+C.")
@format_option(lines=True)
@setting_option
@talk_options
def command(
    paths: tuple[str, ...],
    collection: str,
    zotero: bool,
    reader: tuple[str, ...],
    ocr: bool,
    cluster: str,
    reembed: bool,
    watch: bool,
    format: str,
    set_: tuple[str, ...],
    quiet: bool,
    verbose: bool,
) -> int:
    """Adds files and folders; returns the exit status."""
    paths += (ZOTERO,) if zotero else ()
    if not paths:
        raise click.UsageError("Name the files or folders to add: carrel add PATH...")
    if reader:
        set_ += (f"library.readers={';'.join(reader)}",)
    if ocr:
        set_ += ("library.ocr=true",)
    if watch and cluster:
        raise click.UsageError("--cluster is for adding once, without --watch.")
    if watch and reembed:
        raise click.UsageError("--reembed is done once, without --watch.")
    with open_assistant(set_) as assistant:
        telling = Telling(collection, format, quiet=quiet, verbose=verbose)
        if watch:
            return follow(
                assistant.papers.watch([Path(path) for path in paths], collection=collection), telling
            )
        adding = assistant.stream_add(paths, collection=collection, reembed=reembed, cluster=cluster)
        return add_once(adding, telling)
