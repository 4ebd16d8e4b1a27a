"""How far a batch has come, on one line: a bar on a terminal, elsewhere a plain line every few seconds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from assistant.cli.outlet import is_terminal
from assistant.pace import Pace
from assistant.past_question import State

if TYPE_CHECKING:
    from assistant.batch_plan import Progress, Standing
    from assistant.batch_row import Row
    from assistant.cli.narrate import Narrator

__all__ = ["BatchProgress"]

_BAR = 16
"""Characters. The figures beside it need the rest of a narrow terminal."""


class BatchProgress:
    """Tells a narrator of each row and of the whole."""

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator
        self._pace = Pace()
        self._has_bar = is_terminal(sys.stderr)

    def row(self, progress: Progress) -> None:
        """One more question has its row; what is wrong with it is said, a good one only with `-v`."""
        row = progress.row
        told = (
            f"{progress.done}/{progress.total} {row.status.value}, {row.usage.seconds:.1f} s: {row.question}"
        )
        why = _trouble(row)
        if why:
            self._narrator.line(f"{told[:120]}: {why}")
        else:
            self._narrator.detail(told)
        self.standing(progress)

    def standing(self, standing: Standing) -> None:
        """Shows how far it has come: questions, failures, rate, time left, cost."""
        words = self._pace.words(standing.done, standing.total, "questions", failed=standing.failed)
        if standing.usage.cost_usd:
            words += f", ${standing.usage.cost_usd:.4f}"
        self._narrator.progress(f"{_bar(standing)} {words}" if self._has_bar else words)


def _trouble(row: Row) -> str:
    if row.status is State.ERROR:
        return row.error.message if row.error else "no answer"
    if row.status is State.PARTIAL:
        return row.degraded[0].why if row.degraded else "answered by a lesser rung"
    return ""


def _bar(standing: Standing) -> str:
    full = _BAR * standing.done // standing.total if standing.total else _BAR
    return f"[{'#' * full}{'.' * (_BAR - full)}]"
