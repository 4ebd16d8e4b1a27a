"""A disk that fails, fills up or may not be written to: a sentence, nothing lost, and it works again afterwards."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from indexes.errors import EncoderError
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.protocols import Vectors
from tests.faults.adding import DIMENSIONS, AddingUnderFire, Nursery
from tests.faults.disk import DISK_CALLS, calls, run_with, why_not

needs_strace = pytest.mark.skipif(why_not() != "", reason=why_not() or "strace")


@asynccontextmanager
async def _nothing_is_lost(folder: Path) -> AsyncIterator[AddingUnderFire]:
    """A library of three papers, to which the block adds under fire; afterwards the same run finishes."""
    under_fire = AddingUnderFire(folder, papers=3)
    with Nursery(folder) as nursery:
        assert nursery.run(under_fire.job()) == 0
        yield under_fire
        assert await under_fire.violations(finished=False) == []
        assert nursery.run(under_fire.again()) == 0, nursery.said.read_text()
    assert await under_fire.violations(finished=True) == []


@needs_strace
@pytest.mark.timeout(300)
@pytest.mark.parametrize("nth", [2, 9])
async def test_a_kill_at_a_call_to_the_disk_loses_nothing(tmp_path: Path, nth: int) -> None:
    async with _nothing_is_lost(tmp_path) as under_fire:
        killed = run_with(f"{DISK_CALLS}:signal=SIGKILL:when={nth}", under_fire.job())
        assert killed.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), killed.stderr


@needs_strace
@pytest.mark.timeout(300)
@pytest.mark.parametrize("nth", [3, 12])
async def test_a_full_disk_is_a_sentence_and_works_again_once_there_is_room(tmp_path: Path, nth: int) -> None:
    async with _nothing_is_lost(tmp_path) as under_fire:
        full = run_with(f"pwrite64:error=ENOSPC:when={nth}+", under_fire.job())
        assert full.returncode == 1, full.stderr
        last = full.stderr.strip().splitlines()[-1]
        assert "LibraryError" in last
        assert str(under_fire.library) in last
        assert "full" in last


_SAVE = """
import sys
from pathlib import Path
from indexes.generations import _replace
_replace(Path(sys.argv[1]), b"new")
"""


@needs_strace
def test_a_pointer_is_saved_so_that_a_loss_of_power_leaves_the_old_or_the_new_one(tmp_path: Path) -> None:
    pointer = tmp_path / "current.json"
    pointer.write_bytes(b"old")
    made = [
        (name, said)
        for name, said in calls(_SAVE, [str(pointer)], log=tmp_path / "log")
        if "current" in said or (name == "fsync" and said.endswith(f"<{tmp_path}>"))
    ]
    order = [name for name, _ in made if name != "openat"]
    assert order == ["write", "fsync", "rename", "fsync"], made
    assert pointer.read_bytes() == b"new"


class _FailingLater(HashingEncoder):
    """Fails from its second batch on, as a server does that answers with 500."""

    def __init__(self) -> None:
        super().__init__(DIMENSIONS)
        self.calls = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        if self.calls > 1:
            raise EncoderError("The embedding server failed (500).")
        return super().encode(texts)


async def test_papers_that_change_while_embedding_fails_are_in_one_version_each(tmp_path: Path) -> None:
    under_fire = AddingUnderFire(tmp_path, papers=50)
    under_fire.job()
    async with Library.open(under_fire.library, encoder=HashingEncoder(DIMENSIONS)) as library:
        await library.add([under_fire.papers])
    assert await under_fire.violations(finished=True) == []
    under_fire.job()
    async with Library.open(under_fire.library, encoder=_FailingLater()) as library:
        report = await library.add([under_fire.papers])
        assert any("embedding server failed" in note for note in report.notes)
        assert await under_fire.violations(finished=True) == []
    async with Library.open(under_fire.library, encoder=HashingEncoder(DIMENSIONS)) as library:
        await library.add([under_fire.papers])
        (collection,) = await library.collections()
    assert collection.documents == 50
    assert collection.embedded == collection.passages


_ASK = """
import asyncio, sys
from pathlib import Path
from indexes.hashing import HashingEncoder
from indexes.library import Library

async def main():
    async with Library.open(Path(sys.argv[1]), encoder=HashingEncoder(int(sys.argv[2]))) as library:
        hits = (await library.search("alphapaper0v1")).hits
        print(hits[0].document.title)
        try:
            await library.add([Path(sys.argv[3])])
        except Exception as error:
            print(f"{type(error).__name__}: {error}")

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are POSIX's")
async def test_a_library_that_may_only_be_read_can_be_asked_and_refuses_to_be_added_to(
    tmp_path: Path,
) -> None:
    import asyncio

    under_fire = AddingUnderFire(tmp_path, papers=3)
    with Nursery(tmp_path) as nursery:
        assert nursery.run(under_fire.job()) == 0
    paths = [under_fire.library, *under_fire.library.rglob("*")]
    command = [sys.executable, "-c", _ASK, str(under_fire.library), str(DIMENSIONS), str(under_fire.papers)]
    if os.geteuid() == 0:  # whom modes do not bind: without the capability they do
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        ran = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        said, wrong = (text.decode() for text in await ran.communicate())
    finally:
        for path in paths:
            path.chmod(0o700)
    if "setpriv" in wrong:
        pytest.skip(f"capabilities cannot be given up here: {wrong}")
    assert ran.returncode == 0, wrong
    title, refusal = said.splitlines()
    assert title.startswith("About paper0v1")
    assert refusal.startswith("LibraryError: ")
    assert str(under_fire.library) in refusal
