"""From the first start to the first cited answer by keys alone: the app on a terminal, over real papers."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.measure import NotMeasurable, Report, Target, data_folder

__all__ = ["Keyboard", "Started", "first_start", "run"]

REPEATS = 3
ROWS, COLUMNS = 40, 120
LIMIT_SECONDS = 240.0
QUESTION = "What was measured?"
PROGRAM = "from assistant.cli import main; main()"
_ENOUGH = 5
"""Papers that are waited for before the question is asked; the rest are still being read then."""
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-9;?:<>=]*[a-zA-Z~]|[\]P^_].*?(?:\x07|\x1b\\)|[()][AB0]|[=>78cM])", re.DOTALL
)


@dataclass(frozen=True)
class Started:
    """Seconds from the start of the process to each stage."""

    stages: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    """How often the question was asked until an answer cited something."""
    read_by_then: int = 0
    """Papers that were read when the question was asked for the last time."""

    @property
    def seconds(self) -> float:
        """Until the first cited answer."""
        return self.stages["first cited answer"]


class Keyboard:
    """The app on a pseudo-terminal: keys in, what is painted out, as text without its escapes."""

    def __init__(self, folder: Path, home: Path) -> None:
        """Starts `carrel` in a folder, with a home of its own.

        Args:
            folder: Where it is started.
            home: Holds settings and library; empty is a first start.
        """
        self._master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CARREL_")}
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=folder,
            env={
                **kept,
                "HOME": str(home),
                "CARREL_HOME": str(home / "carrel"),
                "CARREL_WEB": "never",
                "TERM": "xterm-256color",
                "PYTHONPATH": str(Path(__file__).parents[1]),
            },
            start_new_session=True,
        )
        os.close(terminal)
        self._painted = ""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    @property
    def seconds(self) -> float:
        """Since the process was started."""
        return time.monotonic() - self.began

    def press(self, keys: str) -> None:
        """Sends keys as a terminal does; what was painted before them is looked at no more."""
        self._read = len(self._painted)
        os.write(self._master, keys.encode())

    def sees(self, pattern: str) -> re.Match[str]:
        """Returns the first match in what has been painted since the last key.

        Raises:
            NotMeasurable: It was not painted in time, or the app has ended.
        """
        until = time.monotonic() + LIMIT_SECONDS
        while (found := re.search(pattern, _ESCAPES.sub("", self._painted[self._read :]))) is None:
            if time.monotonic() > until or not self._take():
                tail = _ESCAPES.sub("", self._painted)[-500:]
                raise NotMeasurable(f"{pattern!r} was not painted; the last was {tail!r}")
        return found

    def _take(self) -> bool:
        """Takes in what is painted, waiting for a moment; `False` once the app has closed its end."""
        if not select.select([self._master], [], [], 0.05)[0]:
            return self._process.poll() is None
        try:
            painted = os.read(self._master, 65536)
        except OSError:
            return False
        self._painted += painted.decode("utf-8", "replace")
        return bool(painted)


def first_start(folder: Path, home: Path, *, question: str = QUESTION) -> Started:
    """Starts Carrel for the first time in a folder of papers and goes on by keys until an answer cites one.

    Args:
        folder: Of papers.
        home: Empty.
        question: Asked, and asked again while the papers that are there say nothing to it.
    """
    stages: dict[str, float] = {}
    with Keyboard(folder, home) as keyboard:
        keyboard.sees("files? that can be read")
        stages["welcome"] = keyboard.seconds
        keyboard.press("\r")
        keyboard.sees("files? will be read")
        stages["preview"] = keyboard.seconds
        keyboard.press("\r")
        keyboard.sees("Adding papers")
        asked, read = 0, 0
        while "first cited answer" not in stages:
            pattern = r"Adding papers: ([\d,]+) of|Added ([\d,]+) papers"
            while read < _ENOUGH and (done := keyboard.sees(pattern)):
                read = int((done[1] or done[2]).replace(",", ""))
                keyboard.press("")
                if done[2]:
                    break
            stages.setdefault("asked", keyboard.seconds)
            asked += 1
            keyboard.press(f"{question}\r")
            if "[1]" in keyboard.sees(r"\[1\]|Nothing in the library bears|Nothing bears")[0]:
                stages["first cited answer"] = keyboard.seconds
            else:
                read = 0
    return Started(stages=stages, asked=asked, read_by_then=read)


def run() -> Report:
    """Each time from an empty home, in a fresh process on a terminal of its own."""
    folder = data_folder("papers", "pdf")
    runs: list[Started] = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            runs.append(first_start(folder, Path(home)))
    seconds = statistics.median(each.seconds for each in runs)
    return Report(
        benchmark="first_start",
        claim="from the first start to the first cited answer in under a minute, by keys alone",
        targets=(Target("seconds from the first start to the first cited answer", seconds, "<=", 60.0),),
        repeats=REPEATS,
        numbers={
            "files": len(list(folder.glob("*.pdf"))),
            "seconds_to_each_stage": [each.stages for each in runs],
            "asked": [each.asked for each in runs],
            "papers_read_when_it_was_asked": [each.read_by_then for each in runs],
        },
    )
