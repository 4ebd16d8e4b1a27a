"""What stands where in a settings file: its lines, and its profiles, of which one is chosen for a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["PROFILE_VARIABLE", "Layer", "divided", "line_of", "origin_of", "own_key", "profile_names"]

PROFILE_VARIABLE = "CARREL_PROFILE"
"""The environment variable that chooses one."""
_TABLE = "profiles."

Layer = dict[str, tuple[Any, str]]
"""Dotted key to its value and its origin in words."""


def own_key(key: str) -> str:
    """The setting that a key of a file is about: `web` of `profiles.cheap.web`."""
    _, _, setting = key.removeprefix(_TABLE).partition(".")
    return setting if key.startswith(_TABLE) and setting else key


def origin_of(key: str, label: str, where: str) -> str:
    """In words, where a key of a file comes from: the file alone, or a profile in it."""
    if own_key(key) == key:
        return f"{label} {where}"
    return f"profile {key.removeprefix(_TABLE).partition('.')[0]} in {where}"


def divided(layer: Layer) -> tuple[Layer, dict[str, Layer]]:
    """What a file sets in any case, and what each of its profiles does, by its name."""
    always: Layer = {}
    profiles: dict[str, Layer] = {}
    for key, value in layer.items():
        if own_key(key) == key:
            always[key] = value
        else:
            name = key.removeprefix(_TABLE).partition(".")[0]
            profiles.setdefault(name, {})[own_key(key)] = value
    return always, profiles


def line_of(text: str, key: str) -> int | None:
    """The line on which a dotted key is set; `None` where it is written in an unusual way."""
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = stripped.strip("[]").replace(" ", "") + "."
        elif "=" in stripped and table + stripped.partition("=")[0].replace(" ", "") == key:
            return number
    return None


def profile_names(file: Path) -> tuple[str, ...]:
    """The names of the profiles in a settings file; none where it cannot be read."""
    import tomllib

    try:
        found = tomllib.loads(file.read_text(encoding="utf-8")).get("profiles")
    except (OSError, ValueError, RecursionError):
        return ()
    return tuple(name for name, table in found.items() if table) if isinstance(found, Mapping) else ()
