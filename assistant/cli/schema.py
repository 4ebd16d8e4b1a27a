"""`carrel schema`: the JSON Schema of what commands write as JSON."""

from __future__ import annotations

import click

from assistant.cli.outlet import Command, put

__all__ = ["command"]


@click.command(
    "schema",
    cls=Command,
    epilog="""\b
Examples:
  carrel schema
  carrel config schema
""",
)
def command() -> None:
    """Print the JSON Schema of what --format json writes; `$defs` has the lines of jsonl, by command."""
    from assistant.schemas import schema_text

    put(schema_text("output"))
