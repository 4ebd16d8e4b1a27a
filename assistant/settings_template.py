"""A settings file to begin with: every setting as a comment, with its default and what it means."""

from __future__ import annotations

import textwrap
from itertools import groupby

from assistant.settings import Settings
from assistant.settings_file import toml_of
from assistant.settings_sheet import plain_value, rows_of

__all__ = ["settings_template"]

_WIDTH = 88
_HEAD = """\
# Carrel's settings. Each line that begins with "#:" has a default; take these two signs away to change it.
# `carrel config show` says which value holds and where it comes from.
"""


def settings_template() -> str:
    """Returns the text; as it is, it changes nothing."""
    settings = Settings()
    keys = [(row.key.rpartition("."), row) for row in rows_of(settings)]
    keys.sort(key=lambda each: bool(each[0][0]))  # what stands in no table comes first, as TOML wants it
    parts = [_HEAD]
    for table, members in groupby(keys, key=lambda each: each[0][0]):
        parts.append(f"\n[{table}]\n" if table else "")
        for (_, _, name), row in members:
            said = f"{row.meaning} {' | '.join(row.choices)}".strip()
            parts += [f"# {line}\n" for line in textwrap.wrap(said, _WIDTH)]
            value = plain_value(settings, row.key)
            parts.append(f"#: {name} =\n" if value is None else f"#: {name} = {toml_of(value)}\n")
    return "".join(parts)
