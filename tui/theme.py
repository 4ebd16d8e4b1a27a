"""The two themes: a green reading lamp and brass in the dark, ink on paper in the light."""

from __future__ import annotations

import os
from typing import Any

from textual.theme import Theme

__all__ = ["DARK", "LIGHT", "THEMES", "wanted_theme"]

DARK = Theme(
    name="carrel-dark",
    dark=True,
    background="#14181a",
    surface="#1b2123",
    panel="#242c2e",
    foreground="#dde3de",
    primary="#82bd9c",
    secondary="#8fa9bd",
    accent="#e5b567",
    warning="#e5b567",
    error="#ea8a7c",
    success="#82bd9c",
    variables={
        "border": "#82bd9c",
        "footer-key-foreground": "#e5b567",
        "link-color": "#e5b567",
        "input-selection-background": "#82bd9c 30%",
        "scrollbar": "#3a4548",
        "scrollbar-hover": "#4b585b",
        "scrollbar-active": "#82bd9c",
        "scrollbar-background": "#14181a",
        "scrollbar-background-hover": "#14181a",
        "scrollbar-background-active": "#14181a",
        "scrollbar-corner-color": "#14181a",
    },
)

LIGHT = Theme(
    name="carrel-light",
    dark=False,
    background="#faf8f2",
    surface="#f2efe6",
    panel="#e6e2d6",
    foreground="#22282a",
    primary="#22664a",
    secondary="#3d5a70",
    accent="#7d5200",
    warning="#7d5200",
    error="#9c2f23",
    success="#22664a",
    variables={
        "border": "#22664a",
        "footer-key-foreground": "#7d5200",
        "link-color": "#7d5200",
        "scrollbar": "#c9c3b2",
        "scrollbar-hover": "#b3ac98",
        "scrollbar-active": "#22664a",
        "scrollbar-background": "#faf8f2",
        "scrollbar-background-hover": "#faf8f2",
        "scrollbar-background-active": "#faf8f2",
        "scrollbar-corner-color": "#faf8f2",
    },
)

THEMES = (DARK, LIGHT)


def wanted_theme() -> str:
    """The colours that the person's settings name, for the frames before the engine is there; empty for none.

    What cannot be read is left to the engine, which says so. Without a settings file nothing is parsed.
    """
    if named := os.environ.get("CARREL_APP__THEME"):
        return named
    try:
        from assistant.paths import find_paths

        text = find_paths().settings_file.read_text(encoding="utf-8")
        return _named_in(text) if "theme" in text else ""
    except Exception:  # noqa: BLE001 - the settings are the engine's to judge
        return ""


def _named_in(settings: str) -> str:
    import tomllib

    app: Any = tomllib.loads(settings).get("app", {})
    theme = app.get("theme", "")
    return theme if isinstance(theme, str) else ""
