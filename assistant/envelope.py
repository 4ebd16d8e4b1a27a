"""The JSON that commands write: one versioned envelope around data or an error, safe for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from indexes.clean import clean
from indexes.errors import CarrelError

__all__ = ["SCHEMA_VERSION", "error_json", "to_json", "to_json_line"]

SCHEMA_VERSION = 1
"""Goes up when a reader of version 1 could be misled; a field more does not do that."""


def to_json(command: str, data: Any) -> str:
    """One JSON document; `data` is a model, or models, or plain values."""
    return _document({"schema_version": SCHEMA_VERSION, "command": command, "data": _plain(data)})


def to_json_line(data: Any) -> str:
    """One line of JSON with its line end; `data` is a model, or models, or plain values."""
    return _document(_plain(data), indent=None)


def error_json(command: str, error: CarrelError, *, line: bool = False) -> str:
    """One JSON document that says what went wrong, and in which stage of the work.

    Args:
        command: As it is typed after the program's name.
        error: What went wrong.
        line: Whether it is one line, as everything is where lines were asked for.
    """
    failure = {
        "kind": error.kind,
        "message": clean(error.message),
        "hint": clean(error.hint),
        "stage": error.stage,
    }
    document = {"schema_version": SCHEMA_VERSION, "command": command, "error": failure}
    return _document(document, indent=None if line else 2)


def _plain(data: Any) -> Any:
    if hasattr(data, "model_dump"):
        return data.model_dump(mode="json")
    if isinstance(data, Sequence | Iterable) and not isinstance(data, str | bytes | dict):
        return [_plain(item) for item in data]
    return data


def _document(value: Any, *, indent: int | None = 2) -> str:
    """JSON with its data exact; where a character could harm a terminal, all but ASCII is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if clean(text) != text:
        text = json.dumps(value, ensure_ascii=True, indent=indent).replace("\x7f", "\\u007f")
    return text + "\n"
