"""`carrel serve`: the app in a browser, on this machine unless another is let in on purpose."""

from __future__ import annotations

import ipaddress
from typing import Any

import click

from assistant.cli.entry import form_of_app
from assistant.cli.outlet import Command, say

__all__ = ["command"]

_PORT = 8000
_PACKAGES = ("aiohttp", "aiohttp_jinja2", "jinja2", "textual_serve")


@click.command(
    "serve",
    cls=Command,
    short_help="Show the app in a browser.",
    epilog="""\b
Examples:
  carrel serve
  carrel serve --port 0

On another machine, reach it through ssh: ssh -L 8000:127.0.0.1:8000 HOST
""",
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Listen there.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="0 takes a free one; by default 8000, or a free one where that is taken.",
)
@click.option("--expose", is_flag=True, help="Listen on an address that other machines can reach.")
def command(host: str, port: int | None, expose: bool) -> int:
    """Show the app in a browser until Ctrl+C.

    The address that is printed has a key: whoever has it acts as you, reads your papers and spends on your
    models. Each window is an app of its own over the same library. Needs pip install 'carrel[serve]'.
    """
    if not (expose or _is_loopback(host)):
        raise click.UsageError(
            f"Others can reach {host}, and whoever has the key acts as you. If that is meant, add --expose."
        )
    if not _is_loopback(host):
        say(
            f"Whoever can reach {host} and sees the address acts as you; what goes over the wire can be read."
        )
    serving = _serving()
    try:
        serving(host, port, _tell, usual_port=_PORT)
    except OSError as error:
        from indexes.errors import InputError

        hint = "Another port: carrel serve --port 0 takes a free one."
        raise InputError(f"{host}, port {port or _PORT}: {error.strerror or error}.", hint=hint) from error
    return 0


def _tell(address: str) -> None:
    say(f"Open {address}")
    say("Ctrl+C ends it.")


def _serving() -> Any:
    from indexes.errors import InputError

    try:
        return form_of_app("served")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES:
            raise
        raise InputError(
            "The package that shows the app in a browser is not installed.",
            hint="Install it: pip install 'carrel[serve]'",
        ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
