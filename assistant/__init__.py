"""The front door: settings, composition, the Python API, the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexes.lazy import lazily

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.events import (
        AddReport,
        Answer,
        CarrelError,
        Citation,
        Document,
        Evidence,
        Hit,
        Hits,
        Passage,
    )
    from assistant.live import Interrupted
    from assistant.notebook import load_ipython_extension, unload_ipython_extension
    from assistant.settings import Settings, SettingsError, load_settings

__all__ = [
    "AddReport",
    "Answer",
    "Assistant",
    "CarrelError",
    "Citation",
    "Document",
    "Evidence",
    "Hit",
    "Hits",
    "Interrupted",
    "Passage",
    "Settings",
    "SettingsError",
    "load_ipython_extension",
    "load_settings",
    "unload_ipython_extension",
]

__getattr__ = lazily(
    __name__,
    {
        **dict.fromkeys(__all__, "assistant.events"),
        "Assistant": "assistant.api",
        **dict.fromkeys(("Settings", "SettingsError", "load_settings"), "assistant.settings"),
        "Interrupted": "assistant.live",
        **dict.fromkeys(("load_ipython_extension", "unload_ipython_extension"), "assistant.notebook"),
    },
)
