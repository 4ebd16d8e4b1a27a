"""Says whether a question can be asked, before anything heavy is loaded for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from pydantic import ValidationError

from indexes.clean import clean
from indexes.errors import QuestionRefused
from pipelines.types import Budget, Question

__all__ = ["LONGEST_QUESTION", "Means", "budget_with", "checked"]

LONGEST_QUESTION = 20_000
"""Characters. A longer text is material to answer from, not a question."""


class Means(TypedDict, total=False):
    """What one question may spend, in place of the settings; `None` is no limit."""

    deadline_seconds: float | None
    """From asking to the answer: by then there is one, the best that fits."""
    max_cost_usd: float | None
    max_calls: int | None


def budget_with(budget: Budget, means: Means) -> Budget:
    """Returns the budget with what `means` says in its place.

    Raises:
        QuestionRefused: A limit is negative.
    """
    given = {"max_seconds" if name == "deadline_seconds" else name: value for name, value in means.items()}
    try:
        return Budget.model_validate({**budget.model_dump(), **given})
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        name = str(wrong["loc"][-1]).replace("max_seconds", "deadline_seconds")
        raise QuestionRefused(f"{name} is {wrong['input']!r}: {wrong['msg'].lower()}.") from error


def checked(text: str, collections: Sequence[str] = (), *, budget: Budget | None = None) -> Question:
    """Returns the question, sanitised.

    Args:
        text: In a person's words.
        collections: Where to look; empty means Carrel chooses.
        budget: What it may spend.

    Raises:
        QuestionRefused: It is empty or too long.
    """
    if len(text) > LONGEST_QUESTION:
        raise QuestionRefused(
            f"The question has {len(text):,} characters; at most {LONGEST_QUESTION:,} are read.",
            hint="Put the text in a file, add it with `carrel add FILE`, and ask a short question about it.",
        )
    wanted = clean(text).strip()
    if not wanted:
        raise QuestionRefused("The question is empty.", hint='Write it in quotes: carrel ask "What is ...?"')
    return Question(text=wanted, collections=tuple(collections), budget=budget or Budget())
