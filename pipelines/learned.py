"""What marks of "it helped" say about who should answer a kind of question first, once there are enough."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log

from indexes.types import Model
from pipelines.settings import Learning
from pipelines.types import Kind, Tally

__all__ = ["Lesson", "lesson", "probability_better"]


class Lesson(Model):
    """What was learnt for one kind of question."""

    draft_first: bool
    """Whether the small model drafts first."""
    why: str
    """In words, with the numbers it rests on."""


def lesson(
    kind: Kind, tallies: Sequence[Tally], *, small: str, reasoning: str, learning: Learning
) -> Lesson | None:
    """Returns which of two models helps more with a kind of question; `None` as long as that is not known.

    The share of helpful answers of each has a Beta posterior (uniform prior, Bernoulli marks: Gelman et al.,
    Bayesian Data Analysis, 3rd ed., section 2.4), and the probability that one share is above the other
    decides. Nothing changes before both models have enough marks and that probability is high.

    Args:
        kind: Of the question.
        tallies: All marks there are.
        small: Name of the small model.
        reasoning: Name of the reasoning model.
        learning: How many marks are enough, and how sure one has to be.
    """
    if not learning.on or small == reasoning:
        return None
    cheap, strong = _of(tallies, kind, small), _of(tallies, kind, reasoning)
    if min(cheap.helped + cheap.not_helped, strong.helped + strong.not_helped) < learning.marks:
        return None
    strong_is_better = probability_better(strong, cheap)
    if max(strong_is_better, 1 - strong_is_better) < learning.sure:
        return None
    draft_first = strong_is_better < 0.5
    sure = 1 - strong_is_better if draft_first else strong_is_better
    numbers = f"{_said(cheap)}, {_said(strong)}"
    who = f"{small} drafts first" if draft_first else f"{reasoning} answers at once"
    return Lesson(draft_first=draft_first, why=f"learnt from your marks ({numbers}; {sure:.0%} sure): {who}")


def probability_better(one: Tally, other: Tally) -> float:
    """The probability that the share of helpful answers behind `one` is above that behind `other`.

    Both shares have the posterior Beta(1 + helped, 1 + not helped); the sum is exact (E. Miller, "Formulas
    for Bayesian A/B testing", 2015, after J. D. Cook, "Exact calculation of beta inequalities", 2005).
    """
    alpha, beta = 1 + other.helped, 1 + other.not_helped
    better_alpha, better_beta = 1 + one.helped, 1 + one.not_helped
    return sum(
        exp(
            _log_beta(alpha + number, beta + better_beta)
            - log(better_beta + number)
            - _log_beta(1 + number, better_beta)
            - _log_beta(alpha, beta)
        )
        for number in range(better_alpha)
    )


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _of(tallies: Sequence[Tally], kind: Kind, author: str) -> Tally:
    found = [each for each in tallies if each.kind is kind and each.author == author]
    return found[0] if found else Tally(kind=kind, author=author)


def _said(tally: Tally) -> str:
    return f"{tally.helped} of {tally.helped + tally.not_helped} answers by {tally.author} helped"
