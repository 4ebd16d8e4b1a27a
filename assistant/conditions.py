"""What the doctor finds: one condition a line, good or bad, each bad one with what mends it."""

from __future__ import annotations

from typing import Literal

from indexes.types import Model

__all__ = ["Condition", "Diagnosis", "bad", "good", "note"]


class Condition(Model):
    """One thing that was looked at."""

    about: str
    state: Literal["good", "note", "bad"]
    """A note is a limit that Carrel works within."""
    said: str
    fix: str = ""
    """What to type or to do; never empty where the state is bad."""


class Diagnosis(Model):
    """All that was looked at."""

    conditions: tuple[Condition, ...]
    sound: bool
    """Whether nothing is bad."""


def good(about: str, said: str) -> Condition:
    """Something that is as it should be."""
    return Condition(about=about, state="good", said=said)


def note(about: str, said: str, fix: str = "") -> Condition:
    """A limit that Carrel works within."""
    return Condition(about=about, state="note", said=said, fix=fix)


def bad(about: str, said: str, fix: str) -> Condition:
    """Something that keeps Carrel from working as it should."""
    return Condition(about=about, state="bad", said=said, fix=fix)
