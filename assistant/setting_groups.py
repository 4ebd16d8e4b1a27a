"""Groups of settings that only their owners read: the history, the app and its keys, traces."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assistant.setting_values import Several
from indexes.types import Model

__all__ = ["AppSettings", "HistorySettings", "TracingSettings"]


class HistorySettings(Model):
    """What is kept of your questions, on this machine and readable by you only."""

    keep: bool = True
    """Whether anything is. Without it a question that is stopped begins anew, and pays again."""
    days: int = Field(default=30, ge=0)
    """How long the replies of models are kept after their question is answered."""
    max_megabytes: int = Field(default=500, ge=1)
    """Beyond this the oldest replies go first, then the oldest questions with their answers."""


class AppSettings(Model):
    """How the terminal app looks and which keys it has."""

    theme: str = ""
    """Name of the colours, as the command "theme" lists them; empty for Carrel's own dark ones."""
    glyphs: Literal["auto", "unicode", "ascii"] = "auto"
    """What the app draws with; `auto` takes ASCII where the locale or the terminal cannot show more."""
    motion: Literal["full", "reduced"] = "full"
    """Whether anything moves by itself; `reduced` for no spinner, no blinking and no gliding."""
    pdf_viewer: str = ""
    """Opens papers, as in `zathura -P {page} {file}`; empty takes the first known one that is there."""
    keys: Several[str] = ()
    """Keys of commands, each as `NAME=KEY`, such as `library=f9`; in one line they are separated by `;`."""


class TracingSettings(Model):
    """Whether traces leave for where the person's own OpenTelemetry set-up sends them."""

    opentelemetry: bool = False
    """Give each question's trace to OpenTelemetry; needs the extra `otel` and a provider set up in code."""
    text: bool = False
    """Whether titles of papers and the words of errors are in it."""
