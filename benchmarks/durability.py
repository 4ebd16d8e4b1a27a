"""What a library survives: kills at any point and disk call, a full disk, damage, two writers, removal."""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.measure import NotMeasurable, Report, Target, exact_upper_bound
from indexes.check import check
from indexes.errors import LibraryBusy
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.lock import WriterLock
from indexes.protocols import Vectors
from indexes.repair import repair
from indexes.types import ParsedDocument
from tests.faults.adding import DIMENSIONS, FAST, POINTS, AddingUnderFire, Nursery, content_of
from tests.faults.disk import DISK_CALLS, run_with, why_not

Try = TypeVar("Try")

SEED = 7
FILES, KNOWN = 500, 50
_INDEX_FILES = ("header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "chroma.sqlite3")
_LAST_CALL = 40
"""Of the calls to the disk that adding three papers makes; a fault at a later one befalls nothing."""


@dataclass(frozen=True)
class Effort:
    """How often each promise is tried."""

    fast_rounds: int
    """Kills at each point that is passed without building an index of meanings."""
    index_rounds: int
    """Kills at each point of building one."""
    disk_kills: int
    full_disks: int
    shapes: tuple[str, ...]
    """Of damage, each done to each file of the index."""
    writers: int


BRIEF = Effort(2, 1, disk_kills=36, full_disks=6, shapes=("emptied", "flipped"), writers=10)


@dataclass
class Row:
    """One promise, how often it was tried, and what went otherwise."""

    n: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def said(self) -> dict[str, object]:
        """As the report has it: with the 95 % upper bound of the rate at which it fails."""
        failures = len(self.wrong)
        return {
            "n": self.n,
            "failures": failures,
            "upper_bound": exact_upper_bound(failures, self.n),
            "which": self.wrong,
        }


def run() -> Report:
    """Try each promise as often as there is time for; a violation is named in the report."""
    return tried(BRIEF, "durability")


def tried(effort: Effort, benchmark: str) -> Report:
    """The report of as many tries.

    Raises:
        NotMeasurable: Nothing can get between a process and the disk here.
    """
    if sys.platform != "linux" or why_not():
        raise NotMeasurable(f"calls to the disk are tampered with by strace on Linux: {why_not()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = {
            "A1, A3 kills at 24 points": asyncio.run(_killed(_made(folder / "points"), effort)),
            "A2 kills at a disk call": asyncio.run(_at_disk_calls(_made(folder / "disk"), effort)),
            "A8, A9 damaged index": asyncio.run(_damaged(_made(folder / "damaged"), effort)),
            "A10 second writer": asyncio.run(_two_writers(_made(folder / "writers"), effort)),
            "A11 full disk": asyncio.run(_full_disk(_made(folder / "full"), effort)),
        }
        again = asyncio.run(_unchanged(_made(folder / "unchanged")))
        left = asyncio.run(_removed(_made(folder / "removed")))
    return Report(
        benchmark=benchmark,
        claim="nothing acknowledged is lost, nothing is torn, and damage is found and mended",
        targets=(
            *(Target(f"{name}: violations", len(row.wrong), "==", 0) for name, row in rows.items()),
            Target("A4 texts embedded when nothing has changed", again["embedded"], "==", 0),
            Target("A4 seconds of the third run over 500 files", again["third_seconds"], "<=", 5),
            Target("A4 growth of the library, times", again["growth"], "<=", 1.01),
            Target("A7 files with a byte of removed text", left, "==", 0),
        ),
        repeats=1,
        numbers={"seed": SEED, **{name: row.said for name, row in rows.items()}, "A4": again},
    )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _told(what: str, planned: Sequence[Try]) -> Iterator[Try]:
    """Yields what is planned and says now and then, on stderr, how far it is: it may take an hour."""
    for done, each in enumerate(planned):
        if done % 10 == 0:
            print(f"{what}: {done} of {len(planned)}", file=sys.stderr, flush=True)
        yield each


async def _killed(folder: Path, effort: Effort) -> Row:
    """One library killed at points in a random order; the last run must converge with one never killed."""
    chance, row = random.Random(SEED), Row()
    under_fire = AddingUnderFire(folder)
    with Nursery(folder) as nursery:
        for index in (True, True, True):
            nursery.run(under_fire.job(index=index))
        moments = [*list(FAST) * effort.fast_rounds, *list(POINTS[len(FAST) :]) * effort.index_rounds]
        chance.shuffle(moments)
        for point in _told("kills", moments):
            nth = chance.randint(1, 3) if point.startswith(("add.read", "file")) else 1
            code = nursery.run(under_fire.job(at=f"{point}:{nth}", index=point not in FAST))
            row.n += code == -signal.SIGKILL
            row.wrong += [f"{point}: {each}" for each in await under_fire.violations(finished=code == 0)]
        nursery.run(under_fire.again(index=True))
        row.wrong += await under_fire.violations(finished=True)
        whole = AddingUnderFire(_made(folder / "never killed"))
        whole.papers = under_fire.papers
        nursery.run(whole.again())
    if content_of(under_fire.library) != content_of(whole.library):
        row.wrong.append("it has not become what a library is that was never killed")
    return row


async def _at_disk_calls(folder: Path, effort: Effort) -> Row:
    return await _with_faults(
        folder, effort.disk_kills, lambda nth: f"{DISK_CALLS}:signal=SIGKILL:when={nth}"
    )


async def _full_disk(folder: Path, effort: Effort) -> Row:
    return await _with_faults(folder, effort.full_disks, lambda nth: f"pwrite64:error=ENOSPC:when={nth}+")


async def _with_faults(folder: Path, count: int, fault: Callable[[int], str]) -> Row:
    """The same library under a fault at a later and later call; after each, the next run must finish."""
    chance, row = random.Random(SEED), Row()
    under_fire = AddingUnderFire(folder, papers=3)
    with Nursery(folder) as nursery:
        nursery.run(under_fire.job())
        for nth in _told("faults", sorted(chance.sample(range(1, _LAST_CALL), count))):
            ran = await asyncio.to_thread(run_with, fault(nth), under_fire.job())
            row.n += ran.returncode != 0
            wrong = await under_fire.violations(finished=ran.returncode == 0)
            if nursery.run(under_fire.again()) != 0:
                wrong.append("it does not go on afterwards")
            wrong += await under_fire.violations(finished=True)
            row.wrong += [f"at call {nth}: {each}" for each in wrong]
    return row


class _Counting(HashingEncoder):
    def __init__(self) -> None:
        super().__init__(DIMENSIONS)
        self.texts = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        return super().encode(texts)


def _papers(count: int) -> dict[str, ParsedDocument]:
    return {
        f"/papers/{number}.pdf": ParsedDocument(
            media_type="application/pdf",
            pages=tuple(
                f"Page {page} of paper {number} is about known{number}x{page}." for page in range(20)
            ),
            title=f"Paper {number}",
        )
        for number in range(count)
    }


async def _damaged(folder: Path, effort: Effort) -> Row:
    """Each file of an index damaged in each shape: named by `check`, mended without a model."""
    chance, row = random.Random(SEED), Row()
    async with Library.open(folder / "whole", encoder=_Counting(), delta_limit=100) as library:
        await library.add_texts(_papers(55))
        whole = await _answers(library)
    for name, shape in _told("damages", list(itertools.product(_INDEX_FILES, effort.shapes))):
        copy = folder / "damaged"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder / "whole", copy)
        for path in copy.rglob(name):
            _damage(path, shape, chance)
        row.n += 1
        if (await check(copy)).sound:
            row.wrong.append(f"{name} {shape} is not noticed")
        await repair(copy)
        row.wrong += [f"{name} {shape}: {each}" for each in await _otherwise(copy, whole)]
    return row


def _damage(path: Path, shape: str, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    match shape:
        case "emptied":
            path.write_bytes(b"")
        case "halved":
            path.write_bytes(data[: len(data) // 2])
        case "cut short":
            path.write_bytes(data[: len(data) * 99 // 100])
        case "removed":
            path.unlink()
        case _:
            for _ in range(64):
                data[chance.randrange(len(data))] ^= 0xFF
            path.write_bytes(data)


async def _answers(library: Library) -> list[list[str]]:
    """What is found for each of the known passages' words, by keyword and by meaning together."""
    wanted = [(number % 55, number * 7 % 20) for number in range(KNOWN)]
    found = [(await library.search(f"known{number}x{page}", limit=5)).hits for number, page in wanted]
    return [[hit.passage.id for hit in hits] for hits in found]


async def _otherwise(folder: Path, whole: list[list[str]]) -> list[str]:
    """What a mended library answers otherwise than the undamaged one, and what was embedded for it."""
    encoder = _Counting()
    async with Library.open(folder, encoder=encoder, delta_limit=100) as library:
        answers = await _answers(library)
        notes = library.notes
    differ = sum(one != other for one, other in zip(answers, whole, strict=True))
    wrong = [f"{differ} of {KNOWN} questions are answered otherwise"] if differ else []
    if encoder.texts > KNOWN:
        wrong.append(f"{encoder.texts - KNOWN} passages were embedded again")
    return [*wrong, *notes]


async def _two_writers(folder: Path, effort: Effort) -> Row:
    """A second writer is told within two seconds who writes, and readers go on."""
    row = Row()
    async with Library.open(folder / "library", encoder=_Counting()) as library:
        await library.add_texts(_papers(2))
        for _ in range(effort.writers):
            async with WriterLock(folder / "library" / "writer.lock").held():
                began = time.monotonic()
                try:
                    await library.add_texts(_papers(1))
                    row.wrong.append("two wrote at once")
                except LibraryBusy as error:
                    if "Process" not in error.message or time.monotonic() - began > 2:
                        row.wrong.append(f"after {time.monotonic() - began:.1f} s: {error.message}")
                if not (await library.search("known1x1")).hits:
                    row.wrong.append("a reader was not answered")
            row.n += 1
    return row


async def _unchanged(folder: Path) -> dict[str, float]:
    papers = _made(folder / "papers")
    for number in range(FILES):
        (papers / f"{number}.txt").write_text(f"Paper {number} says what owl{number} hears at night.")
    encoder = _Counting()
    async with Library.open(folder / "library", encoder=encoder) as library:
        await library.add([papers])
        size, embedded = _size(folder / "library"), encoder.texts
        await library.add([papers])
        began = time.perf_counter()
        await library.add([papers])
        seconds = time.perf_counter() - began
    return {
        "files": FILES,
        "embedded": encoder.texts - embedded,
        "third_seconds": seconds,
        "growth": _size(folder / "library") / size,
    }


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def _removed(folder: Path) -> int:
    """How many files of a library hold a byte of a paper that was removed, an index of meanings included."""
    canary = "canary7431"
    papers = _papers(3) | {
        "/papers/x.pdf": ParsedDocument(media_type="text/plain", pages=(f"A {canary} sings.",))
    }
    async with Library.open(folder / "library", encoder=_Counting(), delta_limit=0) as library:
        await library.add_texts(papers)
        (document,) = [each for each in await library.documents() if each.source == "/papers/x.pdf"]
        await library.remove(document.id)
    files = [path for path in (folder / "library").rglob("*") if path.is_file()]
    return sum(canary.encode() in path.read_bytes() for path in files)
