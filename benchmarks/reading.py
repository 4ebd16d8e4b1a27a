"""Pages read per second on all cores beside pypdf on one, and how much of the text both get right."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import statistics
import unicodedata
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.measure import Report, Target, alternate, data_folder, seconds
from indexes.readers.api import read_file
from indexes.readers.pool import ReaderPool
from indexes.types import ParsedDocument

REPEATS = 3
_TOKEN = re.compile(r"\w+")


def run() -> Report:
    """Read the PDFs with the reading children and with pypdf, in turn; compare with the papers' JATS."""
    folder = data_folder("papers")
    files = sorted((folder / "pdf").glob("*.pdf"))
    asyncio.run(_read(files[:2]))  # starts what both need, once
    pages = sum(len(read.pages) for read in asyncio.run(_read(files)).values())
    times = alternate(
        {
            "carrel": partial(seconds, lambda: asyncio.run(_read(files))),
            "pypdf": partial(seconds, lambda: [_with_pypdf(file) for file in files]),
        },
        repeats=REPEATS,
    )
    ours, theirs = _agreement(folder)
    return Report(
        benchmark="reading",
        claim="PDFs are read at eight times pypdf's rate, and at least as well",
        targets=(
            Target("times pypdf's pages per second", times["pypdf"] / times["carrel"], ">=", 8.0),
            Target(
                "token F1 against JATS, less pypdf's",
                statistics.mean(ours.values()) - statistics.mean(theirs.values()),
                ">=",
                0.0,
            ),
        ),
        repeats=REPEATS,
        numbers={
            "files": len(files),
            "pages": pages,
            "seconds": times,
            "pages_per_second": {name: pages / taken for name, taken in times.items()},
            "papers_with_jats": len(ours),
            "token_f1_mean": {
                "carrel": statistics.mean(ours.values()),
                "pypdf": statistics.mean(theirs.values()),
            },
            "token_f1": {name: {"carrel": ours[name], "pypdf": theirs[name]} for name in ours},
        },
    )


async def _read(files: Sequence[Path]) -> Mapping[Path, ParsedDocument]:
    found: dict[Path, ParsedDocument] = {}
    ahead = iter(files)

    async def work(pool: ReaderPool) -> None:
        for file in ahead:
            found[file] = await pool.read(file)

    async with ReaderPool() as pool, asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(work(pool))
    return found


def _with_pypdf(file: Path) -> str:
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return "\n".join(page.extract_text() for page in PdfReader(file).pages)


def _agreement(folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """The F1 of each paper's words, as a bag, against those of its JATS; Carrel's and pypdf's.

    The JATS holds no list of references and no title page, so those of the PDF count as wrong for both.
    """
    rows = [json.loads(line) for line in (folder / "gold.jsonl").read_text().splitlines()]
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for row in rows:
        if row["format"] == "jats" and row.get("pair"):
            expected = _words(read_file(folder / row["file"]).text)
            paper = folder / row["pair"]
            ours[row["id"]] = _f1(_words(read_file(paper).text), expected)
            theirs[row["id"]] = _f1(_words(_with_pypdf(paper)), expected)
    return ours, theirs


def _words(text: str) -> Counter[str]:
    return Counter(_TOKEN.findall(unicodedata.normalize("NFKC", text).casefold()))


def _f1(found: Counter[str], expected: Counter[str]) -> float:
    common = (found & expected).total()
    return 2 * common / (found.total() + expected.total())
