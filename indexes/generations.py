"""Generations of the Chroma index: built beside the live one, probed, made live by a rename."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from indexes.chaos import point
from indexes.errors import LibraryError
from indexes.lock import WriterLock
from indexes.types import Model

__all__ = ["POINTER", "FileFacts", "Generation", "GenerationFailed", "Generations", "file_facts"]

POINTER = "current.json"
_FLUSHED = "index_metadata.pickle"
"""Written by Chroma with the first thousand vectors; until then it writes the graph anew at each opening."""
_NAME = re.compile(r"g-(\d{4,})(\.building)?")
_SCRATCH = re.compile(r"open-(\d+)-.*")


class GenerationFailed(LibraryError):
    """A generation could not be read or built; passages and their vectors are not affected."""

    retryable = True


class FileFacts(Model):
    """What a generation's file was after the probe."""

    path: str
    """Within the generation's folder, with forward slashes."""
    size: int
    sha256: str


class Generation(Model):
    """A generation's facts: the content of the pointer file."""

    name: str
    count: int
    last_position: int
    """Vectors stored up to this position are in it, those stored later are not."""
    fingerprint: str
    """Of the encoder that made the vectors."""
    dimensions: int
    chroma_version: str
    files: tuple[FileFacts, ...]
    server: str = ""
    """Address of the Chroma server that holds it; empty where it lies in a folder of its own."""
    collection: str = ""
    """What it is called on that server."""


class Generations:
    """One library's folder of generations, and the pointer to the live one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = WriterLock(folder / "build.lock", guards="the index of meanings")

    def path(self, generation: Generation) -> Path:
        """Where a generation's files lie."""
        return self._folder / generation.name

    def stamp(self) -> tuple[int, int] | None:
        """Changes whenever the pointer does; None when there is none. Cheap: asked at every search."""
        try:
            facts = (self._folder / POINTER).stat()
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_ino

    def live(self) -> Generation | None:
        """The generation that the pointer names; None when there is none.

        Raises:
            GenerationFailed: The pointer cannot be read.
        """
        try:
            live = Generation.model_validate_json((self._folder / POINTER).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise GenerationFailed("the pointer to the live generation cannot be read") from error
        if not _NAME.fullmatch(live.name):
            raise GenerationFailed(f"the pointer names {live.name!r}, which is no generation")
        return live

    def damage(self, generation: Generation) -> str | None:
        """What is wrong with a generation's files, as the end of a sentence; None when nothing is.

        Chroma must not open a folder that fails here: on a torn segment or a garbled database its native
        code ends the whole process. A child process has probed the generation when it was built, and its
        files never change after that, so comparing their hashes is as good as probing again, and takes
        half a second for 100,000 passages where a child would take several.
        """
        if generation.chroma_version != version("chromadb"):
            return f"was written by Chroma {generation.chroma_version}"
        folder = self.path(generation)
        for facts in generation.files:
            if reason := _file_damage(folder / facts.path, facts):
                return f"has a file that {reason}: {facts.path.rpartition('/')[2]}"
        return None

    def scratch(self, generation: Generation) -> Path:
        """Makes a folder for one reader to open: the generation's index files and a copy of its database.

        Chroma writes into the database at every opening. With a copy the generation stays as it was probed,
        readers do not wait for each other, and a library that cannot be written to can still be asked.
        The caller removes the folder; what dead processes left behind is removed here.

        Raises:
            GenerationFailed: There is no room for it.
        """
        self._remove_dead_scratch()
        here = self._folder if os.access(self._folder, os.W_OK) else None
        source = self.path(generation)
        try:
            scratch = Path(tempfile.mkdtemp(prefix=f"open-{os.getpid()}-", dir=here))
            for entry in source.iterdir():
                if entry.is_dir() and not (entry / _FLUSHED).exists():
                    shutil.copytree(entry, scratch / entry.name)
                elif entry.is_dir():
                    _link(entry.resolve(), scratch / entry.name)
                else:
                    shutil.copyfile(entry, scratch / entry.name)
        except OSError as error:
            raise GenerationFailed(
                f"{generation.name} cannot be opened: {error.strerror or error}"
            ) from error
        return scratch

    @asynccontextmanager
    async def next_folder(self) -> AsyncIterator[Path]:
        """Gives one process at a time the right to build, and the folder to do it in; it does not exist yet.

        Its name ends in `.building`. What killed builds left behind is removed first, and so is the folder
        at the end if it was not published.

        Raises:
            LibraryBusy: Another process is building.
            GenerationFailed: The folder cannot be written to.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            async with self._lock.held(wait_seconds=0):
                for found in self._folders(building=True):
                    shutil.rmtree(self._folder / found[0])
                numbers = [int(found[1]) for found in self._folders(building=False)]
                building = self._folder / f"g-{max(numbers, default=0) + 1:04}.building"
                try:
                    yield building
                finally:
                    shutil.rmtree(building, ignore_errors=True)
        except OSError as error:
            raise GenerationFailed(
                f"The index of meanings cannot be written in {str(self._folder)!r}: "
                f"{error.strerror or error}.",
                hint="Search by meaning goes on without it, more slowly. Check the disk's free space.",
            ) from error

    def publish(self, building: Path, generation: Generation) -> None:
        """Makes a built generation live, and removes all but it and the one before it."""
        point("publish.before")
        building.rename(self.path(generation))
        point("publish.renamed")
        self.point_to(generation)

    def point_to(self, generation: Generation) -> None:
        """Makes a generation live that is where it belongs; removes all but it and the one before it."""
        try:
            before = self.live()
        except GenerationFailed:
            before = None
        _replace(self._folder / POINTER, generation.model_dump_json(indent=1).encode())
        point("publish.after")
        kept = {generation.name, before.name if before else ""}
        for found in self._folders(building=False):
            if found[0] not in kept:
                # Another process may still read it; where that forbids removal, the next build removes it.
                point("collect.during")
                shutil.rmtree(self._folder / found[0], ignore_errors=True)
        point("collect.after")

    def _remove_dead_scratch(self) -> None:
        for entry in self._folder.iterdir():
            if (found := _SCRATCH.fullmatch(entry.name)) and not _is_running(int(found[1])):
                shutil.rmtree(entry, ignore_errors=True)

    def _folders(self, *, building: bool) -> list[re.Match[str]]:
        matches = (_NAME.fullmatch(entry.name) for entry in self._folder.iterdir())
        return [found for found in matches if found and bool(found[2]) == building]


def file_facts(folder: Path) -> tuple[FileFacts, ...]:
    """Sees all files of a folder safely on disk, and returns what they are now."""
    facts = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        inside = path.relative_to(folder).as_posix()
        facts.append(FileFacts(path=inside, size=path.stat().st_size, sha256=_sha256(path)))
        _sync(path)
    for path in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        _sync(path)
    return tuple(facts)


def _file_damage(path: Path, facts: FileFacts) -> str | None:
    try:
        if (size := path.stat().st_size) != facts.size:
            return f"is {size:,} bytes long and not {facts.size:,}"
        return None if _sha256(path) == facts.sha256 else "has other content than when it was written"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _link(folder: Path, target: Path) -> None:
    """Index files are only read, so a link will do; where links are not allowed, a copy."""
    try:
        target.symlink_to(folder, target_is_directory=True)
    except OSError:
        shutil.copytree(folder, target)


def _is_running(process: int) -> bool:
    if os.name == "nt":
        return True  # `os.kill` would end it; a leftover only takes space until the library is rebuilt
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(path: Path, content: bytes) -> None:
    """Writes a file so that a reader, or a loss of power, finds the old content or the new one whole."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.chmod(0o600)
    _sync(temporary)
    point("pointer.during")
    temporary.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Waits until a file's bytes, or a folder's names, are on disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder, and orders its names itself
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
