"""Runs `carrel` as a person does: through pipes, or in a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from tests.faults.server import FaultServer

__all__ = [
    "LIGHT",
    "QUESTION",
    "Ran",
    "begun",
    "carrel",
    "carrel_in_terminal",
    "carrel_signalled",
    "command",
    "environment",
    "light",
    "with_model",
]

ROOT = Path(__file__).parents[2]
QUESTION = "What does full jitter do to the retries of many clients?"
LIGHT = {"CARREL_LIBRARY__ENCODER": "hashing"}
"""What the library of the fixture `filled` was embedded with."""
_START = "import sys; from assistant.cli import main; main()"
_LONGEST_SECONDS = 90
_LONGEST_TO_EXIT_SECONDS = 10


@dataclass(frozen=True)
class Ran:
    """What a run left behind; in a terminal stdout may be one with it, stderr too."""

    code: int
    stdout: str
    stderr: str


class Begun(NamedTuple):
    """A run that goes on, and its streams."""

    process: subprocess.Popen[str]
    stdin: IO[str]
    stdout: IO[str]
    stderr: IO[str]


def command(*arguments: str, start: str = _START) -> list[str]:
    """How `carrel ARGUMENTS`, or other code, is started without being installed."""
    return [sys.executable, "-P", "-W", "error", "-c", start, *arguments]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, in which the source tree can be imported from anywhere."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100", **(more or {})}


def carrel(
    *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, folder: Path | None = None
) -> Ran:
    """Runs with pipes on all three streams."""
    ran = subprocess.run(
        command(*arguments),
        input=stdin,
        capture_output=True,
        env=environment(env),
        cwd=folder or Path(os.environ["CARREL_HOME"]),
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def light(*arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ran:
    """Runs with pipes over a library that needs no model to embed."""
    return carrel(*arguments, stdin=stdin, env={**LIGHT, **(env or {})})


@contextmanager
def begun(*arguments: str) -> Iterator[Begun]:
    """Starts what `light` runs; the block talks to it, and its end is waited for behind the block."""
    process = subprocess.Popen(
        command(*arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(LIGHT),
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        yield Begun(process, process.stdin, process.stdout, process.stderr)


def carrel_signalled(*arguments: str, number: int, server: FaultServer) -> Ran:
    """Runs with pipes until the model is asked, which hangs, and sends it a signal then."""
    process = subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(with_model(server)),
    )
    try:
        server.ledger.wait_for(len(server.ledger) + 1)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    return Ran(process.returncode, stdout.decode(), stderr.decode())


def carrel_in_terminal(
    *arguments: str,
    answers: Sequence[tuple[str, str]] = (),
    stdout_too: bool = True,
    stderr_too: bool = True,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    start: str = _START,
) -> Ran:
    """Runs in a terminal of its own.

    Args:
        arguments: The command line.
        answers: Pairs of what to wait for on the screen and what to type then.
        stdout_too: Whether stdout is the terminal; else it is a pipe, and only stderr is seen on the screen.
        stderr_too: Whether stderr is the terminal; else it is a pipe, and only stdout is seen on the screen.
        env: More variables.
        folder: Where it runs.
        start: The code that runs.
    """
    screen, terminal = pty.openpty()
    try:
        process = subprocess.Popen(
            command(*arguments, start=start),
            stdin=terminal,
            stdout=terminal if stdout_too else subprocess.PIPE,
            stderr=terminal if stderr_too else subprocess.PIPE,
            env=environment(env),
            cwd=folder or os.environ["CARREL_HOME"],
            start_new_session=True,
        )
        os.close(terminal)
        try:
            seen = _watch(screen, process, list(answers))
            stdout = b"" if process.stdout is None else process.stdout.read()
            stderr = b"" if process.stderr is None else process.stderr.read()
            code = process.wait(_LONGEST_TO_EXIT_SECONDS)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        return Ran(code, seen if stdout_too else stdout.decode(), seen if stderr_too else stderr.decode())
    finally:
        os.close(screen)


def _watch(screen: int, process: subprocess.Popen[bytes], answers: list[tuple[str, str]]) -> str:
    """Reads the screen until the process has closed it, typing each answer when its prompt shows."""
    seen = b""
    until = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < until:
        ready, _, _ = select.select([screen], [], [], 0.1)
        if ready:
            try:
                piece = os.read(screen, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if not piece:
                break
            seen += piece
        elif process.poll() is not None:
            break
        if answers and answers[0][0] in seen.decode(errors="replace"):
            os.write(screen, answers.pop(0)[1].encode())
    return seen.decode(errors="replace")


def with_model(server: FaultServer) -> dict[str, str]:
    """Variables that make `server` the reasoning model of a library embedded lightly."""
    return {
        **LIGHT,
        "CARREL_REASONING": "openai:big",
        "CARREL_BASE_URL": server.base_url,
        "OPENAI_API_KEY": "sk-test",
    }
