"""Adds papers in processes of its own, kills them at a named point or a system call, and says what is wrong."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from indexes.hashing import HashingEncoder
from indexes.library import Library
from tests.assistant.command_line import ROOT, environment

__all__ = ["FAST", "POINTS", "AddingUnderFire", "Nursery", "content_of"]

FAST = (
    "add.found.before",
    "add.found.after",
    "add.read.before",
    "add.read.after",
    "add.split.after",
    "file.before",
    "file.during",
    "file.after",
    "compact.before",
    "compact.during",
    "compact.after",
    "embed.before",
    "embed.after",
    "vectors.during",
    "vectors.after",
)
"""Points that are passed without building an index of meanings."""
POINTS = (
    *FAST,
    "generation.write.before",
    "generation.write.after",
    "generation.probe.after",
    "publish.before",
    "publish.renamed",
    "pointer.during",
    "publish.after",
    "collect.during",
    "collect.after",
)

DIMENSIONS = 32
_NEVER = 1_000_000

DRIVER = """
import asyncio, json, os, sys
from pathlib import Path
from indexes.events import FileDone
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.types import Fate
import indexes.readers.pool, llama_index.core.node_parser

class Logging(HashingEncoder):
    def encode(self, texts):
        with open(self.log, "a") as log:
            log.writelines(json.dumps(text) + "\\n" for text in texts)
        return super().encode(texts)

async def add(job):
    encoder = Logging(job["dimensions"])
    encoder.log = job["log"] + ".encoded"
    def tell(event):
        if isinstance(event, FileDone) and event.fate in (Fate.INDEXED, Fate.UNCHANGED):
            with open(job["log"] + ".acked", "a") as log:
                log.write(Path(event.path).name + "\\n")
    async with Library.open(Path(job["library"]), encoder=encoder, delta_limit=job["delta_limit"]) as library:
        report = await library.add([Path(job["papers"])], emit=tell)
        print("\\n".join(report.notes), file=sys.stderr)
"""
_NURSERY = (
    DRIVER
    + """
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        os.environ["CHAOS_KILL"] = job["at"]
        code = 1
        try:
            asyncio.run(add(job))
            code = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
)


class Nursery:
    """A process that has imported everything, and forks one that adds for each job: most of a start is saved."""

    def __init__(self, folder: Path) -> None:
        self.said = folder / "said.txt"
        with self.said.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _NURSERY],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env=environment(),
                cwd=ROOT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def run(self, job: Mapping[str, object]) -> int:
        """Returns the exit code, negative for a signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class AddingUnderFire:
    """One library that is added to in rounds; every round all its papers have a new version.

    Args:
        folder: Holds the library, the papers and what the processes say.
        papers: How many.
    """

    def __init__(self, folder: Path, *, papers: int = 4) -> None:
        self.library = folder / "library"
        self.papers = folder / "papers"
        self.papers.mkdir()
        self.log = folder / "log"
        self.version: dict[str, int] = {}
        """The version of each paper that was last seen in the library."""
        self.round = 0
        self._names = [f"paper{number}.txt" for number in range(papers)]

    def text(self, name: str, round: int) -> str:
        """A paper's text, whose words are in no other version of any paper."""
        own = f"{name.removesuffix('.txt')}v{round}"
        return f"About {own}\n\nThe first word on it is alpha{own}.\n\n{' '.join([f'Then comes omega{own}.'] * 60)}"

    def job(self, *, at: str = "", index: bool = False) -> dict[str, object]:
        """Writes the next version of every paper; returns what has to be run to add them."""
        self.round += 1
        for name in self._names:
            (self.papers / name).write_text(self.text(name, self.round))
        return self.again(at=at, index=index)

    def again(self, *, at: str = "", index: bool = False) -> dict[str, object]:
        """The same once more, without a new version."""
        for ending in (".encoded", ".acked"):
            Path(f"{self.log}{ending}").unlink(missing_ok=True)
        self._embedded = self._embedded_texts()
        return {
            "library": str(self.library),
            "papers": str(self.papers),
            "log": str(self.log),
            "dimensions": DIMENSIONS,
            "delta_limit": 0 if index else _NEVER,
            "at": at,
        }

    async def violations(self, *, finished: bool) -> list[str]:
        """What is wrong after a run: papers lost, doubled or torn, words not found, work done twice."""
        if not (self.library / "catalogue.sqlite").exists():
            return ["the catalogue is missing"] if finished or self.version else []
        wrong = [*self._of_the_file(), *self._paid_twice()]
        async with Library.open(self.library, encoder=HashingEncoder(DIMENSIONS)) as library:
            documents = {Path(each.source).name: each for each in await library.documents()}
            if len(documents) != len(await library.documents()):
                wrong.append("a paper is there twice")
            acked = self._acked()
            for name in self._names:
                if name not in documents:
                    if name in self.version or name in acked or finished:
                        wrong.append(f"{name} is lost")
                    continue
                wrong += await self._of_a_paper(library, name, documents[name].id, acked, finished)
        return wrong

    async def _of_a_paper(
        self, library: Library, name: str, id: str, acked: set[str], finished: bool
    ) -> list[str]:
        text = await library.text(id)
        found = [round for round in range(self.round + 1) if self.text(name, round) == text]
        if not found:
            return [f"{name} is torn: {text[:60]!r}"]
        wrong = []
        (version,) = found
        if version < (self.round if finished or name in acked else self.version.get(name, 0)):
            wrong.append(f"{name} is back at version {version} of {self.round}")
        self.version[name] = version
        own = f"{name.removesuffix('.txt')}v{version}"
        *_, by_word = library.retrievers
        for word in (f"alpha{own}", f"omega{own}"):
            hits = (await by_word.search(word, limit=3)).hits
            if not hits or hits[0].document.id != id:
                wrong.append(f"{word} is not found")
        if not any(hit.document.id == id for hit in (await library.search(f"alpha{own}")).hits):
            wrong.append(f"alpha{own} is not found by both ways together")
        if finished:
            passages = await library.passages_of(id)
            joined = {text[passage.start : passage.end] == passage.text for passage in passages}
            if joined != {True} or passages[-1].end < len(text.rstrip()):
                wrong.append(f"{name} has passages that are not its text")
        return wrong

    def _of_the_file(self) -> Iterator[str]:
        with closing(sqlite3.connect(self.library / "catalogue.sqlite")) as catalogue:
            for check in ("PRAGMA integrity_check", "PRAGMA foreign_key_check"):
                rows = [row for row in catalogue.execute(check).fetchall() if row != ("ok",)]
                if rows:
                    yield f"{check}: {rows[:3]}"
            try:
                catalogue.execute(
                    "INSERT INTO passages_fts (passages_fts, rank) VALUES ('integrity-check', 1)"
                )
            except sqlite3.DatabaseError as error:
                yield f"the keyword index does not agree with the passages: {error}"
            catalogue.rollback()

    def _paid_twice(self) -> Iterator[str]:
        """Passages that had a vector before this run, and were embedded in it."""
        try:
            encoded = {json.loads(line) for line in Path(f"{self.log}.encoded").read_text().splitlines()}
        except FileNotFoundError:
            return
        yield from (f"embedded again: {text[:40]!r}" for text in sorted(encoded & self._embedded))

    def _acked(self) -> set[str]:
        try:
            return set(Path(f"{self.log}.acked").read_text().split("\n")) - {""}
        except FileNotFoundError:
            return set()

    def _embedded_texts(self) -> set[str]:
        path = self.library / "catalogue.sqlite"
        if not path.exists():
            return set()
        with closing(sqlite3.connect(path)) as catalogue:
            try:
                rows = catalogue.execute(
                    "SELECT p.text FROM passages p JOIN vectors v ON v.passage = p.number"
                )
                return {text for (text,) in rows}
            except sqlite3.OperationalError:  # killed before the tables were there
                return set()


def content_of(library: Path) -> list[tuple[object, ...]]:
    """Ids, texts and vectors of everything in a library, in an order that is always the same."""
    with closing(sqlite3.connect(library / "catalogue.sqlite")) as catalogue:
        return catalogue.execute(
            """SELECT d.id, d.title, s.fate, p.ordinal, p.text, p.start, v.vector FROM documents d
            JOIN sources s ON s.document = d.number JOIN passages p ON p.document = d.number
            LEFT JOIN vectors v ON v.passage = p.number ORDER BY d.id, p.ordinal"""
        ).fetchall()
