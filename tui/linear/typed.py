"""What is typed in linear mode, line by line: read when it is wanted, kept when it is too soon."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from contextlib import suppress

__all__ = ["Typed"]

_PIECE = 65536


class Typed:
    """Lines of a stream, read in a thread, which works for terminals, pipes and files on every platform.

    Nothing is read before it is asked for, so that an editor that is opened has the keyboard for itself.
    """

    def __init__(self, descriptor: int = 0, *, encoding: str = "utf-8") -> None:
        """Prepares, in a running loop.

        Args:
            descriptor: Of the stream; by default standard input.
            encoding: Of its bytes; what is none of them becomes a question mark.
        """
        self.is_person = os.isatty(descriptor)
        """Whether somebody sits at a terminal, who can be asked again."""
        self.ended = False
        """Nothing more comes."""
        self._descriptor = descriptor
        self._encoding = encoding
        self._kept: deque[str] = deque()
        self._arrived: asyncio.Queue[str | None] = asyncio.Queue()
        self._wanted = threading.Semaphore(0)
        self._is_wanted = False
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, daemon=True).start()

    async def line(self) -> str | None:
        """Returns the next line without its end, those that were kept first; `None` after the last."""
        return self._kept.popleft() if self._kept else await self.fresh()

    async def fresh(self) -> str | None:
        """Returns the next line that was not seen yet."""
        if self.ended:
            return None
        if not self._is_wanted:
            self._is_wanted = True
            self._wanted.release()
        line = await self._arrived.get()
        self._is_wanted = False
        self.ended = line is None
        return line

    def keep(self, line: str) -> None:
        """Keeps a line for later, behind those that are kept already."""
        self._kept.append(line)

    @property
    def next_kept(self) -> str | None:
        """The first line that is kept, which stays where it is."""
        return self._kept[0] if self._kept else None

    def take_kept(self) -> None:
        """Takes the first line that is kept away."""
        self._kept.popleft()

    def _read(self) -> None:
        """Reads without the buffer of `sys.stdin`, whose lock an interpreter that ends would wait for."""
        unread = b""
        while self._wanted.acquire():
            while b"\n" not in unread and (piece := self._piece()):
                unread += piece
            line, newline, unread = unread.partition(b"\n")
            said = line.decode(self._encoding, errors="replace").rstrip("\r") if line or newline else None
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._arrived.put_nowait, said)

    def _piece(self) -> bytes:
        try:
            return os.read(self._descriptor, _PIECE)
        except OSError:  # how some systems say that the terminal is gone
            return b""
