"""The JSON Schemas that ship: of the settings, and of what commands write as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

__all__ = ["SchemaName", "schema_path", "schema_text"]

SchemaName = Literal["settings", "output"]


def schema_path(name: SchemaName) -> Path:
    """Where a schema lies."""
    return Path(__file__).with_name(f"{name}.json")


def schema_text(name: SchemaName) -> str:
    """Returns a schema as it ships; nothing but its file is read."""
    return schema_path(name).read_text(encoding="utf-8")
