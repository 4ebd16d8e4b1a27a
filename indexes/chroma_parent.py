"""The parent's side of `indexes.chroma_child`: starts such a process, speaks to it, and ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import numpy as np

from indexes.chroma_child import frame
from indexes.exact import Block
from indexes.generations import GenerationFailed

__all__ = ["ChromaChild", "chroma_child"]

_LONGEST_SECONDS = 300.0
"""That a child may take to accept one batch of rows, to say a result after the last, or to end."""


@asynccontextmanager
async def chroma_child(task: str, *arguments: str) -> AsyncIterator[ChromaChild]:
    """A process with a task of `indexes.chroma_child`; behind the block it is gone, with what it has made.

    Args:
        task: `build` or `probe`.
        arguments: Of the task.

    Raises:
        GenerationFailed: It went wrong, or took too long.
    """
    process = await asyncio.create_subprocess_exec(
        # -P: the current folder may hold a `numpy.py` of its own.
        *(sys.executable, "-P", "-m", "indexes.chroma_child", task, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # No vectors are computed with there, and a process without threads can be made two.
        env={**os.environ, "PYTHONPATH": _python_path(), "OPENBLAS_NUM_THREADS": "1"},
        # Control-C is for us to handle; a child whose parent is gone ends by itself.
        start_new_session=True,
    )
    child = ChromaChild(process)
    try:
        yield child
        async with asyncio.timeout(_LONGEST_SECONDS):
            await child.end()
    except TimeoutError as error:
        raise GenerationFailed("Building the index of meanings took too long.") from error
    finally:
        await child.kill()


class ChromaChild:
    """The process, spoken to: rows go in, the count of all passages comes out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self._errors = asyncio.create_task(process.stderr.read())

    async def result(self, batches: Iterator[Block], dimensions: int) -> int:
        """Sends the rows and returns what is said to them.

        Raises:
            GenerationFailed: The process ended without a result.
            TimeoutError: It takes too long.
        """
        # The child may end early; what it says about that is worth more than a broken pipe.
        with suppress(BrokenPipeError, ConnectionResetError):
            await self._feed(batches, dimensions)
        async with asyncio.timeout(_LONGEST_SECONDS):
            line = await self._stdout.readline()
            if not line:
                raise GenerationFailed(_failure(await self._process.wait(), await self._errors))
        return int(json.loads(line)["count"])

    async def end(self) -> None:
        """Waits for the end of a process that has said all its results.

        Raises:
            GenerationFailed: It went wrong after all.
        """
        if code := await self._process.wait():
            raise GenerationFailed(_failure(code, await self._errors))

    async def kill(self) -> None:
        """Ends the process and those that it has made; returns when all are gone."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        # What a process made that was killed by others ends when it has read this to its end.
        self._stdin.close()
        # Each of them holds the other ends of these until it is gone.
        await asyncio.gather(self._stdout.read(), self._errors, self._process.wait())

    async def _feed(self, batches: Iterator[Block], dimensions: int) -> None:
        last: Block = (np.empty(0, np.int64), [], np.empty((0, dimensions), np.float32))
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            await self._send(batch)
        await self._send(last)

    async def _send(self, batch: Block) -> None:
        async with asyncio.timeout(_LONGEST_SECONDS):
            self._stdin.write(frame(*batch))
            await self._stdin.drain()


def _failure(code: int, errors: bytes) -> str:
    if code < 0:
        return f"The process that builds the index of meanings was ended by signal {-code}."
    said = errors.decode("utf-8", "replace").strip().splitlines()
    why = said[-1][:200] if said else f"code {code}"
    return f"The process that builds the index of meanings failed: {why}."


def _python_path() -> str:
    """Where this package was imported from, first."""
    ours = str(Path(__file__).resolve().parents[1])
    inherited = os.environ.get("PYTHONPATH")
    return os.pathsep.join([ours, inherited]) if inherited else ours
