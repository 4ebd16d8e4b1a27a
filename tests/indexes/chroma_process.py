"""A Chroma server of its own for a test, on loopback: started, ended, killed and started again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

__all__ = ["ChromaProcess", "chroma_process"]

_START_SECONDS = 60.0


class ChromaProcess:
    """`chroma run`, in a folder that outlives the process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(self._folder)]
        self._process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
        )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                httpx.get(f"{self.address}/api/v2/heartbeat", timeout=1, trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise RuntimeError("The Chroma server does not start.")

    @property
    def cpu_seconds(self) -> float:
        """What it has computed for so far."""
        assert self._process is not None
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    @property
    def memory_bytes(self) -> float:
        """What it holds in memory now."""
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_info().rss)

    def stop(self) -> None:
        """Kills it, as a machine that fails does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def chroma_process(folder: Path) -> Iterator[ChromaProcess]:
    """A running server, until the block ends."""
    server = ChromaProcess(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
