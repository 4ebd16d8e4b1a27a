"""`carrel mcp`: serves the library to a program that speaks the Model Context Protocol over its pipes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from assistant.cli.options import open_assistant, setting_options
from assistant.cli.outlet import Command, put, say
from assistant.profiles import PROFILE_VARIABLE

__all__ = ["command"]


@click.command(
    "mcp",
    cls=Command,
    short_help="Serve the library to programs, over the Model Context Protocol.",
    epilog="""\b
Examples:
  carrel mcp --config
  carrel mcp --web never
""",
)
@click.option("--config", is_flag=True, help="Print what a program's settings need to start this, as JSON.")
@setting_options
def command(config: bool, set_: tuple[str, ...], **short: Any) -> int:
    """Serve the library to a program that speaks the Model Context Protocol.

    The program starts this command and talks to it over stdin and stdout. It can search, ask, read a passage
    on its page and cite; it cannot change the library. Where a person would be asked, the answer is no. Needs
    pip install 'carrel[mcp]'.
    """
    if config:
        put(_entry(set_, short))
        return 0
    if sys.stdin.isatty():
        say("carrel mcp is started by a program, which talks to it over stdin and stdout.")
        say("`carrel mcp --config` prints what to put into that program's settings.")
        return 2
    serving = _server()
    serving(open_assistant(set_, **short), version=_version()).run()
    return 0


def _server() -> Any:
    from indexes.errors import InputError

    try:
        from assistant.cli.mcp_server import serving
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise InputError(
            "The package that speaks the Model Context Protocol is not installed.",
            hint="Install it: pip install 'carrel[mcp]'",
        ) from error
    return serving


def _entry(set_: tuple[str, ...], short: dict[str, Any]) -> str:
    """The entry that most programs take under `mcpServers`."""
    flags = [(f"--{name.replace('_', '-')}", value) for name, value in short.items() if value is not None]
    arguments = [
        part for flag, value in [*flags, *(("--set", each) for each in set_)] for part in (flag, str(value))
    ]
    server: dict[str, Any] = {"command": shutil.which("carrel") or "carrel", "args": ["mcp", *arguments]}
    environ: dict[str, str] = {}
    if home := os.environ.get("CARREL_HOME"):
        environ["CARREL_HOME"] = str(Path(home).resolve())
    if profile := os.environ.get(PROFILE_VARIABLE):
        environ[PROFILE_VARIABLE] = profile
    if environ:
        server["env"] = environ
    return json.dumps({"mcpServers": {"carrel": server}}, indent=2) + "\n"


def _version() -> str:
    try:
        return version("carrel")
    except PackageNotFoundError:
        return "0"
