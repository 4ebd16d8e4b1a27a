"""10,000 papers and 5,000 questions in the app: until the lists are there, frames, lag while adding."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from assistant.engine.process import EngineProcess
from assistant.history import History, State, named, new_run
from assistant.paths import find_paths
from benchmarks.bad_files import write_huge
from benchmarks.measure import NotMeasurable, Report, Target, data_folder
from indexes.schema import connect, prepare
from pipelines.types import Answer, Query, Question, Route
from tui.app import CarrelApp
from tui.widgets.paged_list import PagedList

PAPERS, QUESTIONS, PASSAGES = 10_000, 5_000, 4
OPENINGS, PAGES = 7, 150
SIZE = (120, 36)
BEAT_SECONDS = 0.005
PATIENCE_SECONDS = 300.0

_INTO_DOCUMENTS = """INSERT INTO documents
    (number, id, source, title, authors, year, media_type, collection, page_count, characters, notes)
    VALUES (?, ?, ?, ?, ?, ?, 'application/pdf', 'papers', 9, 400, '[]')"""
_INTO_SOURCES = """INSERT INTO sources (path, collection, document, fate, updated)
    VALUES (?, 'papers', ?, 'indexed', '')"""
_INTO_PASSAGES = """INSERT INTO passages (document, ordinal, page, start, "end", text)
    VALUES (?, ?, 1, 0, 9, ?)"""


def run() -> Report:
    """Open both lists again and again, scroll through them, and add papers while the app is in use."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        _fill_library(home)
        asyncio.run(_fill_history(home))
        measured = asyncio.run(_measured(home))
    return Report(
        benchmark="app_scale",
        claim="long lists open and scroll as short ones do, and the app stays awake while papers are added",
        targets=(
            Target("median seconds from F5 to 10,000 papers", measured["library"], "<=", 0.3),
            Target("median seconds from F6 to 5,000 questions", measured["history"], "<=", 0.3),
            Target("95th percentile of a scrolled frame, seconds", measured["frame_p95"], "<=", 1 / 30),
            Target(
                "99th percentile of the event loop's lag while adding, seconds",
                measured["lag_p99"],
                "<=",
                0.05,
            ),
            Target("the longest lag while adding, seconds", measured["lag_max"], "<=", 0.25),
            Target(
                "the longest lag while huge files are added, seconds", measured["huge_lag_max"], "<=", 0.25
            ),
        ),
        repeats=OPENINGS,
        numbers=measured,
    )


async def _measured(home: Path) -> dict[str, float]:
    app = CarrelApp(lambda: EngineProcess(home, overrides={"web": "never", "library.encoder": "none"}))
    async with app.run_test(size=SIZE) as pilot:
        await app.ready()
        await app.engine.status()
        opened: dict[str, list[float]] = {"f5": [], "f6": []}
        computed = time.process_time()
        for _ in range(OPENINGS):
            for key, seconds in opened.items():
                began = time.perf_counter()
                app.simulate_key(key)
                await _until(
                    lambda: bool(app.screen.query(PagedList)) and app.screen.query_one(PagedList).total > 0
                )
                seconds.append(time.perf_counter() - began)
                await pilot.press("escape")
        computed = (time.process_time() - computed) / (2 * OPENINGS)
        frames, of_frame = await _frames(app)
        lags = await _lags_while_adding(app, data_folder("papers"))
        (home / "huge").mkdir()
        write_huge(home / "huge")
        huge = await _lags_while_adding(app, home / "huge")
    return {
        "library": statistics.median(opened["f5"]),
        "history": statistics.median(opened["f6"]),
        "library_first": opened["f5"][0],
        "history_first": opened["f6"][0],
        "computed_to_open": computed,
        "computed_for_a_frame": of_frame,
        "frame_median": statistics.median(frames),
        "frame_p95": _percentile(frames, 0.95),
        "lag_median": statistics.median(lags),
        "lag_p99": _percentile(lags, 0.99),
        "lag_max": max(lags),
        "lags_measured": len(lags),
        "huge_lag_p99": _percentile(huge, 0.99),
        "huge_lag_max": max(huge),
        "huge_lags_measured": len(huge),
    }


async def _frames(app: CarrelApp) -> tuple[list[float], float]:
    """Seconds from a page's scrolling until it is painted, rows on their way as dots; and the computing."""
    app.simulate_key("f5")
    await _until(lambda: bool(app.screen.query(PagedList)) and app.screen.query_one(PagedList).total > 0)
    papers = app.screen.query_one(PagedList)
    painted = asyncio.Event()
    app.post_display_hook = painted.set  # type: ignore[method-assign]
    seconds: list[float] = []
    computed = time.process_time()
    for _ in range(PAGES):
        painted.clear()
        began = time.perf_counter()
        papers.action_page(1)
        await asyncio.wait_for(painted.wait(), PATIENCE_SECONDS)
        seconds.append(time.perf_counter() - began)
    return seconds, (time.process_time() - computed) / PAGES


async def _lags_while_adding(app: CarrelApp, folder: Path) -> list[float]:
    """How much later than meant a short sleep ends, while the engine reads papers."""
    lags: list[float] = []
    adding = app.start_adding(folder)
    until = time.monotonic() + PATIENCE_SECONDS
    while adding.running:
        began = time.perf_counter()
        await asyncio.sleep(BEAT_SECONDS)
        lags.append(time.perf_counter() - began - BEAT_SECONDS)
        if time.monotonic() > until:
            raise NotMeasurable("adding the papers took too long")
    return lags


async def _until(happened: object) -> None:
    assert callable(happened)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not happened():  # noqa: ASYNC110 - what is waited for is on the screen
            await asyncio.sleep(0.001)


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _fill_library(home: Path) -> None:
    """Straight into the tables, as reading 10,000 files is another benchmark's."""
    path = find_paths(home).library / "catalogue.sqlite"
    path.parent.mkdir(parents=True)
    prepare(path)
    subjects = (
        "Retries and jitter",
        "Deadlines",
        "Circuit breakers",
        "Cascades",
        "Dense retrieval",
        "Fusion",
    )
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for number in range(PAPERS):
            title = f"{subjects[number % len(subjects)]}, study {number}"
            authors = json.dumps([f"Ada Author{number % 997}", f"Ben Writer{number % 991}"])
            source = f"/papers/{number:05}.pdf"
            connection.execute(
                _INTO_DOCUMENTS,
                (number + 1, f"{number:064x}", source, title, authors, 1990 + number % 36),
            )
            connection.execute(
                _INTO_SOURCES,
                (source, number + 1),
            )
            connection.executemany(
                _INTO_PASSAGES,
                [(number + 1, ordinal, f"{title} says {ordinal}.") for ordinal in range(PASSAGES)],
            )
        connection.execute("COMMIT")


async def _fill_history(home: Path) -> None:
    path = find_paths(home).history
    path.parent.mkdir(parents=True, exist_ok=True)
    history = History(path)
    for number in range(QUESTIONS):
        question = named(Question(text=f"What does study {number} say of jitter?"), new_run())
        route = Route(name="short", steps=(), why="It is short.")
        answer = Answer(query=Query(text=question.text), route=route, text=f"That it helps, {number}.")
        history.begin(question)
        history.end(question, State.OK, answer.text, answer)
    await history.close()
