"""`carrel paths`: where everything lies."""

from __future__ import annotations

import click

from assistant.cli.options import format_option
from assistant.cli.outlet import Command, put

__all__ = ["command"]


@click.command(
    "paths",
    cls=Command,
    epilog="""\b
Examples:
  carrel paths
  carrel --home ~/elsewhere paths --json
""",
)
@format_option()
def command(format: str) -> None:
    """Show where settings, library, history, logs and downloads lie."""
    from assistant.envelope import to_json
    from assistant.outcomes import Places
    from assistant.paths import find_paths

    paths = find_paths()
    places = Places(
        settings=str(paths.settings_file),
        library=str(paths.library),
        history=str(paths.history),
        logs=str(paths.state),
        models=str(paths.models),
    )
    put(
        to_json("paths", places)
        if format == "json"
        else "".join(f"{name:<9} {path}\n" for name, path in places)
    )
