"""What becomes of odd PDFs: each has a typed fate, in time and in its memory; none is empty in silence."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Report, Target, data_folder, peak_megabytes, upper_bound
from indexes.errors import Damaged, ReadError, ReadTimeout
from indexes.events import AddEvent, FileDone
from indexes.library import Library
from indexes.readers.pool import ReaderPool
from indexes.types import Fate, ParsedDocument

SECONDS = 60.0
MEGABYTES = 1024
_LOOK_EVERY_SECONDS = 0.01
_SETTLED = (Fate.INDEXED, Fate.FAILED, Fate.FAILED_FOR_NOW, Fate.SKIPPED)


@dataclass
class _Reading:
    """One file, read alone in a process of its own."""

    outcome: str
    seconds: float
    peak_megabytes: float
    """Resident memory of that process at its highest, its imports included."""
    letters: int = 0
    empty_pages: int = 0
    notes: tuple[str, ...] = ()
    crashed: bool = False
    hung: bool = False

    @property
    def empty_in_silence(self) -> bool:
        """Whether it was read although there is nothing in it, or lacks pages that no note tells of."""
        return self.outcome == "read" and (self.letters == 0 or (self.empty_pages > 0 and not self.notes))

    def __str__(self) -> str:
        told = f"; {'; '.join(self.notes)}" if self.notes else ""
        cost = f"{self.seconds:.2f} s; {self.peak_megabytes:.0f} MB"
        return f"{self.outcome}; {self.letters} letters; {cost}{told}"


def run() -> Report:
    """Read each file alone, to see what it costs, and then add them all to one library."""
    folder = data_folder("pdf_robust")
    files = sorted(folder.glob("*.pdf"))
    readings = {file.name: asyncio.run(_read_alone(file)) for file in files}
    with tempfile.TemporaryDirectory() as place:
        fates, empty = asyncio.run(_add(folder, Path(place)))
    crashes = sum(reading.crashed for reading in readings.values())
    hangs = sum(reading.hung for reading in readings.values())
    peak = max(reading.peak_megabytes for reading in readings.values())
    return Report(
        benchmark="robust",
        claim="no odd PDF crashes, hangs or vanishes",
        targets=(
            Target("files that ended the process that read them", crashes, "==", 0),
            Target("files that took longer than 60 s", hangs, "==", 0),
            Target(
                "files without a typed fate in the ledger",
                len(files) - sum(fates[fate] for fate in _SETTLED),
                "==",
                0,
            ),
            Target(
                "files read or indexed empty in silence",
                empty + sum(reading.empty_in_silence for reading in readings.values()),
                "==",
                0,
            ),
            Target("slowest, seconds", max(each.seconds for each in readings.values()), "<=", SECONDS),
            Target("largest peak memory, MB", peak, "<=", MEGABYTES),
        ),
        repeats=1,
        numbers={
            "files": len(files),
            "outcomes": dict(Counter(reading.outcome for reading in readings.values())),
            "fates_in_the_library": {fate.value: count for fate, count in fates.items()},
            "crashes_at_most_at_95_percent": upper_bound(crashes, len(files)),
            "each": {name: str(reading) for name, reading in readings.items()},
        },
    )


async def _read_alone(file: Path) -> _Reading:
    async with ReaderPool(workers=1, timeout_seconds=SECONDS, memory_bytes=MEGABYTES << 20) as pool:
        reading = asyncio.create_task(_outcome(pool, file))
        peak = 0.0
        while not reading.done():
            await asyncio.wait([reading], timeout=_LOOK_EVERY_SECONDS)
            # Also after the end: an idle child still says how much it had at its highest.
            peak = max([peak, *(peak_megabytes(process) for process in pool.process_ids)])
        found = reading.result()
    found.peak_megabytes = peak
    return found


async def _outcome(pool: ReaderPool, file: Path) -> _Reading:
    """What one reading came to; its time includes the start of the process."""
    start = time.perf_counter()

    def found(outcome: str, *, crashed: bool = False, hung: bool = False) -> _Reading:
        return _Reading(outcome, time.perf_counter() - start, 0.0, crashed=crashed, hung=hung)

    try:
        document = await pool.read(file)
    except ReadTimeout:
        return found("ReadTimeout", hung=True)
    except Damaged as error:
        return found("Damaged", crashed="ended the process" in error.message)
    except ReadError as error:
        return found(error.kind)
    return _described(found("read"), document)


def _described(reading: _Reading, document: ParsedDocument) -> _Reading:
    reading.letters = sum(character.isalnum() for character in document.text)
    reading.empty_pages = sum(not page.strip() for page in document.pages)
    reading.notes = document.notes
    return reading


async def _add(folder: Path, place: Path) -> tuple[Counter[Fate], int]:
    """The fate of each file in a library, and how many of its documents hold no letter."""
    fates: Counter[Fate] = Counter()

    def note(event: AddEvent) -> None:
        if isinstance(event, FileDone) and event.path.endswith(".pdf"):
            # A refusal without a reason tells a person nothing: it does not count as a fate.
            fates[event.fate] += bool(event.reason or event.passages)

    async with Library.open(place) as library:
        await library.add([folder], emit=note)
        texts = [await library.text(document.id) for document in await library.documents()]
    return fates, sum(not any(character.isalnum() for character in text) for text in texts)
