"""Says whether a question can be asked, before anything heavy is loaded for it."""

from __future__ import annotations

from collections.abc import Sequence

from indexes.clean import clean
from indexes.errors import QuestionRefused
from pipelines.types import Question

__all__ = ["LONGEST_QUESTION", "checked"]

LONGEST_QUESTION = 20_000
"""Characters. A longer text is material to answer from, not a question."""


def checked(text: str, collections: Sequence[str] = ()) -> Question:
    """Returns the question, sanitised.

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
    return Question(text=wanted, collections=tuple(collections))
