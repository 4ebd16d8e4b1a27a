"""Runs code in a process of its own against a scripted model, so that what it takes is its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.faults.server import FaultServer

__all__ = ["run_elsewhere"]


def run_elsewhere(
    code: str,
    *arguments: str,
    home: Path,
    server: FaultServer,
    stdin: str = "",
    settings: Mapping[str, str] | None = None,
) -> str:
    """Returns what `code` prints.

    Args:
        code: Python.
        arguments: Its `sys.argv`.
        home: Where Carrel keeps everything, and where the code runs.
        server: The model that it asks.
        stdin: What it reads.
        settings: More variables of its environment.

    Raises:
        AssertionError: It failed; with what it said.
    """
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=home,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "CARREL_HOME": str(home),
            "CARREL_REASONING": "openai:big",
            "CARREL_BASE_URL": server.base_url,
            "CARREL_WEB": "never",
            **(settings or {}),
        },
    )
    if ran.returncode:
        raise AssertionError(ran.stderr)
    return ran.stdout
