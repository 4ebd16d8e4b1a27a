"""`carrel config`: the settings shown with where each comes from, checked, begun and edited."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from assistant.cli.completing import setting_keys
from assistant.cli.options import format_option, overrides_of, setting_option
from assistant.cli.outlet import Command, Group, put, put_list, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.setting_rows import SettingRow

__all__ = ["command"]


class _Group(Group):
    default = "show"


@click.group(
    "config",
    cls=_Group,
    epilog="""\b
Examples:
  carrel config show models
  carrel config show --changed
  carrel config validate --set limits.papers=4
  carrel config init
""",
)
def command() -> None:
    """Show, check, begin and edit the settings."""


@command.command("show", cls=Command, short_help="Show settings and where each comes from.")
@click.argument("words", nargs=-1, shell_complete=setting_keys)
@click.option("--changed", is_flag=True, help="Only those that are not as they are by default.")
@format_option(lines=True)
@setting_option
def show(words: tuple[str, ...], changed: bool, format: str, set_: tuple[str, ...]) -> int:
    """Show settings with where each value comes from, and what it means.

    WORDS are parts of keys, or words of what settings mean; a setting is shown if it has one of them.
    """
    from assistant.settings import load_settings
    from assistant.settings_sheet import rows_of

    rows = rows_of(load_settings(overrides=overrides_of(set_), flags=True))
    wanted = [word.lower() for word in words]
    shown = [
        row
        for row in rows
        if not (changed and row.origin == "default")
        and (not wanted or any(word in row.key or word in row.meaning.lower() for word in wanted))
    ]
    put_list(shown, format, partial(_in_words, total=len(rows)))
    return 0


@command.command("validate", cls=Command, short_help="Check files, environment and options.")
@format_option()
@setting_option
def validate(format: str, set_: tuple[str, ...]) -> int:
    """Check all settings: your file with each profile in it, a project's, the environment and --set.

    Exits with 78 if one is wrong, and says which.
    """
    from assistant.envelope import to_json
    from assistant.outcomes import Validated
    from assistant.paths import find_paths
    from assistant.profiles import profile_names
    from assistant.settings import load_settings
    from assistant.settings_sheet import rows_of
    from indexes.clean import clean_line

    rows = rows_of(load_settings(overrides=overrides_of(set_), flags=True))
    changed = [row.key for row in rows if row.origin != "default"]
    file = find_paths().settings_file
    profiles = profile_names(file)
    for profile in profiles:
        load_settings(profile=profile)
    if format == "json":
        validated = Validated(file=str(file), settings=len(rows), changed=tuple(changed), profiles=profiles)
        put(to_json("config validate", validated))
    else:
        there = "" if file.exists() else " (which is not there)"
        said = f"{len(rows)} settings are right, {len(changed)} of them not the default"
        put(f"{said}; your file: {file}{there}\n")
        if profiles:
            put(f"its profiles are right too: {clean_line(', '.join(profiles), 1000)}\n")
    return 0


@command.command("schema", cls=Command)
def schema() -> None:
    """Print the JSON Schema of a settings file, for editors and programs."""
    from assistant.schemas import schema_text

    put(schema_text("settings"))


@command.command("init", cls=Command)
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
def init(force: bool) -> int:
    """Write a settings file with every setting, its default and its meaning, all of them comments."""
    put(f"{_begun(force=force)}\n")
    return 0


@command.command("edit", cls=Command)
def edit() -> int:
    """Open your settings in $VISUAL or $EDITOR and check what was saved."""
    from assistant.paths import find_paths
    from assistant.settings import load_settings

    file = find_paths().settings_file
    path = str(file) if file.exists() else _begun()
    click.edit(filename=path)
    load_settings()
    say(f"{path}: the settings are right.")
    return 0


def _begun(*, force: bool = False) -> str:
    from assistant.paths import find_paths
    from assistant.references import write_new
    from assistant.settings_template import settings_template

    file = find_paths().settings_file
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_new(file, settings_template(), force=force)
    file.chmod(0o600)
    return str(file)


def _in_words(rows: Sequence[SettingRow], *, total: int) -> str:
    from indexes.clean import clean_line

    if not rows:
        return f"None of the {total} settings.\n"
    return "".join(
        f"{row.key} = {clean_line(row.value, 1000) or '(none)'}\n"
        f"    {clean_line(row.origin, 1000)}{f'; {row.meaning}' if row.meaning else ''}\n"
        for row in rows
    )
