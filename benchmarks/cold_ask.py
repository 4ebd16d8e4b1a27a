"""A cold `carrel ask`, extractive, over the 55 PDFs: beside its imports, and where the rest goes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.measure import (
    NotMeasurable,
    Report,
    Target,
    alternate,
    data_folder,
    installed_environment,
    seconds,
)

REPEATS = 7
LIMIT = 1.6
QUESTION = "Which data were used to evaluate retrieval?"
NEEDED = (
    "asyncio",
    "sqlite3",
    "platformdirs",
    "click",
    "pydantic",
    "numpy",
    "onnxruntime",
    "tokenizers",
    "snowballstemmer",
    "langgraph.func",
    "langgraph.pregel",
)
"""What an extractive answer needs of others: the graph, the embedding model of the question, types, files."""
BARE = f"import {', '.join(NEEDED)}"
START = "from assistant.cli import main; main()"
TELL = f"""
import json, sys
try:
    {START}
finally:
    sys.stderr.write("\\n" + json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
TELL_BARE = (
    f"{BARE}; import json, sys; print(json.dumps(sorted({{n.partition('.')[0] for n in sys.modules}})))"
)
_OURS = {"assistant", "pipelines", "indexes"}
_ROW = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")


@dataclass(frozen=True)
class _Home:
    folder: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            **installed_environment(),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "CARREL_HOME": self.folder,
        }

    def python(self, code: str, *options: str, asking: bool) -> subprocess.CompletedProcess[str]:
        """Runs code in a fresh interpreter, with the question as its arguments or with none."""
        arguments = ["ask", "-q", "--web", "never", QUESTION] if asking else []
        return subprocess.run(
            [sys.executable, "-P", *options, "-c", code, *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=600,
            env=self.environment,
        )


def run() -> Report:
    """Add the PDFs once, then ask in fresh processes, in turn with the imports alone."""
    papers = data_folder("papers", "pdf")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = _Home(folder)
        _add(papers, home)
        asking, bare = partial(home.python, START, asking=True), partial(home.python, BARE, asking=False)
        asking()  # compiled, and read from the disk, before either is timed
        bare()
        cases: dict[str, Callable[[], float]] = {
            "ask": partial(seconds, asking),
            "imports": partial(seconds, bare),
            "ask, processor": partial(_processor_seconds, asking),
            "imports, processor": partial(_processor_seconds, bare),
        }
        medians = alternate(cases, repeats=REPEATS)
        asked, imported = home.python(TELL, asking=True), home.python(TELL_BARE, asking=False)
        beside = _modules(asked.stderr) - _modules(imported.stdout)
        spent = _import_seconds(home)
    ratio = medians["ask"] / medians["imports"]
    return Report(
        benchmark="cold_ask",
        claim="a question in a script takes little more than importing what it needs",
        targets=(Target("times the imports alone", ratio, "<=", LIMIT),),
        repeats=REPEATS,
        numbers={
            "files": len([*papers.glob("*.pdf")]),
            "seconds": medians,
            "times_the_imports_by_processor": medians["ask, processor"] / medians["imports, processor"],
            "seconds_beside_the_imports": medians["ask"] - medians["imports"],
            "import_seconds_of_our_own_files": sum(spent[name] for name in _OURS),
            "import_seconds_by_package": {name: round(took, 3) for name, took in spent.most_common(8)},
            "packages_imported_beside": sorted(beside - _OURS - set(sys.stdlib_module_names)),
        },
    )


def _add(papers: Path, home: _Home) -> None:
    added = subprocess.run(
        [sys.executable, "-P", "-c", START, "add", "-q", str(papers)],
        capture_output=True,
        text=True,
        env=home.environment,
        check=False,
    )
    if added.returncode not in (0, 3):
        raise NotMeasurable(f"carrel add ended with {added.returncode}: {added.stderr[-300:]}")


def _processor_seconds(call: Callable[[], object]) -> float:
    """The processor time of a child process and of its own children."""
    before = os.times()
    call()
    after = os.times()
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


def _modules(printed: str) -> set[str]:
    return set(json.loads(printed.splitlines()[-1]))


def _import_seconds(home: _Home) -> Counter[str]:
    """What importing took, by top-level package, as `-X importtime` has it."""
    told = home.python(START, "-X", "importtime", asking=True).stderr
    spent: Counter[str] = Counter()
    for microseconds, name in _ROW.findall(told):
        spent[name.partition(".")[0]] += int(microseconds) / 1e6  # type: ignore[assignment]
    return spent
