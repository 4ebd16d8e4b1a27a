"""One writer at a time: an operating-system lock that names its holder and dies with it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from indexes.errors import LibraryBusy, LibraryError

__all__ = ["WriterLock"]

_WAIT_SECONDS = 1.5
_TRY_AGAIN_SECONDS = 0.05
_LOCKED_BYTE = 1 << 30
"""Where Windows locks: beyond the text, because a locked byte cannot be read there."""


class WriterLock:
    """The right to write to one library, or file. Within one object it may be held several times at once.

    The lock lies on a file of its own, which is never deleted: deleting it would let a third process lock
    a new file of the same name beside the holder of the old one.

    Args:
        path: The file that the lock lies on.
        guards: What may be written to by its holder, in words; by default the library in the file's folder.
    """

    def __init__(self, path: Path, *, guards: str = "") -> None:
        self._path = path
        self._is_a_library = not guards
        self._guards = guards or f"the library {str(path.parent)!r}"
        self._descriptor: int | None = None
        self._holders = 0
        self._acquiring = asyncio.Lock()

    @asynccontextmanager
    async def held(self, *, wait_seconds: float = _WAIT_SECONDS) -> AsyncIterator[None]:
        """Holds the lock inside the block.

        Raises:
            LibraryBusy: Another process holds it and did not let go within `wait_seconds`.
            LibraryError: The library may not be written to.
            OSError: What else it guards may not be written to.
        """
        async with self._acquiring:
            if self._descriptor is None:
                try:
                    self._descriptor = await self._acquire(wait_seconds)
                except OSError as error:
                    if self._is_a_library:
                        raise self._cannot_be_written(error) from error
                    raise
            self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            if self._holders == 0 and self._descriptor is not None:
                # Closing releases. The text stays: it only ever describes who holds the lock now.
                os.close(self._descriptor)
                self._descriptor = None

    async def _acquire(self, wait_seconds: float) -> int:
        deadline = time.monotonic() + wait_seconds
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            while not _locked(descriptor):
                if time.monotonic() >= deadline:
                    raise LibraryBusy(self._busy(descriptor))
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
            _sign(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _cannot_be_written(self, error: OSError) -> LibraryError:
        return LibraryError(
            f"The library {str(self._path.parent)!r} cannot be written to: {error.strerror or error}.",
            hint="It can still be asked. To add papers, free some space, or let its folder be written to.",
        )

    def _busy(self, descriptor: int) -> str:
        try:
            holder = json.loads(
                os.pread(descriptor, 1000, 0) if hasattr(os, "pread") else self._path.read_bytes()
            )
            since = datetime.fromisoformat(holder["since"]).strftime("%H:%M:%S")
            return f"Process {int(holder['pid'])} has been writing to {self._guards} since {since}."
        except (ValueError, KeyError, TypeError, OSError):
            return f"Another process is writing to {self._guards}."


def _sign(descriptor: int) -> None:
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps({"pid": os.getpid(), "since": since}).encode())


if sys.platform == "win32":
    import msvcrt

    def _locked(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
