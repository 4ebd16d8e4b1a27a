"""What a command has to say that is no noun of the library or of a question, for its JSON."""

from __future__ import annotations

from indexes.types import Model

__all__ = [
    "Chosen",
    "ChosenModels",
    "CollectionMoved",
    "CollectionRemoved",
    "PapersRemoved",
    "Places",
    "Validated",
]


class Chosen(Model):
    """What plays a role."""

    value: str
    detail: str
    """Where the choice comes from, or what follows from it."""


class ChosenModels(Model):
    """What plays each role."""

    small: Chosen
    reasoning: Chosen
    embedding: Chosen
    web: Chosen


class CollectionMoved(Model):
    """What renaming a collection did."""

    moved: int
    """Papers."""
    already_there: int
    """Those of them that the other collection had too."""


class CollectionRemoved(Model):
    """What removing a collection did."""

    papers: int


class PapersRemoved(Model):
    """What removing papers did."""

    removed: tuple[str, ...]
    """Ids of papers, or files that were gone."""
    papers: int


class Places(Model):
    """Where everything lies."""

    settings: str
    library: str
    history: str
    logs: str
    models: str


class Validated(Model):
    """That all settings are right."""

    file: str
    """The person's own, whether or not it is there."""
    settings: int
    """How many there are."""
    changed: tuple[str, ...]
    """Keys of those that are not the default."""
    profiles: tuple[str, ...] = ()
    """Names of the profiles in the person's file, each of which is right too."""
