"""`carrel search`: passages, best first, without a model writing anything."""

from __future__ import annotations

import click

from assistant.cli.options import open_assistant, require_collections, strict_option
from assistant.cli.outlet import Command, put

__all__ = ["command"]


@click.command(
    "search",
    cls=Command,
    epilog="""\b
Examples:
  carrel search "reciprocal rank fusion"
  carrel search --limit 3 --format json "cold start"
""",
)
@click.argument("text", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 200), default=10, show_default=True, help="Most passages.")
@click.option(
    "--collection", multiple=True, metavar="NAME", help="Look only here; may be given several times."
)
@click.option(
    "--format", type=click.Choice(["text", "markdown", "json"]), default="text", help="What stdout gets."
)
@click.option("--set", "set_", metavar="KEY=VALUE", multiple=True, help="Any setting, by dotted key.")
@strict_option
def command(
    text: tuple[str, ...],
    limit: int,
    collection: tuple[str, ...],
    format: str,
    set_: tuple[str, ...],
    strict: bool,
) -> int:
    """Find passages, without a model writing anything."""
    from assistant.question import checked
    from assistant.render import hits_text, to_json

    wanted = checked(" ".join(text), collection)
    with open_assistant(set_) as assistant:
        require_collections(assistant, wanted.collections)
        found = assistant.search(wanted.text, limit=limit, collections=wanted.collections)
    put(to_json("search", found) if format == "json" else hits_text(found, markdown=format == "markdown"))
    return 4 if strict and not found.hits else 0
