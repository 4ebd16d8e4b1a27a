"""`carrel search`: passages, best first, without a model writing anything."""

from __future__ import annotations

import click

from assistant.cli.completing import collection_names
from assistant.cli.options import (
    format_option,
    open_assistant,
    require_collections,
    setting_option,
    strict_option,
)
from assistant.cli.outlet import Command, put

__all__ = ["command"]


@click.command(
    "search",
    cls=Command,
    epilog="""\b
Examples:
  carrel search "reciprocal rank fusion"
  carrel search --limit 3 --format json "cold start"
  carrel search "author:nguyen year:2019..2023 in:papers dense retrieval"
  carrel search 'type:pdf "exponential backoff"'
""",
)
@click.argument("text", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 200), default=10, show_default=True, help="Most passages.")
@click.option(
    "--collection",
    shell_complete=collection_names,
    multiple=True,
    metavar="NAME",
    help="Look only here; may be given several times.",
)
@click.option(
    "--per-paper",
    type=click.IntRange(0, 200),
    default=None,
    help="Most passages of one paper before another's; 0 for any number.",
)
@format_option("markdown")
@setting_option
@strict_option
def command(
    text: tuple[str, ...],
    limit: int,
    collection: tuple[str, ...],
    per_paper: int | None,
    format: str,
    set_: tuple[str, ...],
    strict: bool,
) -> int:
    """Find passages, without a model writing anything."""
    from assistant.envelope import to_json
    from assistant.question import checked
    from assistant.render import hits_text
    from indexes.neighbours import PER_DOCUMENT

    wanted = checked(" ".join(text), collection, filters_alone=True)
    with open_assistant(set_) as assistant:
        require_collections(assistant, wanted.collections)
        found = assistant.search(
            wanted.text,
            limit=limit,
            collections=wanted.collections,
            per_document=PER_DOCUMENT if per_paper is None else per_paper or None,
        )
    put(to_json("search", found) if format == "json" else hits_text(found, markdown=format == "markdown"))
    return 4 if strict and not found.hits else 0
