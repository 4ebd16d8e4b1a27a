"""One writer per library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes.errors import LibraryBusy
from indexes.lock import WriterLock

_HOLD = """
import asyncio, sys
from pathlib import Path
from indexes.lock import WriterLock

async def hold():
    async with WriterLock(Path(sys.argv[1])).held():
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until it is killed."""
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "writer.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": "."}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


async def test_a_second_writer_is_told_within_two_seconds_who_writes_and_since_when(
    holder: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    started = time.monotonic()
    with pytest.raises(LibraryBusy) as told:
        async with WriterLock(tmp_path / "writer.lock").held():
            pass
    assert time.monotonic() - started < 2
    since = json.loads((tmp_path / "writer.lock").read_text())["since"]
    assert f"Process {holder.pid} " in told.value.message
    assert since[11:19] in told.value.message
    assert told.value.hint


async def test_a_killed_holder_frees_the_lock(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    holder.kill()
    holder.wait()
    async with WriterLock(tmp_path / "writer.lock").held(wait_seconds=0):
        pass


async def test_two_locks_in_one_process_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    async with WriterLock(path).held():
        with pytest.raises(LibraryBusy, match=str(os.getpid())):
            async with WriterLock(path).held(wait_seconds=0.1):
                pass
    async with WriterLock(path).held(wait_seconds=0):
        pass


async def test_one_lock_is_held_as_often_as_asked_and_freed_after_the_last(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    lock = WriterLock(path)
    async with lock.held():
        async with lock.held():
            pass
        with pytest.raises(LibraryBusy):
            async with WriterLock(path).held(wait_seconds=0):
                pass
    async with WriterLock(path).held(wait_seconds=0):
        pass


async def test_a_holder_that_has_not_signed_yet_is_still_respected(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    async with WriterLock(path).held():
        path.write_text("")
        with pytest.raises(LibraryBusy, match="Another process"):
            async with WriterLock(path).held(wait_seconds=0):
                pass


async def test_the_lock_file_is_private(tmp_path: Path) -> None:
    async with WriterLock(tmp_path / "writer.lock").held():
        assert (tmp_path / "writer.lock").stat().st_mode & 0o077 == 0
