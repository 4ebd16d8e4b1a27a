"""A Dask scheduler and its workers as processes of their own, on loopback; each can be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

__all__ = ["DaskProcesses", "dask_processes"]

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 60.0


class DaskProcesses:
    """What runs, and how it is ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._workers: list[subprocess.Popen[bytes]] = []
        self._scheduler = self._start("scheduler", "distributed.cli.dask_scheduler", "--port", "0")
        self.address = self._said("scheduler", r"Scheduler at:\s+(tcp://\S+)")

    def add_worker(self, *, threads: int = 1, **environment: str) -> None:
        """Starts a worker without a nanny, and returns when it has registered."""
        name = f"worker{len(self._workers)}"
        options = ("--nthreads", str(threads), "--no-nanny", "--local-directory", str(self.folder))
        self._workers.append(
            self._start(name, "distributed.cli.dask_worker", self.address, *options, **environment)
        )
        self._said(name, r"(Registered to:)")

    def kill_worker(self, number: int = 0) -> None:
        """Kills one, as a machine that fails does; its children find out by themselves."""
        self._workers[number].send_signal(signal.SIGKILL)
        self._workers[number].wait()

    def children_of(self, number: int = 0) -> list[psutil.Process]:
        """The processes that a worker has started."""
        children: list[psutil.Process] = psutil.Process(self._workers[number].pid).children(recursive=True)
        return children

    def stop(self) -> None:
        """Kills everything that still runs."""
        for each in [*self._workers, self._scheduler]:
            if each.poll() is None:
                each.kill()
            each.wait()

    def kill_scheduler(self) -> None:
        """Kills the scheduler; nobody knows of the workers then."""
        self._scheduler.kill()
        self._scheduler.wait()

    def _start(self, name: str, module: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", module, *arguments, "--host", "127.0.0.1", "--no-dashboard"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(_ROOT), **environment},
            )

    def _said(self, name: str, pattern: str) -> str:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if found := re.search(pattern, (self.folder / f"{name}.log").read_text(errors="replace")):
                return found[1]
            time.sleep(0.05)
        raise RuntimeError((self.folder / f"{name}.log").read_text(errors="replace")[-2_000:])


@contextmanager
def dask_processes(folder: Path, *, workers: int = 2, threads: int = 1) -> Iterator[DaskProcesses]:
    """A scheduler with some workers, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    processes = DaskProcesses(folder)
    try:
        for _ in range(workers):
            processes.add_worker(threads=threads)
        yield processes
    finally:
        processes.stop()
