"""Says whether a question can be asked, before anything heavy is loaded for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from pydantic import ValidationError

from indexes.clean import clean, clean_line
from indexes.errors import CarrelError, QuestionRefused
from indexes.query import parse_query
from pipelines.condense import needs_context
from pipelines.types import Again, Answer, Budget, Earlier, Question

__all__ = [
    "LONGEST_QUESTION",
    "How",
    "Where",
    "asked_again",
    "budget_with",
    "checked",
    "earlier",
    "goes_on",
    "less",
]

LONGEST_QUESTION = 20_000
"""Characters. A longer text is material to answer from, not a question."""

_LEAST_SECONDS = 0.1
"""What is left of a deadline that has passed while the library was opened: enough for the last rungs."""


class How(TypedDict, total=False):
    """How one question is asked: whatever is left out is as the settings have it."""

    collections: Sequence[str]
    """Where to look; empty means Carrel chooses."""
    deadline_seconds: float | None
    """From asking to the answer: by then there is one, the best that fits."""
    max_cost_usd: float | None
    max_calls: int | None
    resume: str
    """The run of a question that was stopped or killed (`answer.run`, or `last`): it is asked again, and what
    was kept of it is not paid for again."""
    follows: Answer
    """The answer that this question follows on: "and in mice?" is made into a whole question with it."""
    again: str
    """`deeper`, `web`, or the name of a model: the question of `follows` is asked once more, on the evidence
    that its answer has."""
    beside: str
    """A text to answer from beside the library, such as what was piped in; it is not added to the library."""
    record: str | Path | None
    """A file that does not exist yet, to record the question in for `replay`; it holds text of the papers."""


class Where(TypedDict, total=False):
    """What a search finds: whatever is left out is as it usually is."""

    limit: int
    """Most hits, 10 unless said otherwise; passages of one page that touch come as one."""
    collections: Sequence[str]
    """Where to look; empty means everywhere."""
    per_document: int | None
    """Most passages of one paper before every other has had its turn; `None` for any number."""


_LIMITS = {"deadline_seconds": "max_seconds", "max_cost_usd": "max_cost_usd", "max_calls": "max_calls"}


def budget_with(budget: Budget, how: How) -> Budget:
    """Returns the budget with the limits that `how` names in its place.

    Raises:
        QuestionRefused: A limit is negative.
    """
    given = {_LIMITS[name]: value for name, value in how.items() if name in _LIMITS}
    try:
        return Budget.model_validate({**budget.model_dump(), **given})
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        name = next(name for name, field in _LIMITS.items() if field == wrong["loc"][-1])
        raise QuestionRefused(f"{name} is {wrong['input']!r}: {wrong['msg'].lower()}.") from error


def checked(
    text: str,
    collections: Sequence[str] = (),
    *,
    budget: Budget | None = None,
    filters_alone: bool = False,
) -> Question:
    """Returns the question, sanitised.

    Args:
        text: In a person's words.
        collections: Where to look; empty means Carrel chooses.
        budget: What it may spend.
        filters_alone: Whether it needs no words beside its filters, as a search does not.

    Raises:
        QuestionRefused: It is empty or too long.
        FilterRefused: A filter in it cannot be one.
    """
    if len(text) > LONGEST_QUESTION:
        raise QuestionRefused(
            f"The question has {len(text):,} characters; at most {LONGEST_QUESTION:,} are read.",
            hint="Put the text in a file, add it with `carrel add FILE`, and ask a short question about it.",
        )
    wanted = clean(text).strip()
    if not wanted:
        raise QuestionRefused("The question is empty.", hint='Write it in quotes: carrel ask "What is ...?"')
    if not parse_query(wanted).text and not filters_alone:
        raise QuestionRefused(
            "The question has filters and no words.",
            hint=f'Add what to look for: {clean_line(wanted, 60)} "..."',
        )
    return Question(text=wanted, collections=tuple(collections), budget=budget or Budget())


def earlier(answer: Answer) -> Earlier:
    """The question of an answer, for one that follows on it."""
    return Earlier(run=answer.run, id=answer.question_id, text=answer.query.for_library)


def asked_again(answer: Answer, again: str, *, budget: Budget | None = None) -> Question:
    """Returns an answer's question, to be asked once more on the evidence that the answer has.

    Args:
        answer: The one there is.
        again: `deeper`, `web`, or the name of a model.
        budget: What it may spend.

    Raises:
        QuestionRefused: There is no evidence to answer from, and the web is not to add any.
    """
    if not answer.evidence and again != "web":
        raise QuestionRefused(
            "That answer has no evidence that it could be asked again on.", hint="Ask the web, or add papers."
        )
    wanted = Again(
        how="deeper" if again == "deeper" else "web" if again == "web" else "model",
        model=again if again not in ("deeper", "web") else "",
        query=answer.query,
        evidence=answer.evidence,
    )
    return Question(
        text=answer.query.for_library,
        budget=budget or Budget(),
        follows=earlier(answer),
        again=wanted,
    )


def goes_on(text: str) -> bool:
    """Whether a question goes on from the one before it and has to be made whole; by its wording alone."""
    try:
        return needs_context(clean(text).strip())
    except CarrelError:
        return False  # a filter in it cannot be one, which is told when it is asked


def less(question: Question, seconds: float) -> Question:
    """The question with its deadline nearer by the seconds that opening the library has taken."""
    limit = question.budget.max_seconds
    if limit is None:
        return question
    left = max(limit - seconds, _LEAST_SECONDS)
    return question.model_copy(update={"budget": question.budget.model_copy(update={"max_seconds": left})})
