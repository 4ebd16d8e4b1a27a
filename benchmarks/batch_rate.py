"""200 questions, 16 at a time, at a model that takes three seconds: wall time, and own computing."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from assistant import Assistant
from benchmarks.elsewhere import run_elsewhere
from benchmarks.measure import Report, Target
from benchmarks.overhead import NOTES, QUESTIONS
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.script import Delay, Reply
from tests.faults.server import FaultServer

COUNT, CONCURRENCY = 200, 16
FIRST_TOKEN_SECONDS, MODEL_SECONDS = 1.5, 3.0
_WORDS = 30
_REPLY = " ".join(["Retries", "are", "spread", "over", "time", "[1]."] * (_WORDS // 6))

_ASKED = QUESTIONS[:-1]
"""Those that the notes have an answer to, so that each asks the model."""

_BATCH = """
import json, resource, sys, time
from assistant import Assistant

questions = json.loads(sys.stdin.read())
with Assistant() as assistant:
    assistant.batch(questions[:1], out="warm.jsonl")
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    report = assistant.batch(questions[1:], out="answers.jsonl", concurrency=int(sys.argv[1]))
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "seconds": seconds,
    "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    "counts": report.counts,
}))
"""


def run() -> Report:
    """One process answers them over the built-in notes, with the library's own embedding model."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with Assistant(home, history__keep=False) as assistant:
            assistant.add(NOTES)
        with FaultServer(OpenAIChat(), prefix="/v1") as server:
            server.script(
                Delay(FIRST_TOKEN_SECONDS), Reply(_REPLY, gap=(MODEL_SECONDS - FIRST_TOKEN_SECONDS) / _WORDS)
            )
            began = time.monotonic()
            found = json.loads(_answered(home, server))
            whole = time.monotonic() - began
            calls = [each.ended - each.started for each in list(server.ledger)[1:] if each.ended is not None]
    ideal = COUNT * MODEL_SECONDS / CONCURRENCY
    model = sum(calls) / len(calls)
    return Report(
        benchmark="batch_rate",
        claim="many questions at a time take what their models take, and little more",
        targets=(
            Target("wall time as a multiple of the ideal", found["seconds"] / ideal, "<=", 1.15),
            Target("own CPU milliseconds a question", 1_000 * found["cpu_seconds"] / COUNT, "<=", 100),
            Target("questions without a good answer", COUNT - found["counts"].get("ok", 0), "==", 0),
        ),
        repeats=1,
        numbers={
            "questions": COUNT,
            "concurrency": CONCURRENCY,
            "seconds": {
                "ideal": ideal,
                "wall": found["seconds"],
                "model_call_mean": model,
                "with_start_and_first_question": whole,
            },
            "wall_as_a_multiple_of_what_the_model_took": found["seconds"] / (COUNT * model / CONCURRENCY),
            "calls": len(calls),
        },
    )


def _answered(home: Path, server: FaultServer) -> str:
    questions = [f"{_ASKED[n % len(_ASKED)]} This is case {n:04}." for n in range(COUNT + 1)]
    return run_elsewhere(
        _BATCH,
        str(CONCURRENCY),
        home=home,
        server=server,
        stdin=json.dumps(questions),
        settings={"CARREL_PROVIDERS__CONNECTIONS": str(CONCURRENCY)},
    )
