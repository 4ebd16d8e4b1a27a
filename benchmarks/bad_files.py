"""Bad files, bombs and huge ones: each has a fate with a reason, within limits of time and memory."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import NotMeasurable, Report, Target, exact_upper_bound
from indexes.content import stored_path
from indexes.events import AddEvent, FileDone
from indexes.library import Library
from indexes.types import Fate
from tests.faults.corpus.bad_files import BOMBS, CORRUPT, GOOD, LOCKED, NAMES, ODD, SCANS, BadFile

_BAD = (*CORRUPT, *LOCKED, *SCANS, *ODD, *NAMES)
_WRITE = """
import sys
from pathlib import Path
from tests.faults.corpus import bad_files
for file in getattr(bad_files, sys.argv[2]):
    (Path(sys.argv[1]) / file.name).write_bytes(file.make())
"""
_HUGE = """
import sys
from pathlib import Path
from tests.indexes.readers.pdf_writer import pdf
lines = [f"Line {n} of a long and honest paper about owls and how they hear." for n in range(45)]
Path(sys.argv[1], "long.pdf").write_bytes(pdf(*[[f"Page {n}", *lines] for n in range(1500)]))
with Path(sys.argv[1], "large.txt").open("w") as file:
    for n in range(2_900_000):
        file.write(f"Line {n:08} says that owls hear well in the complete dark.\\n")
"""


def run() -> Report:
    """Add bad files among good ones, then each bomb, then the huge ones."""
    if sys.platform != "linux":
        raise NotMeasurable("memory is measured through /proc, which is on Linux only")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        batch = asyncio.run(_batch(folder / "batch"))
        bombs = asyncio.run(_one_by_one(folder / "bombs", BOMBS, (_WRITE, "BOMBS")))
        huge = asyncio.run(_one_by_one(folder / "huge", _HUGE_FILES, (_HUGE,)))
    return Report(
        benchmark="bad_files",
        claim="each bad file has a fate and a reason within a minute and a gibibyte; the good ones are there",
        targets=(
            Target("E1, E2, E5, E6, E8, E9 files with another fate than expected", batch["wrong"], "==", 0),
            Target("good files among them that are not indexed", batch["good_lost"], "==", 0),
            Target("E3 bombs with another fate than expected", bombs["wrong"], "==", 0),
            Target("E3 slowest bomb, seconds", bombs["slowest_seconds"], "<=", 62),
            Target("E3 largest child, GiB", bombs["largest_child_gib"], "<=", 1.1),
            Target("E3 MB grown in this process over all bombs", bombs["grown_mb"], "<=", 20),
            Target("E4 huge files without a fate", huge["wrong"], "==", 0),
        ),
        repeats=1,
        numbers={
            "batch": batch,
            "bombs": bombs,
            "huge": huge,
        },
    )


async def _batch(folder: Path) -> dict[str, Any]:
    paths = await asyncio.to_thread(_written, folder, (*_BAD, *GOOD))
    outcomes: dict[str, FileDone] = {}
    began = time.perf_counter()
    async with Library.open(folder / "library") as library:
        report = await library.add(list(paths.values()), emit=partial(_note, outcomes))
    fates = {name: outcomes[stored_path(path)].fate for name, path in paths.items()}
    wrong = [f"{file.name!r}: {fates[file.name]}" for file in _BAD if fates[file.name] not in file.fates]
    silent = [name for name, path in paths.items() if not _said(outcomes[stored_path(path)])]
    return {
        "n": len(paths),
        "bad": len(_BAD),
        "wrong": len(wrong) + len(silent),
        "which": wrong + silent,
        "upper_bound": exact_upper_bound(len(wrong) + len(silent), len(_BAD)),
        "good_lost": sum(fates[file.name] is not Fate.INDEXED for file in GOOD),
        "seconds": time.perf_counter() - began,
        "counts": {str(fate): count for fate, count in report.counts.items()},
    }


def _said(outcome: FileDone) -> bool:
    return bool(outcome.reason or outcome.passages)


async def _one_by_one(folder: Path, files: Sequence[BadFile], writing: Sequence[str]) -> dict[str, Any]:
    """Each file added alone, so that its time is its own; the largest child is that of all."""
    await asyncio.to_thread(_written_elsewhere, folder, writing)
    seconds: dict[str, float] = {}
    fates: dict[str, str] = {}
    wrong: list[str] = []
    async with Library.open(folder / "library") as library:
        before = _resident_mb()
        for file in files:
            outcomes: dict[str, FileDone] = {}
            began = time.perf_counter()
            await library.add([folder / file.name], emit=partial(_note, outcomes))
            seconds[file.name] = time.perf_counter() - began
            (outcome,) = (each for path, each in outcomes.items() if path.endswith(file.name))
            fates[file.name] = f"{outcome.fate}: {outcome.reason[:90]}"
            if not _said(outcome) or outcome.fate not in file.fates:
                wrong.append(file.name)
        grown = _resident_mb() - before
    return {
        "n": len(files),
        "wrong": len(wrong),
        "which": wrong,
        "upper_bound": exact_upper_bound(len(wrong), len(files)),
        "slowest_seconds": max(seconds.values()),
        "slowest": max(seconds, key=lambda name: seconds[name]),
        "largest_child_gib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 << 20),
        "grown_mb": grown,
        "fates": fates,
    }


def _note(into: dict[str, FileDone], event: AddEvent) -> None:
    if isinstance(event, FileDone):
        into[event.path] = event


def _written(folder: Path, files: Sequence[BadFile]) -> dict[str, Path]:
    folder.mkdir()
    for file in files:
        (folder / file.name).write_bytes(file.make())
    return {file.name: folder.resolve() / file.name for file in files}


def write_huge(folder: Path) -> None:
    """Writes a PDF of 1,500 pages and a text of about 200 MB into an existing folder."""
    subprocess.run([sys.executable, "-c", _HUGE, str(folder)], check=True, env=_environment())


def _written_elsewhere(folder: Path, code: Sequence[str]) -> None:
    """In another process: what it takes to make a bomb must not be counted here."""
    folder.mkdir()
    script, *arguments = code
    command = [sys.executable, "-c", script, str(folder.resolve()), *arguments]
    subprocess.run(command, check=True, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize() / 1e6


_ANY = frozenset({Fate.INDEXED, Fate.FAILED, Fate.FAILED_FOR_NOW})
_HUGE_FILES = tuple(BadFile(name, bytes, _ANY) for name in ("long.pdf", "large.txt"))
