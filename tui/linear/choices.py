"""Choices as numbered lines, and what a person means by a number, a word or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["chosen", "told_choices"]


def told_choices(prompt: str, choices: Sequence[str], default: str) -> Iterator[str]:
    """Yields the prompt, then each choice with its number."""
    yield prompt
    for number, choice in enumerate(choices, 1):
        yield f"  {number}. {choice}{' (default: Enter)' if choice == default else ''}"


def chosen(line: str, choices: Sequence[str], default: str) -> str | None:
    """Returns the choice that is meant; `None` where that is none of them."""
    wanted = line.strip().casefold()
    if not wanted:
        return default
    if wanted.isdecimal():
        return choices[int(wanted) - 1] if 0 < int(wanted) <= len(choices) else None
    fitting = [choice for choice in choices if choice.casefold().startswith(wanted)]
    exact = [choice for choice in fitting if choice.casefold() == wanted]
    return (exact or fitting)[0] if exact or len(fitting) == 1 else None
