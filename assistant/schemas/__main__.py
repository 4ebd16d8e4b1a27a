"""Writes the schemas anew from the types: `python -m assistant.schemas`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from assistant.schemas import SchemaName, schema_path
from assistant.schemas.output import output_schema
from assistant.schemas.settings import settings_schema

__all__ = ["written"]

_MADE: Mapping[SchemaName, Callable[[], dict[str, object]]] = {
    "settings": settings_schema,
    "output": output_schema,
}


def written(name: SchemaName) -> str:
    """Returns the text of a schema's file, made from the types as they are now."""
    return json.dumps(_MADE[name](), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for _name in _MADE:
        schema_path(_name).write_text(written(_name), encoding="utf-8")
