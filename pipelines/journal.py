"""What is paid for once: model replies and decisions, by run, question, step and what they are made from."""

from __future__ import annotations

from typing import Protocol

from indexes.types import Model
from pipelines.types import Usage

__all__ = ["Journal", "Kept"]


class Kept(Model):
    """A model's whole reply, or a person's choice."""

    text: str
    model: str = ""
    """Name of the model that wrote it; empty for a person."""
    usage: Usage = Usage()
    """What it has cost when it was made."""


class Journal(Protocol):
    """The part of the journal that belongs to one question of one run."""

    async def recall(self, step: str, input_hash: str, *, shared: bool = False) -> Kept | None:
        """Returns what was kept for the same step and input; `None` when there is nothing.

        Args:
            step: The step the result was made in.
            input_hash: Hash of everything the result depends on.
            shared: Whether the result of another question or run will do.
        """
        ...

    async def keep(self, step: str, input_hash: str, kept: Kept) -> None:
        """Keeps a result; when this returns it survives the process."""
        ...

    async def forget(self, step: str, input_hash: str) -> None:
        """Drops what was kept, for every question: it turned out not to be what the step needed."""
        ...
