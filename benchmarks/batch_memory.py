"""A batch of 1,000 questions in one process, 16 at a time: how its memory grows from the 100th on."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from assistant import Assistant
from benchmarks.elsewhere import run_elsewhere
from benchmarks.measure import NotMeasurable, Report, Target
from benchmarks.overhead import NOTES, QUESTIONS
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.server import FaultServer

COUNT, WARM, CONCURRENCY = 1_000, 100, 16

_ASKED = QUESTIONS[:-1]
"""Those that the notes have an answer to, so that each asks the model."""

_BATCH = """
import json, os, sys
from pathlib import Path
from assistant import Assistant

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

at = {}
def seen(progress):
    if progress.done % 100 == 0:
        at[progress.done] = megabytes()
with Assistant() as assistant:
    report = assistant.batch("questions.jsonl", out="answers.jsonl", concurrency=int(sys.argv[1]), emit=seen)
print(json.dumps({"at": at, "counts": report.counts}))
"""


def run() -> Report:
    """The model answers at once, and each question says what is right, so that grading is in it too."""
    if sys.platform != "linux":
        raise NotMeasurable("memory is read from /proc, which is on Linux only")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with Assistant(home, history__keep=False) as assistant:
            assistant.add(NOTES)
        with FaultServer(OpenAIChat(), prefix="/v1") as server:
            found = json.loads(_answered(home, server))
        rows = (home / "answers.jsonl").read_text("utf-8").count("\n")
    at = {int(done): megabytes for done, megabytes in found["at"].items()}
    return Report(
        benchmark="batch_memory",
        claim="the memory of a batch does not grow with its questions",
        targets=(
            Target("MB grown from question 100 to 1,000", at[COUNT] - at[WARM], "<=", 50),
            Target("rows missing", COUNT - rows, "==", 0),
        ),
        repeats=1,
        numbers={"concurrency": CONCURRENCY, "megabytes_at": at, "counts": found["counts"]},
    )


def _answered(home: Path, server: FaultServer) -> str:
    asked = [
        {"question": f"{_ASKED[n % len(_ASKED)]} Case {n:04}.", "gold_answers": ["jitter"]}
        for n in range(COUNT)
    ]
    lines = "".join(f"{json.dumps(each)}\n" for each in asked)
    (home / "questions.jsonl").write_text(lines, "utf-8")
    return run_elsewhere(
        _BATCH,
        str(CONCURRENCY),
        home=home,
        server=server,
        settings={"CARREL_PROVIDERS__CONNECTIONS": str(CONCURRENCY)},
    )
