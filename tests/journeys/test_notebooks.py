"""The notebooks, run as a reader runs them: without a model, without a network, from the first cell to the last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import pytest
from nbclient import NotebookClient

from tests.assistant.inert import read_inert

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "notebooks"

Run = Callable[[str], list[Any]]


@pytest.fixture
def run_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the notebook of that name; all that its cells have shown, none of it an error."""
    monkeypatch.setenv("PYTHONPATH", str(_ROOT))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def run(name: str) -> list[Any]:
        notebook = jupytext.read(_FOLDER / f"{name}.py")
        client = NotebookClient(
            notebook,
            timeout=60,
            kernel_name="python3",
            coalesce_streams=True,
            resources={"metadata": {"path": str(tmp_path)}},
        )
        asyncio.run(client.async_execute())
        assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
        shown = [each for cell in notebook.cells for each in cell.get("outputs", [])]
        assert not [each for each in shown if each.output_type == "error" or each.get("name") == "stderr"]
        return shown

    return run


def texts_of(shown: list[Any]) -> list[str]:
    """What a reader reads, without the lines that tell how a call went."""
    lasting = [each for each in shown if "carrel-live" not in each.get("data", {}).get("text/html", "")]
    return [each.get("text") or each.data.get("text/markdown") or each.data["text/plain"] for each in lasting]


def test_every_notebook_is_run_by_one_of_these_tests() -> None:
    assert {path.stem for path in _FOLDER.glob("*.py")} == {
        "a_batch_graded",
        "first_questions",
        "how_an_answer_was_made",
        "your_own_pipeline",
    }


def test_the_first_questions_show_answer_evidence_hits_and_steps(run_notebook: Run) -> None:
    shown = run_notebook("first_questions")
    texts = texts_of(shown)
    pages = [
        page
        for each in shown
        if "carrel-live" not in (page := each.get("data", {}).get("text/html", "carrel-live"))
    ]
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


def test_a_pipeline_of_your_own_is_declared_drawn_used_and_broken(run_notebook: Run) -> None:
    shown = run_notebook("your_own_pipeline")
    declared, a_rung, picture, billing, technical, trace, letter, hung, _, tried, person, day, refused = (
        texts_of(shown)
    )
    assert declared.startswith("def support_desk() -> Pipeline:")
    assert "raise Unsure" in a_rung
    assert "```mermaid\nflowchart TD" in picture
    assert billing == "You get it back within five days.\n"
    assert technical == "Please make room on the disk.\n"
    assert "manual · looked up" in trace
    assert letter.startswith("Your billing question is with a colleague.")
    assert "answer: by letter in place of by model: It took longer" in letter
    assert "timed out" in hung
    assert "try 2" in tried
    assert person.startswith("Which desk answers? billing / technical: billing\nPay the expert")
    assert "museum" in day
    assert refused == "Step 'decide' needs 'forecast', which nothing gives.\n"
    assert sum("text/html" in each.get("data", {}) for each in shown) == 3


def test_how_an_answer_was_made_is_told_and_what_is_broken_on_purpose_is_mended(run_notebook: Run) -> None:
    shown = run_notebook("how_an_answer_was_made")
    texts = texts_of(shown)
    (
        _,
        ladders,
        picture,
        answer,
        decided,
        trace,
        evidence,
        narrow,
        fell_back,
        hanging,
        busy,
        refused,
        made_up,
        dead,
    ) = texts
    assert "the reasoning model  →  a simpler summary  →  the best sentences, verbatim" in ladders
    assert "```mermaid\nflowchart TD" in picture
    assert "[1]" in answer
    assert "(unsupported)" not in answer
    assert "route: full." in decided
    assert "summarise" in trace
    assert "scripted:small" in evidence
    assert narrow == "route: cascade; written by scripted:small; model calls: 1\n"
    assert fell_back.startswith("reason: a simpler summary, in place of the reasoning model. It took longer")
    assert "timed out" in hanging
    assert busy == "['try 1: unreachable', 'try 2: ok']\n"
    assert "“the best sentences, verbatim” in place of" in refused
    assert "on the moon in 1969 [1]. (unsupported)" in made_up
    assert dead.startswith("search: left out, in place of a dead retriever. Its server does not answer.")
    links = [page for each in shown if "carrel-answer" in (page := each.get("data", {}).get("text/html", ""))]
    assert len(links) == 3
    assert all(read_inert(page).links for page in links)


def test_a_batch_is_graded_and_looked_at_as_tables(run_notebook: Run) -> None:
    shown = run_notebook("a_batch_graded")
    _, counts, _, _, plot, wrong = texts_of(shown)
    pages = [each.get("data", {}).get("text/html", "") for each in shown]
    tables = [page for page in pages if "<table" in page]
    assert counts == "{'ok': 7}"
    assert len(tables) == 3
    assert "documents_cited" in tables[0]
    assert "linear-gradient" in tables[0]
    assert "giraffes" in tables[1]
    assert plot.startswith("Seconds until the answer: median")
    assert any("<svg" in page for page in pages)
    assert "When does a circuit breaker open?" in wrong
