"""The JSON Schema of a settings file, with what each setting means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from assistant.settings import Settings
from assistant.settings_sheet import meanings_of

__all__ = ["settings_schema"]


def settings_schema() -> dict[str, object]:
    """Returns the schema; an editor that knows TOML completes and checks `config.toml` with it."""
    schema: dict[str, Any] = Settings.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    schema["properties"].pop("origins")
    for model in _models(Settings):
        described = schema if model is Settings else definitions[model.__name__]
        for name, meaning in meanings_of(model).items():
            if name in described["properties"]:
                described["properties"][name]["description"] = meaning
    definitions["Profile"] = {"type": "object", "properties": dict(schema["properties"])}
    schema["properties"]["profiles"] = {
        "type": "object",
        "description": "Settings that hold where --profile or CARREL_PROFILE names their table.",
        "additionalProperties": {"$ref": "#/$defs/Profile"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Settings of Carrel",
    }


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _models(field.annotation)
