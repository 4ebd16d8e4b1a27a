"""Changes one value in the person's `config.toml` and leaves every other line of it as it is."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from assistant.settings import SettingsError

__all__ = ["Value", "change_setting", "toml_of", "with_setting"]

Value = str | bool | int | float | tuple[str, ...] | None
"""What can be written; `None` takes the setting out, so that the default holds."""

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?")


def change_setting(path: Path, key: str, value: Value) -> None:
    """Writes the file anew, whole or not at all; it is made, readable by its owner only, if it is not there.

    Args:
        path: The file.
        key: Dotted, such as `models.small.name`.
        value: What it is set to.

    Raises:
        SettingsError: The file cannot be read or written, or is written in a way that is not understood here.
    """
    try:
        place = path.resolve()  # a link to where the person keeps such files stays one
        text = place.read_bytes().decode() if place.exists() else ""
        changed = with_setting(text, key, value)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.{os.getpid()}.new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(changed)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(place)
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
    except ValueError as error:
        raise SettingsError(
            f"{path} is written in a way that Carrel does not change by itself.",
            hint=f"Set {key} there with an editor.",
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror or error}.", hint="Check who may write there."
        ) from error


def with_setting(text: str, key: str, value: Value) -> str:
    """Returns a settings file's text with one value changed.

    Raises:
        ValueError: The text is not TOML, or the change would touch anything else in it.
    """
    before = tomllib.loads(text)
    table, _, name = key.rpartition(".")
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    start, end = _section(lines, table)
    written = "" if value is None else f"{name} = {toml_of(value)}\n"
    place = next((at for at in range(start, end) if re.match(rf"\s*{re.escape(name)}\s*=", lines[at])), None)
    if place is not None:
        lines[place] = written
    elif written and (start > 0 or not table):
        lines.insert(_after_last_value(lines, start, end), written)
    elif written:
        lines += ["\n"] if lines else []
        lines += [f"[{table}]\n", written]
    changed = "".join(lines)
    if tomllib.loads(changed) != _expected(before, key, value):
        raise ValueError(f"{key} stands in a form that one line cannot change")
    return changed


def _section(lines: Sequence[str], table: str) -> tuple[int, int]:
    """The lines of a table, its header left out; 0 and 0 where there is none."""
    headers = [
        (at, found[1].replace(" ", "")) for at, line in enumerate(lines) if (found := _HEADER.fullmatch(line))
    ]
    ends = [at for at, _ in headers] + [len(lines)]
    if not table:
        return 0, ends[0]
    for number, (at, name) in enumerate(headers):
        if name == table:
            return at + 1, ends[number + 1]
    return 0, 0


def _after_last_value(lines: Sequence[str], start: int, end: int) -> int:
    while end > start and not lines[end - 1].strip():
        end -= 1
    return end


def toml_of(value: Value) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml_of, value))}]"
    # A string of JSON is one of TOML, but for the characters that TOML wants escaped and JSON does not.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _expected(before: dict[str, object], key: str, value: Value) -> dict[str, object]:
    *tables, name = key.split(".")
    after = json.loads(json.dumps(before, default=str))
    place = after
    for table in tables:
        if value is None and table not in place:
            return dict(after)
        place = place.setdefault(table, {})
    if value is None:
        place.pop(name, None)
    else:
        place[name] = list(value) if isinstance(value, tuple) else value
    return dict(after)
