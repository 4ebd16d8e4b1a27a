"""The notebooks, run as a reader runs them: without a model, without a network, from the first cell to the last."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import jupytext
import pytest
from nbclient import NotebookClient

_ROOT = Path(__file__).parents[2]
_NOTEBOOKS = sorted((_ROOT / "notebooks").glob("*.py"))


@pytest.fixture(params=_NOTEBOOKS, ids=lambda path: path.stem)
def run_notebook(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A notebook with its outputs."""
    monkeypatch.setenv("PYTHONPATH", str(_ROOT))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = jupytext.read(request.param)
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    asyncio.run(client.async_execute())
    return notebook


def test_a_notebook_runs_from_the_first_cell_to_the_last(run_notebook: Any) -> None:
    assert all(cell.execution_count for cell in run_notebook.cells if cell.cell_type == "code")
    shown = [each for cell in run_notebook.cells for each in cell.get("outputs", [])]
    assert not [each for each in shown if each.output_type == "error" or each.get("name") == "stderr"]


def test_the_first_questions_show_answer_evidence_hits_and_steps(run_notebook: Any) -> None:
    shown = [output for cell in run_notebook.cells for output in cell.get("outputs", [])]
    texts = [each.get("text") or each.data["text/plain"] for each in shown]
    pages = [each.data["text/html"] for each in shown if "text/html" in each.get("data", {})]
    added, asked, evidence, page, found, steps, awaited = texts
    assert added.startswith("Added 11 documents")
    assert "Full jitter draws each wait at random" in asked
    assert "[1] Retries, back-off and jitter, p. 1: verified" in evidence
    assert "page 1 of 1" in page
    assert found.startswith("1. Reciprocal rank fusion")
    assert "reason: the best sentences, verbatim" in steps
    assert "[1]" in awaited
    assert len(pages) == 4
    assert not [each for each in pages if "<script" in each or "Answer(" in each]
