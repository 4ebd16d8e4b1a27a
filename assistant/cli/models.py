"""`carrel models`: which model plays which role and why, and getting another embedding model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from assistant.cli.options import format_option, setting_option
from assistant.cli.outlet import Command, put, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.paths import Paths
    from assistant.settings import ModelRole, Settings

__all__ = ["command"]


class _Group(Command, click.Group):
    """A group whose own work is guarded like any command's."""


@click.group(
    "models",
    cls=_Group,
    invoke_without_command=True,
    epilog="""\b
Examples:
  carrel models
  carrel models --json --set models.small.name=ollama:qwen3:8b

`carrel models get` downloads another embedding model (90 MB).
""",
)
@format_option()
@setting_option
@click.pass_context
def command(ctx: click.Context, format: str, set_: tuple[str, ...]) -> int | None:
    """Show the models in use and where each setting comes from."""
    if ctx.invoked_subcommand is not None:
        return None
    from assistant.cli.options import overrides_of
    from assistant.envelope import to_json
    from assistant.outcomes import ChosenModels
    from assistant.paths import find_paths
    from assistant.settings import load_settings

    settings, paths = load_settings(overrides=overrides_of(set_)), find_paths()
    rows = [
        _role("small", settings),
        _role("reasoning", settings),
        _embedding(settings, paths),
        _web(settings),
    ]
    put(
        to_json("models", ChosenModels.model_validate(_by_role(rows)))
        if format == "json"
        else "".join(f"{name:<10} {value}\n{'':<10} {detail}\n" for name, value, detail in rows)
    )
    return 0


@command.command("get", cls=Command)
@click.argument("name", default="all-MiniLM-L6-v2", metavar="[NAME]")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
def get(name: str, quiet: bool) -> int:
    """Download another embedding model once (90 MB), to be named in the setting library.encoder."""
    import asyncio

    from assistant.paths import find_paths
    from indexes.model_files import download_model, find_model

    paths = find_paths()
    found = find_model(name, cache=paths.models)
    if found is None:
        paths.create()
        found = asyncio.run(
            download_model(name, cache=paths.models, on_progress=None if quiet else _Progress())
        )
    put(f"{found}\n")
    return 0


def _by_role(rows: Sequence[tuple[str, str, str]]) -> dict[str, object]:
    return {name: {"value": value, "detail": detail} for name, value, detail in rows}


def _role(role: str, settings: Settings) -> tuple[str, str, str]:
    chosen: ModelRole = getattr(settings.models, role)
    origin = settings.origins.get(f"models.{role}.name", "default")
    if not chosen.name:
        return role, "none", f"answers are put together from sentences of the papers; set models.{role}.name"
    server = f", at {chosen.base_url}" if chosen.base_url else ""
    return role, chosen.name, f"{origin}{server}{_key(chosen)}"


def _key(chosen: ModelRole) -> str:
    """Whether the key's variable is set; its value is nobody's business."""
    if not chosen.api_key_env:
        return ""
    return f", key in {chosen.api_key_env} ({'set' if os.environ.get(chosen.api_key_env) else 'not set'})"


def _embedding(settings: Settings, paths: Paths) -> tuple[str, str, str]:
    from indexes.model_files import SHIPPED_MODEL, find_model, how_to_get

    name = settings.library.encoder
    origin = settings.origins.get("library.encoder", "default")
    if name in ("none", "hashing") or ":" in name:
        return "embedding", name, origin
    folder = find_model(name, cache=paths.models)
    if folder is not None:
        return "embedding", name, f"comes with Carrel ({origin})" if name == SHIPPED_MODEL else str(folder)
    missing = f"not on this machine: search is by keyword; {how_to_get(name)}"
    return "embedding", name, missing


def _web(settings: Settings) -> tuple[str, str, str]:
    return "web", settings.web, settings.origins.get("web", "default")


class _Progress:
    """Says at each tenth how much has arrived."""

    def __init__(self) -> None:
        self._told = -1

    def __call__(self, done: int, total: int | None) -> None:
        tenth = 10 * done // total if total else done // 10_000_000
        if tenth != self._told:
            self._told = tenth
            say(f"received {done / 1e6:.0f} MB" + (f" of {total / 1e6:.0f} MB" if total else ""))
