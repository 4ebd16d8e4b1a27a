"""Looks over all that Carrel stands on: settings, models, library, history, disk, and the terminal."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from assistant.conditions import Condition, Diagnosis, bad, good, note
from assistant.paths import Paths
from assistant.settings import ModelRole, Settings, SettingsError, load_settings
from assistant.surroundings import terminal_conditions, viewer_condition
from indexes.errors import CarrelError

if TYPE_CHECKING:
    from indexes.check import CheckReport

__all__ = ["diagnose"]

_LEAST_FREE_BYTES = 1_000_000_000
"""A generation of the dense index is built beside the last one, and both must fit."""
_PACKAGES = ("chromadb", "langgraph", "onnxruntime", "pypdfium2", "textual")
_EXTRAS: Mapping[str, tuple[str, str]] = {
    "ocr": ("rapidocr", "scanned pages are not read"),
    "watch": ("watchfiles", "folders cannot be followed"),
}
"""Extra to the package it brings and what is missing without it."""


def diagnose(
    paths: Paths,
    overrides: Mapping[str, str],
    *,
    ask_models: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Diagnosis:
    """Returns what was found; nothing is changed, and no model is called unless that is asked for.

    Args:
        paths: Where everything lies.
        overrides: Settings above all other sources, by dotted key.
        ask_models: Whether each model is asked for one word, which may cost something.
        environ: The environment to look at.
    """
    settings, settings_condition = _settings(paths, overrides)
    found = (
        *_versions(),
        *terminal_conditions(environ),
        viewer_condition(settings.app.pdf_viewer, environ),
        settings_condition,
        *(_model(role, settings, environ, ask=ask_models) for role in ("small", "reasoning")),
        _embedding(settings, paths),
        *_extras(),
        _library(paths),
        _history(paths, settings),
        _disk(paths),
    )
    return Diagnosis(conditions=found, sound=all(each.state != "bad" for each in found))


def _versions() -> Iterator[Condition]:
    said = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        yield good("Python", said)
    else:
        yield bad("Python", said, "Install Carrel with Python 3.11, 3.12 or 3.13.")
    have = {name: _version(name) for name in ("carrel", *_PACKAGES)}
    missing = [name for name in _PACKAGES if not have[name]]
    if missing:
        yield bad("versions", f"not installed: {', '.join(missing)}", "pip install carrel")
    else:
        yield good("versions", ", ".join(f"{name} {number or '(source)'}" for name, number in have.items()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _settings(paths: Paths, overrides: Mapping[str, str]) -> tuple[Settings, Condition]:
    """The settings, or the defaults where they are wrong."""
    try:
        settings = load_settings(paths, overrides=overrides, flags=True)
    except SettingsError as error:
        return Settings(), bad("settings", error.message, error.hint or "Correct it there.")
    changed = sum(origin != "default" for origin in settings.origins.values())
    said = f"{paths.settings_file}: {changed} of {len(settings.origins)} not the default"
    return settings, good("settings", said)


def _model(
    role: Literal["small", "reasoning"], settings: Settings, environ: Mapping[str, str], *, ask: bool
) -> Condition:
    from pipelines.providers import key_variable, not_installed

    about, chosen = f"{role} model", _role(settings, role)
    if not chosen.name:
        said = "none: answers are put together from the papers' own sentences"
        return note(about, said, f"`carrel config edit`: models.{role}.name, such as ollama:qwen3:8b")
    if find_spec(f"langchain_{chosen.provider}") is None:
        missing = not_installed(chosen)
        return bad(about, f"{chosen.name}: {missing.message}", missing.hint)
    variable = key_variable(chosen)
    needs_key = bool(chosen.api_key_env) or (chosen.base_url is None and chosen.provider != "ollama")
    if needs_key and not environ.get(variable):
        said = f"{chosen.name}: its key should be in ${variable}, which is not set"
        return bad(about, said, f"export {variable}=...")
    where = f" at {chosen.base_url}" if chosen.base_url else ""
    if not ask:
        return good(about, f"{chosen.name}{where}; not asked, since a call may cost (--ask-models asks)")
    return _asked(about, f"{chosen.name}{where}", settings, role)


def _role(settings: Settings, role: Literal["small", "reasoning"]) -> ModelRole:
    return settings.models.small if role == "small" else settings.models.reasoning


def _asked(about: str, name: str, settings: Settings, role: Literal["small", "reasoning"]) -> Condition:
    from assistant.engine.setting_up import try_model

    try:
        tried = asyncio.run(try_model(settings, role))
    except CarrelError as error:
        return bad(
            about, error.message, error.hint or f"Look at models.{role} in `carrel config show models`."
        )
    return good(about, f"{name} answered in {tried.seconds:.1f} s")


def _embedding(settings: Settings, paths: Paths) -> Condition:
    from indexes.model_files import find_model, how_to_get

    name = settings.library.encoder
    if name == "none":
        return note("embedding", "none: search is by keyword", "Take library.encoder out of the settings.")
    if name == "hashing" or ":" in name or find_model(name, cache=paths.models) is not None:
        return good("embedding", name)
    return bad("embedding", f"{name} is not on this machine: search is by keyword", how_to_get(name))


def _extras() -> Iterator[Condition]:
    for extra, (package, without) in _EXTRAS.items():
        if find_spec(package) is None:
            yield note(f"extra {extra}", f"not installed: {without}", f'pip install "carrel[{extra}]"')
        else:
            yield good(f"extra {extra}", "installed")


def _library(paths: Paths) -> Condition:
    from indexes.check import check

    if not paths.library.exists():
        return note("library", f"{paths.library}: empty", "carrel add ~/papers")
    try:
        report = asyncio.run(check(paths.library))
    except CarrelError as error:
        return bad("library", error.message, error.hint or "carrel papers repair")
    if not report.sound:
        return bad("library", " ".join(each.sentence for each in report.findings), "carrel papers repair")
    return good("library", f"{paths.library}: {_holds(report)}")


def _holds(report: CheckReport) -> str:
    return f"{report.documents:,} documents, {report.passages:,} passages, {report.vectors:,} embedded"


def _history(paths: Paths, settings: Settings) -> Condition:
    """Looked at without opening it as one does to write, which would make or upgrade it."""
    if not settings.history.keep:
        return note("history", "nothing is kept, as history.keep says")
    if not paths.history.exists():
        return good("history", f"{paths.history}: empty")
    try:
        with closing(sqlite3.connect(f"{paths.history.as_uri()}?mode=ro", uri=True)) as file:
            (count,) = file.execute("SELECT count(*) FROM questions").fetchone()
            (said,) = file.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        said, count = str(error), 0
    if said != "ok":
        return bad("history", f"{paths.history} is damaged: {said}", "Move it away; a new one is begun.")
    size = paths.history.stat().st_size / 1e6
    return good("history", f"{paths.history}: {count:,} questions, {size:.1f} MB")


def _disk(paths: Paths) -> Condition:
    place = next(each for each in (paths.data, *paths.data.parents) if each.exists())
    free = shutil.disk_usage(place).free
    said = f"{free / 1e9:.1f} GB free in {place}"
    if free < _LEAST_FREE_BYTES:
        return bad("disk", said, "Free a gigabyte there, or move everything with CARREL_HOME.")
    if not os.access(place, os.W_OK):
        return bad("disk", f"{place} cannot be written to", "Check its owner, or set CARREL_HOME.")
    return good("disk", said)
