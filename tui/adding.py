"""What is known of papers being added, as data: counts, the current file, the failures with their reasons."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from assistant.events import Added, AddEvent, Embedded, Fate, FileDone, FilesFound
from assistant.pace import Pace
from assistant.render import brief_notes
from tui.safe import shown_line
from tui.words import count_of

__all__ = ["Adding", "Failure"]

_FAILED = (Fate.FAILED, Fate.FAILED_FOR_NOW)


@dataclass(frozen=True)
class Failure:
    """A file that was not added, and why."""

    path: str
    reason: str


@dataclass
class Adding:
    """Takes the events of one `add` in and gives the sentences that tell of it."""

    path: str
    again: tuple[str, ...] | None = None
    """Failed files that are read again, empty for all of them; `None` for papers that are added."""
    total: int | None = None
    """Files found; `None` while the folder is being walked."""
    done: int = 0
    failures: list[Failure] = field(default_factory=list)
    skipped: int = 0
    current: str = ""
    passages: int = 0
    embedded: tuple[int, int] | None = None
    """Passages made searchable by meaning, done and in all."""
    ending: str = ""
    """How it ended; empty while it runs."""
    notes: list[str] = field(default_factory=list)
    """What the person should know once it is over, in a few lines."""
    clock: Callable[[], float] = time.monotonic
    """Gives seconds; only differences matter."""
    pace: str = ""
    """The rate and the time left, as far as they are known."""

    def __post_init__(self) -> None:
        self._reading = Pace(self.clock)
        self._embedding = Pace(self.clock)

    @property
    def running(self) -> bool:
        """Whether it is not over yet."""
        return not self.ending

    @property
    def fraction(self) -> float | None:
        """How much of the present stage is done, 0 to 1; `None` while that is not known."""
        if self.embedded is not None and self.embedded[1]:
            return self.embedded[0] / self.embedded[1]
        return self.done / self.total if self.total else None

    def apply(self, event: AddEvent) -> None:
        """Takes one event in."""
        match event:
            case FilesFound():
                self.total = event.total
                self._reading = Pace(self.clock)
            case FileDone():
                self._file_done(event)
            case Embedded():
                self.embedded = (event.done, event.total)
                if self.done >= (self.total or 0):
                    self.pace = ", ".join(self._embedding.going(event.done, event.total))
            case Added():
                self.passages = event.report.passages or self.passages
                self.ending = _added(event)
                self.notes = [shown_line(note, 500) for note in brief_notes(event.report.notes)]
            case _:
                assert_never(event)

    def stop(self) -> None:
        """The person stopped it."""
        self.ending = f"Stopped after {count_of(self.done, 'file')}; what was added stays."

    def end(self) -> None:
        """Nothing more comes."""
        self.ending = self.ending or "The engine stopped adding before it was done."

    def fail(self, message: str) -> None:
        """It broke off."""
        self.ending = message

    def sentence(self) -> str:
        """Where it stands, in one line."""
        if self.ending:
            return self.ending
        if self.embedded is not None and self.done >= (self.total or 0):
            done, total = self.embedded
            return self._at_pace(f"Making it searchable by meaning: {done:,} of {count_of(total, 'passage')}")
        if self.total is None:
            return "Looking for papers…"
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return self._at_pace(f"{self.done:,} of {count_of(self.total, 'file')}{failed}")

    def _at_pace(self, sentence: str) -> str:
        return f"{sentence} · {self.pace}" if self.pace else sentence

    def _file_done(self, event: FileDone) -> None:
        self.done = event.done or self.done + 1
        self.total = event.total or self.total
        self.pace = ", ".join(self._reading.going(self.done, self.total or self.done))
        self.current = shown_line(event.path, 200)
        self.passages += event.passages
        self.skipped += event.fate is Fate.SKIPPED
        if event.fate in _FAILED:
            self.failures.append(Failure(self.current, shown_line(event.reason) or str(event.fate)))


def _added(event: Added) -> str:
    counts = event.report.counts
    new = sum(counts.get(fate, 0) for fate in (Fate.PARSED, Fate.INDEXED, Fate.EMBEDDED))
    parts = [
        f"Added {count_of(new, 'paper')}",
        _some(counts.get(Fate.UNCHANGED, 0), "already there"),
        _some(counts.get(Fate.SKIPPED, 0), "skipped"),
        _some(sum(counts.get(fate, 0) for fate in _FAILED), "failed"),
    ]
    return ", ".join(part for part in parts if part) + "."


def _some(number: int, what: str) -> str:
    return f"{number} {what}" if number else ""
