"""Settings from flags, a profile, the environment, a project's file and one's own, each with its origin."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from assistant.paths import Paths, find_paths
from assistant.profiles import PROFILE_VARIABLE, Layer, divided, line_of, origin_of, own_key
from assistant.setting_groups import AppSettings, HistorySettings, TracingSettings
from assistant.setting_values import ModelName, Several, WebAddress, named
from indexes.clean import clean_line
from indexes.errors import CarrelError
from indexes.types import Model
from pipelines.models import ModelSettings
from pipelines.settings import GateSettings, Limits
from pipelines.types import Budget

__all__ = [
    "AppSettings",
    "HistorySettings",
    "LibrarySettings",
    "ModelRole",
    "ModelsSettings",
    "PersonSettings",
    "Settings",
    "SettingsError",
    "TracingSettings",
    "load_settings",
]

PROJECT_FILE = "carrel.toml"
SHORT_FORMS: dict[str, tuple[str, ...]] = {
    "web": ("web",),
    "small": ("models.small.name",),
    "reasoning": ("models.reasoning.name",),
    "base_url": ("models.small.base_url", "models.reasoning.base_url"),
    "deadline": ("budget.max_seconds",),
    "max_cost": ("budget.max_cost_usd",),
    "max_calls": ("budget.max_calls",),
}
"""What may be written shorter: `--small`, `CARREL_SMALL`, `Assistant(small=...)`."""

_PREFIX = "CARREL_"
_FILE_LIMIT = 1024 * 1024
_PROJECT_MAY_SET = frozenset(
    {
        "web",
        "library.delta_limit",
        "limits.hits",
        "limits.papers",
        "limits.passages_per_paper",
        "limits.sentences",
    }
)
"""Everything else decides where text and keys go, or what counts as proof: not for a cloned folder."""


class SettingsError(CarrelError):
    """A setting is wrong; the message names where it stands."""

    stage = "settings"
    exit_code = 78


class ModelRole(ModelSettings):
    """The model that plays a role; its limits come with it."""

    name: str = ""
    """`provider:model`, such as `openai:gpt-5-mini`; empty means the role has no model."""
    base_url: WebAddress | None = None
    """For anything that speaks OpenAI's protocol: Ollama, LM Studio, vLLM, llama.cpp, OpenRouter."""

    @field_validator("name")
    @classmethod
    def _has_provider(cls, name: str) -> str:
        return named(name) if name else name

    @field_validator("api_key_env")
    @classmethod
    def _is_a_name_and_not_the_key(cls, variable: str | None) -> str | None:
        if variable and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", variable):
            raise ValueError(
                "it is not the name of an environment variable; put the key into one, and its name here"
            )
        return variable or None


class ModelsSettings(Model):
    """The two roles. Without any model Carrel answers with sentences from the papers, verbatim."""

    small: ModelRole = ModelRole()
    """Reads each paper for the question, and answers when the reasoning model does not."""
    reasoning: ModelRole = ModelRole()
    """Writes the answer."""
    others: Several[ModelName] = ()
    """Further models that can be asked again, as `provider:model`; in one line they are separated by `;`.
    One of the reasoning model's provider has its address, its key and its limits, any other its limits."""


class PersonSettings(Model):
    """What you are asked before it is done; the web has a setting of its own.

    `ask` asks, and where nobody can be asked takes the default; `auto` goes on without asking; `never` does
    not do it.
    """

    budget: Literal["ask", "auto", "never"] = "ask"
    """Before a question goes over its limit of calls or money."""
    collection: Literal["ask", "auto", "never"] = "ask"
    """When several collections may hold the answer; the default is all of them."""
    failure: Literal["ask", "auto", "never"] = "ask"
    """When every model has failed: try again, stop, or take the papers' sentences, which is the default."""
    timeout_seconds: float = Field(default=60.0, gt=0)
    """How long an answer is waited for."""


class LibrarySettings(Model):
    """How papers are kept."""

    encoder: str = "carrel-small"
    """The embedding model; `none` searches by keyword only, `hashing` by similar wording without a model.
    `provider:model` has a provider embed: every passage and every question then goes there."""
    encoder_base_url: WebAddress | None = None
    """Where the provider's server is, when it is not the provider's own."""
    encoder_api_key_env: str | None = None
    """Name of the environment variable with its key; by default the provider's own."""
    cross_encoder: str = ""
    """Folder of an ONNX model that reads question and passage together; empty for none."""
    readers: Several[str] = ()
    """LlamaIndex readers, each as `MODULE:NAME=.suffix,.suffix`; in one line they are separated by `;`."""
    registry: Literal["crossref", "openalex"] = "crossref"
    """Whom `carrel papers enrich` asks about papers."""
    registry_url: WebAddress | None = None
    """A mirror of the registry, or a proxy in front of it, in place of the registry's own address."""
    registry_contact: str = ""
    """A mail address that goes to the registry with each question, as both ask for; empty sends none."""
    ocr: bool = False
    """Whether pages of a PDF that are pictures are read by OCR; needs the extra `ocr`."""
    delta_limit: int = Field(default=2_000, ge=0)
    """New passages that are searched exactly before the vector index is built anew."""
    chroma: WebAddress | None = None
    """A Chroma server that keeps the vector index in place of the library's folder; it gets no text."""


class Settings(Model):
    """All settings, and where each value comes from."""

    models: ModelsSettings = ModelsSettings()
    web: Literal["ask", "auto", "never"] = "ask"
    """Whether the web is searched when the library has no answer; where nobody can be asked, ask means no."""
    searxng_url: WebAddress | None = None
    """A SearXNG server to search the web with, in place of DuckDuckGo."""
    library: LibrarySettings = LibrarySettings()
    person: PersonSettings = PersonSettings()
    providers: GateSettings = GateSettings()
    """How many calls a provider gets at once, and when it is left alone."""
    tracing: TracingSettings = TracingSettings()
    budget: Budget = Budget()
    """What one question may spend."""
    limits: Limits = Limits()
    """How much is retrieved, read and written for one question, and how long each rung may take."""
    history: HistorySettings = HistorySettings()
    app: AppSettings = AppSettings()
    origins: dict[str, str] = Field(default_factory=dict, repr=False)
    """Dotted key to where its value comes from, in words; complete when made by `load_settings`."""


def load_settings(
    home: str | Path | Paths | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    flags: bool = False,
    profile: str | None = None,
) -> Settings:
    """Returns the settings: overrides before a profile, environment, project's file, one's own, the defaults.

    Args:
        home: Where the person's `config.toml` lies; `None` means the usual place.
        overrides: Values by dotted key (`models.small.name`), by short form (`small`), or nested.
        environ: The environment to read; `None` means the process's own.
        folder: Where a project's `carrel.toml` may lie; `None` means the current folder.
        flags: The overrides are from the command line, and an error names them as it does.
        profile: A table `[profiles.NAME]` of the person's file, which holds where no override says otherwise;
            `None` means the one that `$CARREL_PROFILE` names, if any.

    Raises:
        SettingsError: A file that cannot be read, an unknown key, a wrong value, a key that a project's
            file may not set, or no such profile.
    """
    own_file = find_paths(home).settings_file
    environ = os.environ if environ is None else environ
    own, profiles = divided(_from_file(own_file, "user settings"))
    layers = [
        own,
        _from_project((folder or Path()) / PROJECT_FILE, own_file),
        _from_environment(environ),
        _chosen(environ.get(PROFILE_VARIABLE, "") if profile is None else profile, profiles, own_file),
        _from_overrides(overrides or {}, flags=flags),
    ]
    values: dict[str, Any] = {}
    origins = dict.fromkeys(_leaves(Settings), "default")
    for layer in layers:
        for key, (value, origin) in layer.items():
            values[key], origins[key] = value, origin
    return _validated(values, origins)


def _from_file(path: Path, label: str) -> Layer:
    text = _read(path)
    if text is None:
        return {}
    try:
        written = dict(_flatten(tomllib.loads(text)))
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a bare ValueError
        problem = clean_line(str(error)) or "it is nested too deeply"
        raise SettingsError(
            f"{path} is not valid TOML: {problem}.",
            hint="Correct that line, or move the file away to go on with the defaults.",
        ) from error
    layer: Layer = {}
    for key, value in written.items():
        where = f"{path}, line {line}" if (line := line_of(text, key)) else str(path)
        _must_be_known(own_key(key), where)
        layer[key] = (value, origin_of(key, label, where))
    return layer


def _chosen(name: str, profiles: Mapping[str, Layer], file: Path) -> Layer:
    """What the chosen profile sets; nothing where none is chosen."""
    if not name:
        return {}
    if name in profiles:
        return profiles[name]
    there = ", ".join(clean_line(each, 40) for each in profiles)
    raise SettingsError(
        f"There is no profile {clean_line(name, 40)!r} in {file}.",
        hint=f"It has: {there}." if there else "Write one: a table [profiles.NAME] with any settings in it.",
    )


def _from_project(path: Path, own_file: Path) -> Layer:
    layer = _from_file(path, "project settings")
    for key, (value, origin) in layer.items():
        where = origin.removeprefix("project settings ")
        if key not in _PROJECT_MAY_SET:
            raise SettingsError(
                f"{where}: a project's file may not set {key}.",
                hint=f"Put it in your own settings, {own_file}, or in the environment.",
            )
        if key == "web" and value == "auto":
            raise SettingsError(
                f'{where}: a project\'s file may not set web = "auto".',
                hint='Allow it yourself with --web auto, or with web = "auto" in your own settings.',
            )
    return layer


def _from_environment(environ: Mapping[str, str]) -> Layer:
    """Only `CARREL_<GROUP>__<KEY>` and the short forms: `CARREL_HOME` and its like are not settings."""
    layer: Layer = {}
    for variable in sorted(environ):
        value = environ[variable]
        name = variable.removeprefix(_PREFIX).lower()
        if name == variable.lower() or not value:
            continue
        if "__" not in name and name not in (*SHORT_FORMS, *_leaves(Settings)):
            continue
        origin = f"environment {variable}"
        for key in _spelled_out(name.replace("__", ".")):
            _must_be_known(key, origin)
            if name in SHORT_FORMS and key in layer:
                continue
            layer[key] = (value, origin)
    return layer


def _from_overrides(overrides: Mapping[str, Any], *, flags: bool) -> Layer:
    layer: Layer = {}
    for name, value in _flatten(overrides):
        origin = f"set as {name}"
        if flags:
            origin = f"--{name.replace('_', '-')}" if name in SHORT_FORMS else f"--set {name}"
        for key in _spelled_out(name.replace("__", ".")):
            _must_be_known(key, origin)
            layer[key] = (value, origin)
    return layer


def _spelled_out(name: str) -> tuple[str, ...]:
    return SHORT_FORMS.get(name, (name,))


def _validated(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *groups, leaf = key.split(".")
        place = nested
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = value
    try:
        return Settings.model_validate({**nested, "origins": dict(origins)})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = clean_line(first["msg"].removeprefix("Value error, "))
        raise SettingsError(
            f"{key} is wrong ({origins.get(key, 'default')}): {problem}.",
            hint="Correct it there and try again; `carrel ask --help` shows the flags.",
        ) from error


def _read(path: Path) -> str | None:
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise SettingsError(
                f"{path} is larger than a settings file can be (1 MiB).", hint="Move it away."
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read: {clean_line(str(error))}.",
            hint="It must be a text file in UTF-8 that you may read.",
        ) from error


def _must_be_known(key: str, where: str) -> None:
    known = _leaves(Settings)
    if key in known:
        return
    nearest = max((*known, *SHORT_FORMS), key=lambda each: _likeness(key, each))
    raise SettingsError(
        f"There is no setting {clean_line(key, 80)!r} ({clean_line(where)}).", hint=f"Did you mean {nearest}?"
    )


def _likeness(key: str, known: str) -> float:
    """How much alike two keys are, or their last parts: the group is often left out."""
    parts = key.rpartition(".")[2], known.rpartition(".")[2]
    whole, last = (difflib.SequenceMatcher(None, *pair).ratio() for pair in ((key, known), parts))
    return max(whole, 0.95 * last)


def _leaves(model: type[BaseModel], prefix: str = "") -> tuple[str, ...]:
    found: list[str] = []
    for name, field in model.model_fields.items():
        if name == "origins":
            continue
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _leaves(kind, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}")
    return tuple(found)


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
