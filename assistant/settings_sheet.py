"""The settings as a list to read and to change: each with its value, where that comes from, what it means."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from functools import cache
from typing import Literal, Union, get_args, get_origin

from pydantic import BaseModel

from assistant.paths import Paths
from assistant.setting_rows import SettingRow
from assistant.settings import Settings, SettingsError, load_settings
from assistant.settings_file import Value, change_setting

__all__ = ["changed", "meanings_of", "plain_value", "problem_of", "rows_of"]


def rows_of(settings: Settings) -> tuple[SettingRow, ...]:
    """Returns a row for each setting, in the order in which they are declared."""
    return tuple(_rows(settings, "", settings.origins))


def problem_of(paths: Paths, key: str, typed: str) -> str:
    """Returns why a setting cannot have this value, as a sentence; empty where it can."""
    try:
        load_settings(paths, overrides={key: typed})
    except SettingsError as error:
        return error.message.replace(f" (set as {key})", "")
    return ""


def changed(paths: Paths, key: str, typed: str) -> Settings:
    """Writes a setting into the person's own file and returns all settings as they are then.

    Args:
        paths: Where the file lies.
        key: Dotted.
        typed: The value; empty takes the setting out of the file, so that the default holds.

    Raises:
        SettingsError: It cannot have this value, or the file cannot be changed.
    """
    value: Value = None
    if typed.strip():
        value = plain_value(load_settings(paths, overrides={key: typed.strip()}), key)
    change_setting(paths.settings_file, key, value)
    return load_settings(paths)


def plain_value(settings: Settings, key: str) -> Value:
    """Returns a setting's value as a settings file can hold it."""
    return _plain(_value(settings, key))


def _rows(model: BaseModel, prefix: str, origins: dict[str, str]) -> list[SettingRow]:
    rows: list[SettingRow] = []
    meanings = meanings_of(type(model))
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name == "origins":
            continue
        if isinstance(value, BaseModel):
            rows += _rows(value, f"{prefix}{name}.", origins)
            continue
        key = f"{prefix}{name}"
        rows.append(
            SettingRow(
                key=key,
                value=_written(value),
                origin=origins.get(key, "default"),
                meaning=meanings.get(name, ""),
                choices=_choices(field.annotation),
            )
        )
    return rows


@cache
def meanings_of(model: type[BaseModel]) -> dict[str, str]:
    """The docstring under each field, also those of the classes it comes from; its first sentences."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if not (isinstance(each, type) and issubclass(each, BaseModel)) or each is BaseModel:
            continue
        try:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        except (OSError, SyntaxError):  # an installation without its sources
            continue
        assert isinstance(definition, ast.ClassDef)
        for field, after in zip(definition.body, definition.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                found[field.target.id] = " ".join(str(after.value.value).replace("`", "").split())
    return found


def _choices(annotation: object) -> tuple[str, ...]:
    if annotation is bool:
        return ("true", "false")
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    if get_origin(annotation) in (Union, types.UnionType):
        return next((found for each in get_args(annotation) if (found := _choices(each))), ())
    return ()


def _value(settings: BaseModel, key: str) -> object:
    value: object = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    return str(value)


def _plain(value: object) -> Value:
    if isinstance(value, tuple):
        return tuple(map(str, value))
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)
