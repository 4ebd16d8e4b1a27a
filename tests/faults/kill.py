"""Runs a batch in processes of its own and kills them: at a named point, or once a server has seen enough."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexes.chaos import VARIABLE
from tests.assistant.command_line import ROOT, command, environment
from tests.faults.oracle import paid
from tests.faults.server import FaultServer

__all__ = ["POINTS", "Attempt", "BatchUnderFire", "points_in_source", "questions_file"]

POINTS: Mapping[str, int] = {
    "batch.claim": 8,
    "history.commit.before": 20,
    "history.commit.during": 20,
    "history.commit.after": 20,
    "asking.retrieved": 8,
    "asking.token": 80,
    "asking.drafted": 8,
    "asking.kept": 8,
    "answers.append.before": 8,
    "answers.append.during": 8,
    "answers.append.after": 8,
    "answers.compact.during": 1,
}
"""Every point that a batch passes, and up to which passing it is killed there (a run answers about ten)."""

_LONGEST_SECONDS = 120


def points_in_source() -> set[str]:
    """The names of all points that the source marks."""
    files = (
        path
        for package in ("indexes", "pipelines", "assistant", "tui")
        for path in (ROOT / package).rglob("*.py")
    )
    calls = (
        node
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    )
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "point"
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


def questions_file(path: Path, questions: Mapping[str, str]) -> Path:
    """Writes questions by id as JSON lines."""
    lines = [json.dumps({"id": id, "question": question}) for id, question in questions.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@dataclass(frozen=True)
class Attempt:
    """One process that worked at the batch."""

    killed: bool
    code: int
    first_request: int
    """How many requests the server had seen before it began."""
    paid: frozenset[str]
    """Ids that had a row, or a kept reply, before it began."""
    seconds_to_start: float | None
    """From its start to its first request; `None` where it made none."""
    said: str = field(repr=False)


class BatchUnderFire:
    """One batch, worked at by one process after another until it is done.

    Args:
        home: Holds the library; `$CARREL_HOME` of each process.
        questions: By id.
        folder: Where the files of questions and answers are.
        server: Answers as the model; one request a question.
    """

    concurrency = 4

    def __init__(self, home: Path, questions: Mapping[str, str], folder: Path, server: FaultServer) -> None:
        self.home = home
        self.questions = questions
        self.out = folder / "answers.jsonl"
        self.server = server
        self.attempts: list[Attempt] = []
        self.failed_calls = 0
        """Requests that the server was told to fail, and that had to be made again."""
        self.asked = questions_file(folder / "questions.jsonl", questions)

    @property
    def history(self) -> Path:
        """The history's file."""
        return self.home / "state" / "history.db"

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(attempt.killed for attempt in self.attempts)

    def run(self, *, at: str = "", after: Callable[[int], None] | None = None) -> Attempt:
        """Lets one process work at it, from the start or from where the last one was.

        Args:
            at: `name:n`, where it is to be killed.
            after: Given how many requests came before, returns when it is to be killed from outside.
        """
        before, earlier = len(self.server.ledger), paid(self.out, self.history)
        started = time.monotonic()
        process = subprocess.Popen(
            command("batch", str(self.asked), "-o", str(self.out), "--resume", *self._options()),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment({**self._settings(), VARIABLE: at}),
            cwd=self.home,
            start_new_session=True,
        )
        try:
            if after is not None:
                after(before)
                os.killpg(process.pid, signal.SIGKILL)
            _, said = process.communicate(timeout=_LONGEST_SECONDS)
        finally:
            process.kill()
            process.wait()
        first = list(self.server.ledger)[before : before + 1]
        attempt = Attempt(
            killed=process.returncode == -signal.SIGKILL,
            code=process.returncode,
            first_request=before,
            paid=earlier,
            seconds_to_start=first[0].started - started if first else None,
            said=said.decode(errors="replace"),
        )
        self.attempts.append(attempt)
        return attempt

    def _options(self) -> Sequence[str]:
        return ("--concurrency", str(self.concurrency))

    def _settings(self) -> dict[str, str]:
        return {
            "CARREL_HOME": str(self.home),
            "CARREL_REASONING": "openai:big",
            "CARREL_BASE_URL": self.server.base_url,
            "CARREL_WEB": "never",
            "CARREL_LIBRARY__ENCODER": "none",
            "CARREL_LIMITS__ATTEMPTS": "1",
        }
