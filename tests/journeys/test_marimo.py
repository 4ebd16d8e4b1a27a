"""A marimo notebook as a person writes it: progress while a question runs, and answers that show themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CELLS = """\
import marimo

app = marimo.App()


@app.cell
def _():
    from pathlib import Path
    import assistant as package
    from assistant import Assistant

    desk = Assistant(web="never", library__encoder="none")
    report = desk.add(Path(package.__file__).parent / "demo" / "notes")
    report
    return desk, report


@app.cell
def _(desk, report):
    kept = desk.ask("What does full jitter do to the waits of many clients?")
    return


@app.cell
async def _(desk, report):
    answer = await desk.aask("When does a circuit breaker open?")
    answer
    return (answer,)


@app.cell
def _(answer):
    answer.evidence
    return


@app.cell
def _(desk, report):
    desk.search("jitter")
    return


@app.cell
def _(answer):
    answer.trace.waterfall()
    return
"""


@pytest.mark.timeout(240)
def test_progress_answers_evidence_and_hits_show_themselves_in_marimo(tmp_path: Path) -> None:
    pytest.importorskip("marimo", reason="marimo is not installed: pip install marimo")
    notebook = tmp_path / "notebook.py"
    notebook.write_text(CELLS)
    ran = subprocess.run(
        [sys.executable, "-m", "marimo", "export", "html", notebook.name, "-o", "notebook.html"],
        cwd=tmp_path,
        env={
            **os.environ,
            "CARREL_HOME": str(tmp_path / "home"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    session = json.loads((tmp_path / "__marimo__" / "session" / "notebook.py.json").read_text())
    shown = [
        "".join(each["data"].get("text/html", "") for each in cell["outputs"]) for cell in session["cells"]
    ]
    classes = ("report", "live", "answer", "evidence", "hits", "trace")
    assert [f"carrel-{name}" in html for name, html in zip(classes, shown, strict=True)] == [True] * 6, shown
