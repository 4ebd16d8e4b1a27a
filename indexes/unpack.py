"""Archives into the library, member by member: each is read only if its own content is new."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple, Protocol

from indexes.clean import clean_line
from indexes.content import content_of, stored_path
from indexes.errors import LibraryError
from indexes.events import FileDone
from indexes.ledger import Content, Record
from indexes.readers.archive import Member
from indexes.types import ParsedDocument

__all__ = ["MemberReader", "Settling", "Unpacking", "part_of"]


class MemberReader(Protocol):
    """Reads archives; `indexes.readers.pool.ReaderPool` is one."""

    async def read_members(self, path: Path, *, collection: str) -> tuple[Member, ...]:
        """Returns what is in the archive at `path`.

        Raises:
            ReadError: It cannot be read.
        """
        ...

    async def read_member(self, path: Path, member: str) -> ParsedDocument:
        """Returns the document in one member; raises as `read_members` does."""
        ...


class Settling(Protocol):
    """How a run of adding settles one path in the ledger, whatever lies there."""

    async def recorded_under(self, folder: str) -> tuple[Record, ...]:
        """Returns the rows of what lies under `folder` and has a document."""
        ...

    async def known(self, path: str, content: Content) -> FileDone | None:
        """Returns the outcome for content that need not be read, `None` for one that must be."""
        ...

    async def keep(
        self, file: Path, path: str, content: Content, parsed: ParsedDocument, *, size: int
    ) -> FileDone:
        """Files a document under `path`, if `file` still is what it was, with `size` bytes."""
        ...

    async def skip(self, path: str, reason: str) -> FileDone:
        """Settles what is not a paper."""
        ...

    async def set_aside(self, path: str, reason: str) -> FileDone:
        """Settles what is part of another document; its own goes."""
        ...

    async def failed(self, path: str, content: Content | None, error: Exception) -> FileDone:
        """Settles what could not be read."""
        ...


class Opened(NamedTuple):
    """An archive's members, its content, and what is told of it when they are done."""

    members: tuple[Member, ...]
    content: Content | None
    outcome: FileDone


class Unpacking:
    """Settles archives and their members."""

    def __init__(self, settling: Settling, reader: MemberReader, *, collection: str) -> None:
        self.notes: list[str] = []
        self._settling = settling
        self._reader = reader
        self._collection = collection

    async def open(self, file: Path) -> Opened:
        """Returns what is in an archive, and the fate of the archive, which holds no text of its own."""
        path = stored_path(file)
        content: Content | None = None
        try:
            content = await asyncio.to_thread(content_of, file, self._collection)
            members = await self._reader.read_members(file, collection=self._collection)
        except LibraryError:
            raise
        except Exception as error:  # noqa: BLE001 - the row of a batch: a fault in one file's reading stays with it
            return Opened((), None, await self._settling.failed(path, content, error))
        inside = {_member_path(path, member) for member in members}
        before = await self._settling.recorded_under(f"{path}!/")
        if gone := [record.path for record in before if record.path not in inside]:
            self.notes.append(f"Gone from {clean_line(file.name)}, but kept in the library: {len(gone)}.")
        reason = f"an archive: {len(members)} members, each with its own fate"
        return Opened(members, content, await self._settling.skip(path, reason))

    async def add_member(self, file: Path, opened: Opened, member: Member) -> FileDone:
        """Returns what became of one member; it is read only if its own content is new."""
        path = _member_path(stored_path(file), member)
        if member.part_of:
            return await self._settling.set_aside(path, part_of(member.part_of))
        if member.refusal or opened.content is None:
            return await self._settling.skip(path, member.refusal)
        content = Content(
            hash=member.hash,
            document_id=member.document_id,
            size=member.size,
            modified_ns=opened.content.modified_ns,
        )
        try:
            if known := await self._settling.known(path, content):
                return known
            parsed = await self._reader.read_member(file, member.name)
            return await self._settling.keep(file, path, content, parsed, size=opened.content.size)
        except LibraryError:
            raise
        except Exception as error:  # noqa: BLE001 - the row of a batch: a fault in one file's reading stays with it
            return await self._settling.failed(path, content, error)


def part_of(paper: str) -> str:
    """Returns why a file that a LaTeX paper includes is not read alone."""
    return f"part of {clean_line(paper)}, and read with it"


def _member_path(path: str, member: Member) -> str:
    """What the ledger calls a member of the archive at `path`."""
    return f"{path}!/{member.name}"
