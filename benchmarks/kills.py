"""What a long run survives: kills at any moment, cancelled questions, a thousand questions in one process."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import aclosing, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from assistant import Assistant
from assistant.history import State
from benchmarks.elsewhere import run_elsewhere
from benchmarks.measure import NotMeasurable, Report, Target, seconds, upper_bound
from benchmarks.overhead import NOTES, QUESTIONS
from pipelines.events import Token
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.kill import POINTS, BatchUnderFire
from tests.faults.oracle import paid_twice, violations
from tests.faults.script import Reply, Status
from tests.faults.server import FaultServer

_ASKED = QUESTIONS[:-1]
"""Those that the notes have an answer to, whatever is added to them."""
SEED = 1
BATCH, KILLS = 200, 20
CANCELS = 50
LONG, WARM = 1_000, 100
_TO_THE_END = "answers.compact.during"
_LONG_REPLY = " ".join(f"word{number}" for number in range(400))


def run() -> Report:
    """Kill a batch again and again, cancel questions one after another, and ask a thousand in one process."""
    if sys.platform != "linux":
        raise NotMeasurable("memory and descriptors are counted through /proc, which is on Linux only")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        batch = _killed(_filled(folder / "killed"), folder)
        wrong = violations(batch)
        cancelled = asyncio.run(_cancelled(_filled(folder / "cancelled")))
        long = _long(_filled(folder / "long"))
    starts = [each.seconds_to_start for each in batch.attempts if each.seconds_to_start is not None]
    return Report(
        benchmark="kills",
        claim="a batch that is killed has every answer once and pays for none twice; nothing leaks",
        targets=(
            Target("B1 violations after the kills", len(wrong), "==", 0),
            Target("B1 model calls", len(batch.server.ledger), "<=", BATCH + batch.kills * batch.concurrency),
            Target(
                "B1 median seconds from a process's start to its first request",
                statistics.median(starts),
                "<=",
                2,
            ),
            Target("B2 requests for questions that were paid for", len(list(paid_twice(batch))), "==", 0),
            Target("B4 sockets open 1 s after cancelling", cancelled.late, "==", 0),
            Target("B4 partial answers not kept", cancelled.not_kept, "==", 0),
            Target("B4 next questions without an answer", cancelled.next_failed, "==", 0),
            Target("B4 tasks and threads left", cancelled.left, "<=", 2),
            Target("B6 bytes of history per question", long["history_bytes"] / LONG, "<=", 100_000),
            Target("B9 MB of memory grown from question 100 to 1,000", long["grown_mb"], "<=", 50),
            Target("B9 descriptors grown", abs(long["grown_descriptors"]), "<=", 2),
            Target("B9 threads grown", abs(long["grown_threads"]), "<=", 2),
        ),
        repeats=1,
        numbers={
            "seed": SEED,
            "kills": {
                "questions": BATCH,
                "kills": batch.kills,
                "calls": len(batch.server.ledger),
                "failures": len(wrong),
                "upper_bound": upper_bound(len(wrong), BATCH),
                "violations": wrong,
                "seconds_to_first_request_max": max(starts),
                "seconds_to_import_its_libraries": statistics.median(_importing() for _ in range(3)),
            },
            "cancels": {
                "n": CANCELS,
                "seconds_to_close_max": cancelled.slowest_seconds,
                "failures": cancelled.late,
                "upper_bound": upper_bound(cancelled.late, CANCELS),
            },
            "long": {"questions": LONG, **long},
        },
    )


def _importing() -> float:
    """What a bare interpreter takes for the two foreign libraries without which no model is asked."""
    command = [sys.executable, "-c", "import langgraph.graph, langchain.chat_models, langchain_openai"]
    return seconds(lambda: subprocess.run(command, check=True))


def _filled(home: Path) -> Path:
    with Assistant(home, library__encoder="none", history__keep=False) as assistant:
        assistant.add(NOTES)
    return home


def _questions(count: int) -> dict[str, str]:
    return {f"q{n:04}": f"{_ASKED[n % len(_ASKED)]} This is case {n:04}." for n in range(count)}


def _killed(home: Path, folder: Path) -> BatchUnderFire:
    """Killed once at each named point, and otherwise from outside at a random moment."""
    chance = random.Random(SEED)
    names = [name for name in POINTS if name != _TO_THE_END]
    moments = names + [""] * (KILLS - len(names))
    chance.shuffle(moments)
    with FaultServer(OpenAIChat(), prefix="/v1") as server:
        server.script(Status(500), contains="case 0100", times=1)
        server.script(Reply(gap=0.004))
        batch = BatchUnderFire(home, _questions(BATCH), folder, server)
        batch.failed_calls = 1
        for name in moments:
            if name:
                batch.run(at=f"{name}:{chance.randint(1, POINTS[name])}")
            else:
                batch.run(after=partial(_wait, server, chance.randint(1, 8), chance.uniform(0, 0.2)))
        for at in ("", f"{_TO_THE_END}:1", ""):
            batch.run(at=at)
    return batch


def _wait(server: FaultServer, requests: int, pause: float, before: int) -> None:
    server.ledger.wait_for(before + requests)
    time.sleep(pause)


@dataclass
class _Cancelled:
    """What became of questions that were cancelled after five tokens."""

    late: int = 0
    not_kept: int = 0
    next_failed: int = 0
    left: int = 0
    slowest_seconds: float = 0.0


async def _cancelled(home: Path) -> _Cancelled:
    outcome = _Cancelled()
    questions = list(_questions(CANCELS + 1).values())
    with FaultServer(OpenAIChat(), prefix="/v1") as server:
        async with Assistant(
            home,
            web="never",
            reasoning="openai:big",
            base_url=server.base_url,
            library__encoder="none",
        ) as assistant:
            await assistant.aask(questions[-1])
            before = threading.active_count() + len(asyncio.all_tasks())
            for question in questions[:CANCELS]:
                server.script(Reply(_LONG_REPLY, gap=0.01), contains=question, times=1)
                took = await _cancel_after_five_tokens(assistant, server, question)
                outcome.slowest_seconds = max(outcome.slowest_seconds, took)
                outcome.late += took > 1
                outcome.next_failed += (await assistant.aask(question)).author != "openai:big"
            outcome.left = threading.active_count() + len(asyncio.all_tasks()) - before
    outcome.not_kept = CANCELS - _kept_as_cancelled(home)
    return outcome


async def _cancel_after_five_tokens(assistant: Assistant, server: FaultServer, question: str) -> float:
    """Seconds until the server sees that the client has left."""
    tokens = 0
    async with aclosing(assistant.astream(question)) as events:
        async for event in events:
            tokens += isinstance(event, Token)
            if tokens == 5:
                cancelled = time.monotonic()
                break
    [exchange] = await server.ledger.until(contains=question, end="client left")
    assert exchange.ended is not None
    return exchange.ended - cancelled


def _kept_as_cancelled(home: Path) -> int:
    """How many cancelled questions are in the history with their text so far."""
    kept = "SELECT count(*) FROM questions WHERE state = ? AND said != '' AND answer IS NOT NULL"
    with closing(sqlite3.connect(home / "state" / "history.db")) as history:
        return int(history.execute(kept, (State.CANCELLED,)).fetchone()[0])


_LONG_RUN = """
import json, os, sys, threading
from pathlib import Path
from assistant import Assistant

def state():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "mb": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }

questions = json.loads(sys.stdin.read())
with Assistant() as assistant:
    assistant.batch(questions[:int(sys.argv[1])], out="warm.jsonl")
    before = state()
    assistant.batch(questions[int(sys.argv[1]):], out="rest.jsonl")
    after = state()
print(json.dumps({f"grown_{name}": after[name] - before[name] for name in after}))
"""


def _long(home: Path) -> dict[str, float]:
    """What a process has grown by between question 100 and question 1,000, and the size of its history."""
    with FaultServer(OpenAIChat(), prefix="/v1") as server:
        said = run_elsewhere(
            _LONG_RUN,
            str(WARM),
            home=home,
            server=server,
            stdin=json.dumps(list(_questions(LONG).values())),
            settings={"CARREL_LIBRARY__ENCODER": "none"},
        )
        calls = len(server.ledger)
    grown: dict[str, float] = json.loads(said)
    return {**grown, "calls": calls, "history_bytes": (home / "state" / "history.db").stat().st_size}
