"""Files made searchable per second beside paper-qa's own index, and three faults of it, absent here."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.measure import NotMeasurable, Report, Target, alternate, data_folder
from indexes.events import AddEvent, FileDone
from indexes.library import Library

REPEATS = 2
PEER = "paper-qa==2026.8.12"
VENV_VARIABLE = "CARREL_PAPER_QA"
INSTALL_SECONDS, INDEX_SECONDS = 900.0, 900.0
_AWAY = 8

# Its own full-text index with sparse vectors: no model and no network. The manifest names a citation for each
# file, because otherwise a model would be asked for one.
PEER_PROGRAM = """
import asyncio, csv, json, logging, pathlib, sys, time
logging.disable(logging.CRITICAL)
folder, place, word = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
from paperqa import Settings
from paperqa.agents.search import get_directory_index

place.mkdir(parents=True, exist_ok=True)
manifest = place / "manifest.csv"
with manifest.open("w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["file_location", "title", "citation"])
    rows.writerows([path.name, path.stem, f"{path.stem}, 2024"] for path in sorted(folder.iterdir()))
index = {
    "paper_directory": folder,
    "index_directory": place / "index",
    "manifest_file": manifest,
    "concurrency": 5,
}
settings = Settings(
    embedding="sparse", parsing={"use_doc_details": False, "multimodal": False}, agent={"index": index}
)

async def main():
    start, raised = time.perf_counter(), ""
    try:
        found = await get_directory_index(settings=settings)
    except Exception as error:
        raised = repr(getattr(error, "exceptions", error))
        found = await get_directory_index(settings=settings, build=False)
    seconds = time.perf_counter() - start
    files = await found.index_files
    indexed = [name for name, state in files.items() if state != "ERROR"]
    hits = len(await found.query(word)) if word else 0
    print(json.dumps({"seconds": seconds, "raised": raised, "indexed": indexed, "hits": hits}))

asyncio.run(main())
"""


@dataclass(frozen=True)
class _Indexed:
    """What adding a folder came to."""

    seconds: float
    """Until the last file was searchable by keyword; starting and importing not counted."""
    files: frozenset[str]
    """Names of those that can be searched now."""
    hits: int
    """For the word that was looked for."""
    told: str
    """What was said of a file that could not be read; of paper-qa, what it raised."""


def run() -> Report:
    """Index the same PDFs with both, in turn; then let three things happen to each that happen to folders."""
    folder = data_folder("papers", "pdf")
    pdfs = sorted(folder.glob("*.pdf"))
    with _peer_python() as python, tempfile.TemporaryDirectory() as place:
        work = Path(place)
        sides: dict[str, Side] = {
            "carrel": _Carrel(work / "carrel"),
            "paper_qa": _PaperQA(work / "paper-qa", python),
        }
        searchable: dict[str, int] = {}

        def measured(name: str) -> float:
            indexed = sides[name].index(folder, library="all", afresh=True)
            searchable[name] = len(indexed.files)
            return indexed.seconds

        one = _copied(pdfs[:1], work / "one paper")
        for side in sides.values():
            side.index(one, library="one")  # loads what indexing needs
        medians = alternate({name: partial(measured, name) for name in sides}, repeats=REPEATS)
        rates = {name: searchable[name] / taken for name, taken in medians.items()}
        faults = {name: _faults(side, pdfs, work / f"faults of {name}") for name, side in sides.items()}
    return Report(
        benchmark="paper_qa",
        claim="files are searchable ten times as fast as by paper-qa's own index, and none is missed",
        targets=(
            Target("files a second: times paper-qa's", rates["carrel"] / rates["paper_qa"], ">=", 10.0),
            Target("files not searchable", len(pdfs) - searchable["carrel"], "==", 0),
            Target("faults shown in paper-qa", sum(faults["paper_qa"].values()), "==", 3),
            Target("of them here", sum(faults["carrel"].values()), "==", 0),
        ),
        repeats=REPEATS,
        numbers={
            "peer": PEER,
            "files": len(pdfs),
            "searchable": searchable,
            "seconds": medians,
            "files_per_second": rates,
            "faults": faults,
        },
    )


class _Carrel:
    """A library in a folder, by keyword only, as paper-qa's index is."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def index(self, folder: Path, *, library: str, word: str = "", afresh: bool = False) -> _Indexed:
        place = self._place / library
        if afresh:
            shutil.rmtree(place, ignore_errors=True)
        return asyncio.run(self._index(folder, place, word))

    async def _index(self, folder: Path, place: Path, word: str) -> _Indexed:
        last, told = 0.0, ""

        def note(event: AddEvent) -> None:
            nonlocal last, told
            if isinstance(event, FileDone):
                last = time.perf_counter()
                told = event.reason or told

        async with Library.open(place) as library:
            start = time.perf_counter()
            await library.add([folder], emit=note)
            sources = frozenset(Path(document.source).name for document in await library.documents())
            hits = len((await library.search(word)).hits) if word else 0
        return _Indexed(last - start, sources, hits, told)


class _PaperQA:
    """paper-qa in a Python of its own, a fresh process each time."""

    def __init__(self, place: Path, python: Path) -> None:
        self._place = place
        self._python = python

    def index(self, folder: Path, *, library: str, word: str = "", afresh: bool = False) -> _Indexed:
        place = self._place / library
        if afresh:
            shutil.rmtree(place, ignore_errors=True)
        done = subprocess.run(
            [str(self._python), "-c", PEER_PROGRAM, str(folder), str(place), word],
            capture_output=True,
            text=True,
            timeout=INDEX_SECONDS,
            check=False,
            # Nothing of the person's: no key, no settings, no model's address.
            env={"PATH": os.defpath, "HOME": str(self._place), "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        )
        if done.returncode:
            raise NotMeasurable(f"paper-qa failed: {done.stderr.strip().splitlines()[-1:]}")
        said = json.loads(done.stdout.splitlines()[-1])
        return _Indexed(said["seconds"], frozenset(said["indexed"]), said["hits"], said["raised"])


Side = _Carrel | _PaperQA


def _faults(side: Side, pdfs: list[Path], place: Path) -> dict[str, bool]:
    """Whether each of the three goes wrong."""
    return {
        "a file that is away for now aborts the others": _transient(side, pdfs, place / "away"),
        "changed content is missed": _changed(side, place / "changed"),
        "a file that failed is never tried again": _failed(side, pdfs, place / "failed"),
    }


def _transient(side: Side, pdfs: list[Path], folder: Path) -> bool:
    """Two papers, and links to others that are away for now, as on a share that is not connected.

    Several, made before the papers and after them: paper-qa takes files in the order in which the folder
    happens to hold them, and keeps what came before the first that is away.
    """
    folder.mkdir(parents=True)
    share = folder / "share"
    for number in range(_AWAY):
        if number == _AWAY // 2:
            _copied(pdfs[:2], folder)
        (folder / f"away {number}.pdf").symlink_to(share / f"{number}.pdf")
    found = side.index(folder, library=folder.name)
    return not {pdf.name for pdf in pdfs[:2]} <= found.files


def _changed(side: Side, folder: Path) -> bool:
    """A note that is rewritten between two runs is looked for by its new word."""
    folder.mkdir(parents=True)
    note = folder / "note.md"
    for word in ("bentonite", "zirconia"):
        note.write_text(
            f"# A note\n\nThe kiln was lined with {word} before it was fired for the first time.\n"
        )
        found = side.index(folder, library=folder.name, word=word)
        missed = found.hits == 0
    return missed


def _failed(side: Side, pdfs: list[Path], folder: Path) -> bool:
    """A paper of which only the beginning had arrived at the first run is whole at the second."""
    _copied(pdfs[:1], folder)
    late = folder / "late.pdf"
    whole = pdfs[2].read_bytes()
    late.write_bytes(whole[: len(whole) // 4])
    side.index(folder, library=folder.name)
    late.write_bytes(whole)
    return late.name not in side.index(folder, library=folder.name).files


def _copied(files: list[Path], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder)
    return folder


@contextmanager
def _peer_python() -> Iterator[Path]:
    """The Python of an environment with paper-qa: the one that the variable names, or one made for this run.

    Raises:
        NotMeasurable: It cannot be installed here.
    """
    with tempfile.TemporaryDirectory() as temporary:
        venv = Path(os.environ.get(VENV_VARIABLE) or temporary)
        python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        installed = (
            python.exists()
            and not subprocess.run(
                [python, "-c", "import paperqa"], capture_output=True, check=False
            ).returncode
        )
        if not installed:
            print(
                f"installing {PEER} in {venv}; {VENV_VARIABLE} names an environment to keep", file=sys.stderr
            )
            for command in (
                [sys.executable, "-m", "venv", str(venv)],
                [str(python), "-m", "pip", "install", "--quiet", PEER],
            ):
                done = subprocess.run(
                    command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
                )
                if done.returncode:
                    said = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
                    raise NotMeasurable(f"{PEER} cannot be installed, so it is not measured: {said[0]}")
        yield python
