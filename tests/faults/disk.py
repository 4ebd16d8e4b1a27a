"""Runs a process whose n-th call to the disk fails or kills it, and says which calls saved a file; by `strace`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.assistant.command_line import ROOT, environment
from tests.faults.adding import DRIVER

__all__ = ["DISK_CALLS", "calls", "run_with", "why_not"]

DISK_CALLS = "fsync,fdatasync,pwrite64,rename,ftruncate,unlink"
_LONGEST_SECONDS = 110
_ONCE = DRIVER + "\nasyncio.run(add(json.loads(sys.argv[1])))\n"
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)", re.MULTILINE)


@cache
def why_not() -> str:
    """Why calls cannot be tampered with here; empty where they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "strace may not trace here"


def run_with(fault: str, job: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
    """Adds papers while `fault` (as strace's `inject` has it) befalls the process and its children."""
    script = [sys.executable, "-c", _ONCE, json.dumps(job)]
    command = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"inject={fault}", *script]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
        timeout=_LONGEST_SECONDS,
        check=False,
    )


def calls(code: str, arguments: Sequence[str], *, log: Path) -> list[tuple[str, str]]:
    """Returns the calls, each with its arguments and the paths of its descriptors, that `code` makes of a disk."""
    names = f"{DISK_CALLS},openat,write,renameat,renameat2"
    subprocess.run(
        [
            *("strace", "-f", "-y", "-qq", "-s", "0", "-o", str(log), "-e", f"trace={names}"),
            *(sys.executable, "-c", code, *arguments),
        ],
        capture_output=True,
        env=environment(),
        cwd=ROOT,
        timeout=_LONGEST_SECONDS,
        check=True,
    )
    return [(name, said) for name, said, result in _CALL.findall(log.read_text("utf-8")) if int(result) >= 0]
