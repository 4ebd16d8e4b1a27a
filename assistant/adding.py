"""How papers are added: what a caller may say about it, and who does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from indexes.events import AddEvent
from indexes.types import AddReport

if TYPE_CHECKING:
    from assistant.build import Workbench

__all__ = ["Adding", "PathsToAdd", "add_to"]

PathsToAdd = str | Path | Sequence[str | Path]


class Adding(TypedDict, total=False):
    """How files are added: whatever is left out is as it usually is."""

    collection: str
    """The part of the library they belong to: `papers` unless said otherwise."""
    reembed: bool
    """Embed the whole library anew if another embedding model has made its vectors."""
    cluster: str
    """Whose workers read and embed, while this process commits: `local`, `local:4` for four, `slurm`, or
    a Dask scheduler's address. Unless said otherwise, children of this process do it."""


async def add_to(
    workbench: Workbench, paths: PathsToAdd, how: Adding, emit: Callable[[AddEvent], None] | None
) -> AddReport:
    """Adds files and folders to the open library.

    Raises:
        ClusterUnfit: The cluster cannot be used.
        ClusterLost: It is gone; what was committed stays.
    """
    async with AsyncExitStack() as opened:
        cluster = None
        if where := how.get("cluster", ""):
            from indexes.cluster import connected

            cluster = await opened.enter_async_context(connected(where))
        return await workbench.library.add(
            _as_paths(paths),
            collection=how.get("collection", "papers"),
            emit=emit,
            reembed=how.get("reembed", False),
            named_readers=workbench.named_readers(),
            ocr=workbench.settings.library.ocr,
            cluster=cluster,
        )
    raise AssertionError("the block above returns or raises")


def _as_paths(paths: PathsToAdd) -> list[Path]:
    given = [paths] if isinstance(paths, str | Path) else paths
    return [Path(path).expanduser() for path in given]
