"""A Jupyter kernel for tests: cells in, what they have shown out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

__all__ = ["ROOT", "Shown", "kernel_environment", "run_cells"]

ROOT = Path(__file__).parents[2]


class Shown:
    """What one cell has shown, in the end."""

    def __init__(self, outputs: Sequence[Any]) -> None:
        self._outputs = outputs

    @property
    def texts(self) -> list[str]:
        """Each output's plain text, in order; an error as its name and message."""
        return [self._text(output) for output in self._outputs]

    @property
    def pages(self) -> list[str]:
        """Each output's HTML, where it has any."""
        return [each.data["text/html"] for each in self._outputs if "text/html" in each.get("data", {})]

    @property
    def results(self) -> list[dict[str, Any]]:
        """The bundle of what stood last in the cell."""
        return [each.data for each in self._outputs if each.output_type == "execute_result"]

    def _text(self, output: Any) -> str:
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}\n" + "\n".join(output.traceback)
        return str(output.get("text") or output.data["text/plain"])


def kernel_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Lets kernels find the source tree, and keeps what they write in the test's folder."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))


def run_cells(
    *cells: str, folder: Path, interrupting: Callable[[int], Awaitable[None] | None] | None = None
) -> list[Shown]:
    """Runs cells one after the other in a kernel of their own; an error ends none but its own cell.

    Args:
        cells: Their sources.
        folder: Where the kernel runs.
        interrupting: Given a cell's number, from 0, gives what to wait for before it is interrupted, if it is.
    """
    return asyncio.run(_run(cells, folder, interrupting))


async def _run(
    cells: Sequence[str], folder: Path, interrupting: Callable[[int], Awaitable[None] | None] | None
) -> list[Shown]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    async with client.async_setup_kernel():
        for number, cell in enumerate(notebook.cells):
            moment = interrupting(number) if interrupting is not None else None
            async with _interrupted(client, moment):
                with contextlib.suppress(CellExecutionError):
                    await client.async_execute_cell(cell, number)
    return [Shown(cell.outputs) for cell in notebook.cells]


@contextlib.asynccontextmanager
async def _interrupted(client: Any, moment: Awaitable[None] | None) -> AsyncIterator[None]:
    """Interrupts the kernel at a moment within the block."""
    if moment is None:
        yield
        return

    async def interrupt() -> None:
        await moment
        await client.km.interrupt_kernel()

    interrupting = asyncio.create_task(interrupt())
    yield
    await interrupting
