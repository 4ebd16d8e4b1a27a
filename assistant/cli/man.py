"""`carrel man`: the manual page, from the same texts as the help."""

from __future__ import annotations

import click

from assistant.cli.outlet import Command, put

__all__ = ["command"]


@click.command(
    "man",
    cls=Command,
    epilog="""\b
Examples:
  carrel man > carrel.1
  carrel man | man -l -
""",
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Print the manual page, as roff; `man -l carrel.1` shows it."""
    from importlib.metadata import PackageNotFoundError, version

    from assistant.cli.roff import manual_page

    try:
        number = version("carrel")
    except PackageNotFoundError:
        number = ""
    root = ctx.find_root().command
    assert isinstance(root, click.Group)
    put(manual_page(root, number))
