"""Pages made searchable per second, by keyword and by meaning, beside reading the same PDFs with pypdf."""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

from assistant import Assistant
from benchmarks.measure import Report, Target, alternate, data_folder, seconds
from indexes.events import AddEvent, Embedded, FileDone
from indexes.model_files import SHIPPED_MODEL
from indexes.types import Fate

REPEATS = 3
NOTE = Path(__file__).parents[1] / "assistant" / "demo" / "notes" / "circuit-breakers.md"


def run() -> Report:
    """Add the PDFs to an empty library and read them with pypdf, in turn; then once more, with embedding."""
    folder = data_folder("papers", "pdf")
    files = sorted(folder.glob("*.pdf"))
    _add(NOTE, encoder="none")  # loads what adding needs, once
    medians = alternate(
        {
            "keyword_searchable": lambda: _add(folder, encoder="none").keyword_seconds,
            "pypdf_reading_only": partial(seconds, partial(_read_with_pypdf, files)),
        },
        repeats=REPEATS,
    )
    whole = _add(folder, encoder=SHIPPED_MODEL)
    times = {**medians, "fully_embedded": whole.embedded_seconds}
    return Report(
        benchmark="ingest",
        claim="papers are searchable by keyword sooner than pypdf alone can read them",
        targets=(
            Target("files not searchable", len(files) - whole.searchable, "==", 0),
            Target(
                "keyword-searchable: times pypdf's reading rate",
                times["pypdf_reading_only"] / times["keyword_searchable"],
                ">=",
                1.0,
            ),
            Target("seconds until every passage is found by meaning too", whole.embedded_seconds, "<=", 20.0),
        ),
        repeats=REPEATS,
        numbers={
            "files": len(files),
            "pages": whole.pages,
            "passages": whole.passages,
            "seconds": times,
            "pages_per_second": {name: whole.pages / taken for name, taken in times.items()},
            "repeats_fully_embedded": 1,
        },
    )


class _Watch:
    """Notes when the last file was searchable and when the last passage had its vector."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.keyword_seconds = 0.0
        self.embedded_seconds = 0.0
        self.pages = self.passages = self.searchable = 0

    def __call__(self, event: AddEvent) -> None:
        now = time.perf_counter() - self.start
        match event:
            case FileDone():
                self.keyword_seconds = now
                self.pages += event.pages
                self.passages += event.passages
                self.searchable += event.fate in (Fate.INDEXED, Fate.EMBEDDED)
            case Embedded():
                self.embedded_seconds = now
            case _:
                pass


def _add(papers: Path, *, encoder: str) -> _Watch:
    """Add to an empty library in a folder of its own."""
    watch = _Watch()
    with (
        tempfile.TemporaryDirectory() as home,
        Assistant(home=home, library__encoder=encoder) as assistant,
    ):
        assistant.status()  # opens the library before the clock starts
        watch.start = time.perf_counter()
        assistant.add(papers, emit=watch)
    return watch


def _read_with_pypdf(files: list[Path]) -> None:
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            for page in PdfReader(file).pages:
                page.extract_text()
