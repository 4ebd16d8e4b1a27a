"""One reading process as its pool holds it: how it is started, asked and ended."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import indexes
from indexes.errors import ReadError
from indexes.readers.child import READY, Reply, Request

__all__ = ["Process", "environment"]

_LONGEST_REPLY = 1 << 28
"""Bytes: the most characters a document may have, in UTF-8 and escaped for JSON."""
_DECODED_ELSEWHERE = 1 << 20
"""Bytes: from here on a reply is decoded in a thread, to keep the loop answering."""
_START_SECONDS = 30.0
_END_SECONDS = 2.0
_RETIRED_AFTER = 500
"""Files: parsers leak a little, and a child's memory is limited."""


class Process:
    """A child that reads, and the line to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._read = 0

    @classmethod
    async def start(cls, memory_bytes: int) -> Process:
        """Starts one that may take `memory_bytes` of address space beyond what it starts with."""
        # -P: the folder Carrel was started in may hold a `json.py`, and must not be imported from.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "indexes.readers.child", str(memory_bytes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LONGEST_REPLY,
            env=environment(),
        )
        return cls(process)

    async def is_ready(self) -> None:
        """Waits for the first line; raises `ReadError` where Python itself does not start."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = await self.process.stdout.readline()
        except TimeoutError:
            line = b""
        if line != READY:
            raise ReadError(
                "The process that reads files does not start.",
                hint=f"Try it by hand: {sys.executable} -m indexes.readers.child",
            )

    async def ask(self, request: Request) -> Reply:
        """Returns the answer to one request; raises `EOFError` where the child dies over it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._read += 1
        try:
            self.process.stdin.write(request.model_dump_json().encode() + b"\n")
            await self.process.stdin.drain()
            line = await self.process.stdout.readline()
        except (ConnectionError, ValueError) as error:
            raise EOFError from error  # a broken pipe; a line beyond all limits
        if not line.endswith(b"\n"):
            raise EOFError
        if len(line) < _DECODED_ELSEWHERE:
            return Reply.model_validate_json(line)
        return await asyncio.to_thread(Reply.model_validate_json, line)

    @property
    def fit(self) -> bool:
        """Whether it may read another file."""
        return self._read < _RETIRED_AFTER and self.process.returncode is None

    def kill(self) -> None:
        """Ends the process at once if it still runs."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()

    async def end(self) -> None:
        """Closes the line, on which a child ends by itself, and waits until the system has forgotten it.

        A child that is already dead is not killed again: that would take its exit status from the waiter.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                while await self.process.stdout.read(1 << 16):
                    pass  # an unread pipe would keep the transport open
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()


def environment() -> dict[str, str]:
    """This process's environment, with the folder that holds this very `indexes` first on the path."""
    root = str(Path(indexes.__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join((root, inherited)) if inherited else root}
