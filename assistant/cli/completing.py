"""What a shell completes: collections, settings and past questions, each from one small read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

__all__ = ["collection_names", "profiles_of_settings", "question_names", "setting_keys", "setting_pairs"]

_BUSY_SECONDS = 0.2
"""Whoever presses Tab does not wait for a writer."""


def collection_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The library's collections, from the index of the catalogue that has their names."""
    rows = _read(_paths(ctx).library / "catalogue.sqlite", "SELECT DISTINCT collection FROM documents")
    return [CompletionItem(name) for (name,) in rows if name.startswith(incomplete)]


def question_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest questions of the history, with their words beside their names."""
    from indexes.clean import clean_line

    rows = _read(
        _paths(ctx).history,
        "SELECT q.run, q.id, r.kind, q.text FROM questions q JOIN runs r ON r.id = q.run"
        " ORDER BY q.sequence DESC LIMIT 30",
    )
    named = [(f"{run}/{id}" if kind == "batch" else run, text) for run, id, kind, text in rows]
    offered = [("last", "the newest question"), *named]
    return [
        CompletionItem(name, help=clean_line(text, 60))
        for name, text in offered
        if name.startswith(incomplete)
    ]


def profiles_of_settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The profiles of the person's settings file."""
    from assistant.profiles import profile_names

    names = profile_names(_paths(ctx).settings_file)
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def setting_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys of all settings, with their meaning."""
    return [
        CompletionItem(key, help=_short(setting.get("description", "")))
        for key, setting in _settings()
        if key.startswith(incomplete)
    ]


def setting_pairs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`KEY=`, and after it the choices, where there is a choice."""
    written, equals, value = incomplete.partition("=")
    if not equals:
        return [
            CompletionItem(f"{item.value}=", help=item.help) for item in setting_keys(ctx, param, incomplete)
        ]
    choices = next((_choices(setting) for key, setting in _settings() if key == written), [])
    return [CompletionItem(f"{written}={each}") for each in choices if each.startswith(value)]


def _paths(ctx: click.Context) -> Any:
    from assistant.paths import find_paths

    return find_paths(ctx.find_root().params.get("home"))


def _read(file: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a database that is only looked at; none where it is missing, busy, damaged or another's."""
    import sqlite3

    with suppress(sqlite3.Error):
        address = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as database:
            return database.execute(query).fetchall()
    return []


def _settings() -> Iterator[tuple[str, dict[str, Any]]]:
    """Dotted keys with their schemas, from the schema that ships."""
    import json

    from assistant.schemas import schema_text

    schema = json.loads(schema_text("settings"))

    def under(properties: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, setting in properties.items():
            if name == "profiles":  # each of them has these same settings
                continue
            if "$ref" in setting:
                group = schema["$defs"][setting["$ref"].rpartition("/")[2]]
                yield from under(group["properties"], f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", setting

    return under(schema["properties"], "")


def _choices(setting: dict[str, Any]) -> list[str]:
    if setting.get("type") == "boolean":
        return ["true", "false"]
    return [str(each) for each in setting.get("enum", ())]


def _short(meaning: str) -> str:
    return meaning.partition(". ")[0].partition("; ")[0][:80]
