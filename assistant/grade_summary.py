"""What grades come to over a batch: each measure with its interval, how that was made, and over how many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from assistant.grading import Grade
from indexes.evaluation.metrics import Interval, interval, wilson
from indexes.types import Model

__all__ = ["MEASURES", "Graded", "grade_lines", "summarised"]


class _Measure(NamedTuple):
    words: str
    method: Literal["wilson", "bootstrap"]


MEASURES: dict[str, _Measure] = {
    "span_cited": _Measure("a right answer in the sentences that cite", "wilson"),
    "span_quoted": _Measure("a right answer in the quotes of what is cited", "wilson"),
    "exact": _Measure("exact match", "wilson"),
    "f1": _Measure("token F1", "bootstrap"),
    "documents_cited": _Measure("right papers cited (recall)", "bootstrap"),
    "verdict_right": _Measure("yes, no or maybe as it should be", "wilson"),
    "abstaining_right": _Measure("answered or abstained as it should be", "wilson"),
}
"""Field of a grade to what it says, and how its interval is made."""


class Graded(Model):
    """One measure over the questions that it was asked for."""

    measure: str
    questions: int
    value: Interval
    method: Literal["wilson", "bootstrap"]


def summarised(grades: Iterable[Grade]) -> tuple[Graded, ...]:
    """Returns each measure that was asked for, with its 95 % interval.

    A share of questions has Wilson's score interval (1927), a mean of anything else a percentile bootstrap
    over the questions.
    """
    every = list(grades)
    found: list[Graded] = []
    for name, measure in MEASURES.items():
        values = [float(value) for grade in every if (value := getattr(grade, name)) is not None]
        if values:
            found.append(
                Graded(
                    measure=name,
                    questions=len(values),
                    value=_interval(values, measure),
                    method=measure.method,
                )
            )
    return tuple(found)


def grade_lines(grades: Sequence[Graded]) -> list[str]:
    """A line of words for each measure."""
    return [
        f"{MEASURES[each.measure].words}: {each.value.value:.3f} "
        f"({each.value.low:.3f} to {each.value.high:.3f}, n = {each.questions})"
        for each in grades
    ]


def _interval(values: Sequence[float], measure: _Measure) -> Interval:
    if measure.method == "wilson":
        return wilson(round(sum(values)), len(values))
    return interval(np.array(values))
