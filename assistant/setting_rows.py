"""A setting as an interface shows it; light enough for one to import."""

from __future__ import annotations

from indexes.types import Model

__all__ = ["SettingRow"]


class SettingRow(Model):
    """One setting."""

    key: str
    """Dotted, as it is written in `--set` and, table by table, in the file."""
    value: str
    """As it is typed; empty for none."""
    origin: str
    """Where the value comes from, in words."""
    meaning: str
    choices: tuple[str, ...] = ()
    """All that it may be; empty where it may be anything of its kind."""
