"""What a batch's rows come to: outcomes, routes, rungs, times, costs, the slowest and the least supported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from assistant.batch_row import Row
from assistant.grade_summary import Graded, summarised
from assistant.history import State
from indexes.clean import clean_line
from indexes.types import Model
from pipelines.types import Usage

__all__ = ["BatchSummary", "Brief", "Spread", "summary_of"]

_SHOWN = 10
"""Questions named in each list."""


class Spread(Model):
    """How a quantity is spread over the questions that have it."""

    values: tuple[float, ...]
    """In the order of the rows; at least one."""

    def at(self, share: float) -> float:
        """The value that a share of the questions, 0 to 1, stay below (linear between two of them)."""
        return float(np.quantile(self.values, share))

    @property
    def total(self) -> float:
        """Their sum."""
        return float(np.sum(self.values))


class Brief(Model):
    """One question in a list of them."""

    id: str
    question: str
    """On one line."""
    status: State
    seconds: float
    support: float | None = None
    author: str = ""
    why: str = ""
    """What went wrong, as a sentence; may be empty."""


class BatchSummary(Model):
    """What a batch's rows come to."""

    questions: int
    outcomes: dict[str, int]
    routes: dict[str, int]
    """By name; questions that failed before they had one are not among them."""
    rungs: dict[str, int]
    """By who wrote the answer: a model's name, `extractive`, `nothing`."""
    fallbacks: dict[str, int]
    """By step and rung."""
    failures: dict[str, int]
    """By kind of error."""
    seconds: Spread | None
    """Of the questions that came to an answer; `None` where none did, as for the costs."""
    cost_usd: Spread | None
    usage: Usage
    slowest: tuple[Brief, ...]
    least_supported: tuple[Brief, ...]
    """Of those with an answer that states something, the least supported first; none of full support."""
    failed: tuple[Brief, ...]
    grades: tuple[Graded, ...]


def summary_of(rows: Iterable[Row]) -> BatchSummary:
    """Returns what the rows come to."""
    every = list(rows)
    answered = [row for row in every if row.status is not State.ERROR]
    doubtful = [row for row in answered if row.support is not None and row.support < 1]
    costs = [row.usage.cost_usd for row in answered if row.usage.cost_usd is not None]
    return BatchSummary(
        questions=len(every),
        outcomes=_counted(row.status.value for row in every),
        routes=_counted(row.route for row in every if row.route),
        rungs=_counted(row.author for row in every if row.author),
        fallbacks=_counted(f"{each.step}: {each.rung}" for row in every for each in row.degraded),
        failures=_counted(row.error.kind for row in every if row.error is not None),
        seconds=_spread([row.usage.seconds for row in answered]),
        cost_usd=_spread(costs),
        usage=sum((row.usage for row in every), Usage()),
        slowest=_briefs(sorted(answered, key=lambda row: -row.usage.seconds)),
        least_supported=_briefs(sorted(doubtful, key=lambda row: row.support or 0.0)),
        failed=_briefs([row for row in every if row.status is State.ERROR]),
        grades=summarised(row.grade for row in every if row.grade is not None),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _spread(values: Sequence[float]) -> Spread | None:
    return Spread(values=tuple(values)) if values else None


def _briefs(rows: Sequence[Row]) -> tuple[Brief, ...]:
    return tuple(
        Brief(
            id=row.id,
            question=clean_line(row.question, 200),
            status=row.status,
            seconds=row.usage.seconds,
            support=row.support,
            author=row.author,
            why=clean_line(row.error.message) if row.error else "",
        )
        for row in rows[:_SHOWN]
    )
