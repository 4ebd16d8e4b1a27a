"""How soon papers that are being added can be asked about: `carrel add`, watched by another process."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from assistant.paths import find_paths
from benchmarks.measure import NotMeasurable, Report, Target, data_folder
from indexes.errors import LibraryError
from indexes.library import Library

REPEATS = 3
LIMIT_SECONDS = 300.0
LOOK_EVERY_SECONDS = 0.02
PROGRAM = "from assistant.cli import main; main()"


@dataclass(frozen=True)
class _Watched:
    """Seconds from the start of the process that adds."""

    first_searchable: float
    then: float
    """Until all are searchable by keyword, or until the first question has its answer."""


def run() -> Report:
    """Add the PDFs to an empty library, as a person does, in fresh processes."""
    folder = data_folder("papers", "pdf")
    files = len(list(folder.glob("*.pdf")))
    watched = [asyncio.run(_watched(folder, files, ask=False)) for _ in range(REPEATS)]
    asked = asyncio.run(_watched(folder, files, ask=True))
    first = statistics.median(each.first_searchable for each in watched)
    return Report(
        benchmark="first_question",
        claim="papers can be asked about while the rest are still being read",
        targets=(Target("seconds until the first paper is found by another process", first, "<=", 8.0),),
        repeats=REPEATS,
        numbers={
            "files": files,
            "seconds_until_first_searchable": first,
            "each_run": [round(each.first_searchable, 2) for each in watched],
            "seconds_until_all_searchable_by_keyword": statistics.median(each.then for each in watched),
            "each_run_until_all": [round(each.then, 2) for each in watched],
            "seconds_until_first_answer_printed": asked.then,
        },
    )


async def _watched(folder: Path, files: int, *, ask: bool) -> _Watched:
    """Starts `carrel add` and, with `ask`, `carrel ask` as soon as one paper is there."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        start = time.perf_counter()
        adding = _carrel("add", "-q", str(folder), home=home)
        try:
            async with await _opened(find_paths(home).library, adding) as library:
                await _until(lambda: _one_is_found(library), adding)
                first = time.perf_counter() - start
                if ask:
                    asking = _carrel("ask", "-q", "--web", "never", "What was measured?", home=home)
                    if await asyncio.to_thread(asking.wait):
                        raise NotMeasurable(f"carrel ask ended with {asking.returncode}")
                else:
                    await _until(lambda: _all_are_settled(library, files), adding)
                then = time.perf_counter() - start
        finally:
            # What is left is embedding, which no question waits for.
            adding.send_signal(signal.SIGINT)
            adding.wait()
    return _Watched(first, then)


def _carrel(*arguments: str, home: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM, "--home", home, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )


async def _opened(folder: Path, adding: subprocess.Popen[bytes]) -> Library:
    """The library, once the other process has made it: opening it earlier would make it here."""
    opened: list[Library] = []

    async def could_be_opened() -> bool:
        catalogue = folder / "catalogue.sqlite"
        try:
            if not catalogue.exists() or catalogue.stat().st_size == 0:
                return False
            opened.append(Library.open(folder))
        except LibraryError:
            return False  # its tables are not committed yet
        return True

    await _until(could_be_opened, adding)
    return opened[0]


async def _one_is_found(library: Library) -> bool:
    """Whether a search for the words of a paper's title finds it."""
    for document in await library.documents():
        found = await library.search(document.title)
        if any(hit.document.id == document.id for hit in found.hits):
            return True
    return False


async def _all_are_settled(library: Library, files: int) -> bool:
    return len(await library.documents()) + len(await library.failures()) >= files


async def _until(happened: Callable[[], Awaitable[bool]], adding: subprocess.Popen[bytes]) -> None:
    """Looks again and again; a library has no bell to ring across processes."""
    until = time.monotonic() + LIMIT_SECONDS
    while not await happened():
        if adding.poll() is not None:
            raise NotMeasurable(f"carrel add ended with {adding.returncode} before it was done")
        if time.monotonic() > until:
            raise NotMeasurable(f"carrel add took longer than {LIMIT_SECONDS:g} s")
        await asyncio.sleep(LOOK_EVERY_SECONDS)
