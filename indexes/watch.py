"""Follows folders: what is there is added, then what is new or has changed, once it has settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from indexes.clean import clean_line
from indexes.content import stored_path
from indexes.errors import CarrelError, InputError, LibraryBusy, NothingToRead
from indexes.events import AddEvent, FileDone
from indexes.gone import is_on_disk
from indexes.readers.latex_files import SUFFIXES as LATEX
from indexes.types import Model
from indexes.walk import Walk, walk
from indexes.zotero import expanded

if TYPE_CHECKING:
    from indexes.library import Library
    from indexes.readers.named import NamedReader

__all__ = ["FilesGone", "WatchEvent", "Watching", "require", "watch"]

_SETTLE_SECONDS = 2.0
_LOOK_SECONDS = 0.25


class Watching(Model):
    """What was there is added; from here on the folders are followed."""

    type: Literal["watching"] = "watching"
    paths: tuple[str, ...]


class FilesGone(Model):
    """Files of the library that were deleted or moved away; their papers stay in the library."""

    type: Literal["files_gone"] = "files_gone"
    paths: tuple[str, ...]


WatchEvent = AddEvent | Watching | FilesGone


def require() -> None:
    """Does nothing if folders can be followed.

    Raises:
        InputError: What it takes is not installed; the hint says what to install.
    """
    if find_spec("watchfiles") is None:
        raise InputError(
            "Following a folder needs a package that is not installed.",
            hint="Install it: pip install 'carrel[watch]'. Without it, run the same `carrel add` again.",
        )


async def watch(
    library: Library,
    paths: Sequence[Path],
    *,
    collection: str = "papers",
    emit: Callable[[WatchEvent], None],
    named_readers: Sequence[NamedReader] = (),
    settle_seconds: float = _SETTLE_SECONDS,
) -> None:
    """Adds what is under `paths` and follows it until it is cancelled; each round is like `Library.add`.

    The library is locked only while something is added. Deleted files are told, not removed.

    Args:
        library: Where to.
        paths: Files and folders.
        collection: The part of the library they belong to.
        emit: Told what happens.
        named_readers: See `Library.add`.
        settle_seconds: How long a file has to stay as it is before it is read.

    Raises:
        PathMissing: One of the paths does not exist.
        InputError: The package that follows folders is not installed.
        CarrelError: The folders cannot be followed.
        LibraryError: The catalogue cannot be written; what is committed stays.
    """
    require()
    expand = await asyncio.to_thread(expanded, paths)
    await asyncio.to_thread(walk, expand)  # a path that does not exist is told before anything else
    roots = await asyncio.to_thread(lambda: [path.expanduser().resolve() for path in expand])
    rounds = _Rounds(library, roots, collection, emit, named_readers)
    changed: dict[str, float] = {}
    listening = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_listen(roots, changed, listening))
            # From the first moment on, so that nothing falls between reading and following.
            await listening.wait()
            await rounds.first()
            emit(Watching(paths=tuple(stored_path(root) for root in roots)))
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                before = time.monotonic() - settle_seconds
                settled = [path for path, moment in changed.items() if moment <= before]
                for path in settled:
                    del changed[path]
                if settled and not await rounds.take(settled):
                    changed.update(dict.fromkeys(settled, time.monotonic()))
    except* CarrelError as errors:
        raise _first_of(errors) from None


async def _listen(roots: Sequence[Path], changed: dict[str, float], listening: asyncio.Event) -> None:
    from watchfiles import awatch

    try:
        async for changes in awatch(
            *roots, watch_filter=None, debounce=400, rust_timeout=300, yield_on_timeout=True
        ):
            listening.set()
            changed.update(dict.fromkeys((path for _, path in changes), time.monotonic()))
    except (OSError, RuntimeError) as error:
        raise CarrelError(
            f"The folder cannot be followed: {clean_line(str(error))}.",
            hint="Set WATCHFILES_FORCE_POLLING=true to look at it again and again, or repeat `carrel add`.",
        ) from error
    finally:
        listening.set()


class _Rounds:
    """What every round of adding shares."""

    def __init__(
        self,
        library: Library,
        roots: Sequence[Path],
        collection: str,
        emit: Callable[[WatchEvent], None],
        named_readers: Sequence[NamedReader],
    ) -> None:
        self._library = library
        self._roots = roots
        self._collection = collection
        self._emit = emit
        self._named_readers = named_readers
        self._also = {suffix for reader in named_readers for suffix in reader.suffixes}

    async def first(self) -> None:
        """Adds what is there; an empty folder can be followed too."""
        try:
            await self._library.add(
                self._roots,
                collection=self._collection,
                emit=self._emit,
                named_readers=self._named_readers,
            )
        except NothingToRead:
            return

    async def take(self, changed: Iterable[str]) -> bool:
        """Adds what has changed; says no if another program was writing, and it has to be tried again."""
        paths = {Path(path) for path in changed}
        there = await asyncio.to_thread(lambda: [root for root in self._roots if root.exists()])
        found = await asyncio.to_thread(walk, there, also=self._also) if there else Walk((), ())
        part = _part(found, paths)
        beside = {stored_path(path) for path in part.bibliographies if path not in paths}
        try:
            if part.files or part.skipped or part.libraries or paths.intersection(part.bibliographies):
                await self._library.add_found(
                    part,
                    collection=self._collection,
                    emit=lambda event: None if _is_of(event, beside) else self._emit(event),
                    named_readers=self._named_readers,
                )
        except LibraryBusy:
            return False
        await self._tell_gone(paths)
        return True

    async def _tell_gone(self, paths: set[Path]) -> None:
        stored = {stored_path(path) for path in paths}
        records = await self._library.holdings.standing(self._collection)
        touched = [
            record.path
            for record in records
            if record.path in stored or any(stored_path(each) in stored for each in Path(record.path).parents)
        ]
        there = await asyncio.to_thread(lambda: [*map(is_on_disk, touched)])
        if gone := [path for path, on_disk in zip(touched, there, strict=True) if not on_disk]:
            self._emit(FilesGone(paths=tuple(gone)))


def _part(found: Walk, changed: set[Path]) -> Walk:
    """What of a walk has changed, with what describes and completes it: bibliographies, LaTeX files."""

    def touched(path: Path) -> bool:
        # A folder that was moved here as a whole is one change.
        return path in changed or not changed.isdisjoint(path.parents)

    latex = any(path.suffix.lower() in LATEX for path in changed)
    return Walk(
        files=tuple(
            path for path in found.files if touched(path) or (latex and path.suffix.lower() in LATEX)
        ),
        skipped=tuple(each for each in found.skipped if touched(each.path)),
        bibliographies=found.bibliographies,
        libraries=tuple(
            each for each in found.libraries if any(path.is_relative_to(each.path) for path in changed)
        ),
    )


def _is_of(event: AddEvent, paths: set[str]) -> bool:
    return isinstance(event, FileDone) and event.path in paths


def _first_of(errors: BaseExceptionGroup[CarrelError]) -> CarrelError:
    found = errors.exceptions[0]
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
