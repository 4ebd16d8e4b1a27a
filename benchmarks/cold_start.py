"""`carrel --help` imports nothing heavy, and costs little more than importing click."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.measure import Report, Target, alternate, installed_environment, seconds

HEAVY = (
    "textual",
    "pydantic",
    "httpx",
    "langchain",
    "langchain_core",
    "langgraph",
    "llama_index",
    "chromadb",
    "numpy",
)
REPEATS = 15

LIST_MODULES = """
import json, sys
from assistant.cli import main
sys.argv = ["carrel", "--help"]
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def run() -> Report:
    """Measure the wall time of each command in fresh processes."""
    commands = {
        "carrel --help": [*_carrel(), "--help"],
        "python -c 'import click'": [sys.executable, "-c", "import click"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    llm = shutil.which("llm")
    if llm:
        commands["llm --help"] = [llm, "--help"]
    for command in commands.values():
        _run(command)  # once, so that no case pays for compiling or for a cold disk
    medians = alternate(
        {name: partial(seconds, partial(_run, command)) for name, command in commands.items()},
        repeats=REPEATS,
    )
    heavy = _heavy_modules()
    numbers: dict[str, object] = {
        "seconds": medians,
        "ratio_to_import_click": medians["carrel --help"] / medians["python -c 'import click'"],
        "heavy_modules_imported": heavy,
    }
    if not llm:
        numbers["llm --help"] = "not installed"
    return Report(
        benchmark="cold_start",
        claim="`carrel --help` answers before anything heavy is imported",
        targets=(Target("heavy modules imported by carrel --help", len(heavy), "==", 0),),
        repeats=REPEATS,
        numbers=numbers,
    )


def _carrel() -> list[str]:
    """The console script of this interpreter's environment, else what it consists of."""
    script = Path(sys.executable).with_name("carrel")
    return (
        [str(script)] if script.exists() else [sys.executable, "-c", "from assistant.cli import main; main()"]
    )


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60, env=installed_environment())


def _heavy_modules() -> list[str]:
    listed = subprocess.run(
        [sys.executable, "-c", LIST_MODULES], check=True, capture_output=True, text=True, timeout=60
    )
    return sorted(set(HEAVY) & set(json.loads(listed.stderr.splitlines()[-1])))
