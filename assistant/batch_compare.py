"""Two runs over the same questions, paired: what changed, what is better or worse, and how sure that is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
from pydantic import Field

from assistant.batch_row import Row
from assistant.grade_summary import MEASURES
from assistant.history import State
from indexes.evaluation.metrics import Interval, interval
from indexes.types import Model

__all__ = ["Comparison", "Paired", "compared", "comparison_lines", "mcnemar"]

_NAMED = 20
"""Ids named in each list."""


class Paired(Model):
    """One measure over the questions that both runs have it for."""

    measure: str
    """In words."""
    questions: int
    before: float
    """Mean of the earlier run."""
    after: float
    difference: Interval
    """After less before: a paired percentile bootstrap over the questions, 95 %."""
    better: int
    """Questions that came out better than before."""
    worse: int
    less_is_better: bool = False
    p: float | None = None
    """Of McNemar's exact test, where the measure is a yes or no."""


class Comparison(Model):
    """Two runs over the same questions."""

    both: int
    """Questions that both have a row for, by id."""
    only_before: int
    only_after: int
    reworded: int = 0
    """Of both: the question has other words now, so that they are not compared."""
    other_text: int = 0
    """Of those compared: the answer has another text."""
    moved: dict[str, int] = Field(default_factory=dict)
    """Outcomes that changed, such as `ok to partial`, with how many."""
    paired: tuple[Paired, ...] = ()
    became_worse: tuple[str, ...] = ()
    """Ids of questions with a worse outcome or grade than before, a few at most."""
    became_better: tuple[str, ...] = ()


def compared(before: Mapping[str, Row], after: Mapping[str, Row]) -> Comparison:
    """Returns what changed between two runs, question by question.

    Args:
        before: The earlier run's rows by id.
        after: The later run's.
    """
    both = [id for id in after if id in before]
    pairs = [(before[id], after[id]) for id in both if before[id].question == after[id].question]
    moves = Counter(
        f"{old.status.value} to {new.status.value}" for old, new in pairs if old.status is not new.status
    )
    worse = [new.id for old, new in pairs if _merit(new) < _merit(old)]
    better = [new.id for old, new in pairs if _merit(new) > _merit(old)]
    return Comparison(
        both=len(both),
        only_before=len(before.keys() - after.keys()),
        only_after=len(after.keys() - before.keys()),
        reworded=len(both) - len(pairs),
        other_text=sum(old.text != new.text for old, new in pairs),
        moved=dict(moves.most_common()),
        paired=tuple(found for measure in _measures() if (found := _paired(pairs, *measure)) is not None),
        became_worse=tuple(worse[:_NAMED]),
        became_better=tuple(better[:_NAMED]),
    )


def mcnemar(better: int, worse: int) -> float:
    """Returns the two-sided p of McNemar's test (1947) in its exact form, by the binomial distribution.

    Args:
        better: Pairs in which only the later is right.
        worse: Pairs in which only the earlier is.
    """
    discordant = better + worse
    tail = sum(math.comb(discordant, k) for k in range(min(better, worse) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**discordant)))


def comparison_lines(comparison: Comparison) -> list[str]:
    """What changed, as lines of words."""
    lines = [f"{comparison.both} questions in both, {comparison.other_text} with another text"]
    if comparison.only_before or comparison.only_after or comparison.reworded:
        lines.append(
            f"not compared: {comparison.only_before} only before, {comparison.only_after} only now, "
            f"{comparison.reworded} with other words"
        )
    lines += [f"{move}: {count}" for move, count in comparison.moved.items()]
    for each in comparison.paired:
        low, high = each.difference.low, each.difference.high
        counts = f"{each.better} better, {each.worse} worse"
        sure = f", McNemar p = {each.p:.3g}" if each.p is not None else ""
        lines.append(
            f"{each.measure}: {each.before:.3f} to {each.after:.3f}, by {each.difference.value:+.3f} "
            f"({low:+.3f} to {high:+.3f}, n = {each.questions}); {counts}{sure}"
        )
    return lines


_Value = Callable[[Row], float | None]


def _measures() -> list[tuple[str, _Value, bool, bool]]:
    """Each measure: its words, its value in a row, whether it is a yes or no, whether less is better."""
    grades: list[tuple[str, _Value, bool, bool]] = [
        (measure.words, _of_grade(name), measure.method == "wilson", False)
        for name, measure in MEASURES.items()
    ]
    return [
        ("answered without a fallback", lambda row: float(row.status is State.OK), True, False),
        *grades,
        ("sentences that are supported", lambda row: row.support, False, False),
        ("seconds", lambda row: None if row.status is State.ERROR else row.usage.seconds, False, True),
        ("cost in USD", lambda row: row.usage.cost_usd, False, True),
    ]


def _of_grade(name: str) -> _Value:
    def value(row: Row) -> float | None:
        found = getattr(row.grade, name, None)
        return None if found is None else float(found)

    return value


def _paired(
    pairs: Sequence[tuple[Row, Row]], words: str, value: _Value, is_binary: bool, less_is_better: bool
) -> Paired | None:
    values = [(value(old), value(new)) for old, new in pairs]
    known = np.array([(old, new) for old, new in values if old is not None and new is not None])
    if not len(known):
        return None
    differences = known[:, 1] - known[:, 0]
    gains = -differences if less_is_better else differences
    better, worse = int((gains > 0).sum()), int((gains < 0).sum())
    return Paired(
        measure=words,
        questions=len(known),
        before=float(known[:, 0].mean()),
        after=float(known[:, 1].mean()),
        difference=interval(differences),
        better=better,
        worse=worse,
        less_is_better=less_is_better,
        p=mcnemar(better, worse) if is_binary else None,
    )


_RANKS = {State.ERROR: 0, State.CANCELLED: 0, State.PARTIAL: 1, State.OK: 2}


def _merit(row: Row) -> tuple[float, int]:
    """How good a row is beside another of its question: by the grade's parts first, then the outcome."""
    parts = [getattr(row.grade, name) for name in MEASURES] if row.grade is not None else []
    return sum(float(part) for part in parts if part is not None), _RANKS.get(row.status, 0)
