"""Which steps and models a question is worth, and the reason in words."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.events import Routed
from pipelines.learned import Lesson
from pipelines.learned import lesson as lesson_of
from pipelines.models import Models
from pipelines.settings import Limits
from pipelines.trace import Recorder
from pipelines.types import Kind, Query, Question, Route, Tally

__all__ = ["choose_route", "papers_wanted", "reading_limits"]

_NARROW = (Kind.FACT, Kind.DEFINITION)
_NO_MODEL = (
    "No model is configured: answers are made of sentences taken word for word from the papers. "
    "The command “carrel models” says how to name one."
)


async def choose_route(
    question: Question, query: Query, models: Models, limits: Limits, recorder: Recorder
) -> Route:
    """Chooses the cheapest route that will do for this kind of question and these models.

    Whether the small model drafts first can be learnt from what the person said of earlier answers.
    """
    route = _route(query, models, limits, question.tallies)
    if not models.names:
        recorder.note(_NO_MODEL)
    recorder.emit(Routed(route=route))
    return route


def reading_limits(limits: Limits, models: Models) -> Limits:
    """The limits that passages are read within: wider where no model has to be given, or paid for, any."""
    if models.names:
        return limits
    wider = {"hits": 5 * limits.hits // 2, "papers": 3 * limits.papers // 2}
    return limits.model_copy(update={**wider, "passages_per_paper": 3 * limits.passages_per_paper})


def papers_wanted(query: Query, limits: Limits) -> int:
    """How many papers are read: half as many for a narrow question as for a wide one."""
    return max(1, limits.papers // 2) if query.kind in _NARROW else limits.papers


def _route(query: Query, models: Models, limits: Limits, tallies: Sequence[Tally] = ()) -> Route:
    where = f"in {', '.join(query.domain)}" if query.domain else "in every collection"
    reads = f"{papers_wanted(query, reading_limits(limits, models))} papers at most, {where}"
    kind = f"A {query.kind.value} question"
    if not models.names:
        return Route(
            name="extractive",
            steps=("search", "retrieve", "reason", "verify"),
            why=f"{kind}; no model is configured, so the best sentences answer: {reads}.",
        )
    steps = ("search", "retrieve", "summarise", "reason", "verify")
    if models.reasoning is None:
        why = f"{kind}; only a small model is configured, so it reads and answers: {reads}."
        return Route(name="small", steps=steps, models=models.names, why=why)
    learnt = _learnt(query, models, limits, tallies)
    drafts = limits.cascade.on and models.small is not None and query.kind in limits.cascade.kinds
    lesson = f" {learnt.why[:1].upper()}{learnt.why[1:]}." if learnt else ""
    if learnt.draft_first if learnt else drafts:
        doubtful = "the small model drafts, the reasoning model is asked if that is doubtful"
        why = f"{kind}; {doubtful}: {reads}.{lesson}"
        drafting = ("search", "retrieve", "summarise", "draft", "reason", "verify")
        return Route(name="cascade", steps=drafting, models=models.names, why=why)
    why = f"{kind}; summaries only if the passages do not fit, then the reasoning model: {reads}.{lesson}"
    return Route(name="full", steps=steps, models=models.names, why=why)


def _learnt(query: Query, models: Models, limits: Limits, tallies: Sequence[Tally]) -> Lesson | None:
    """What marks say about drafting; where the cascade is off, or there is nothing to choose, nothing."""
    if models.small is None or models.reasoning is None or not limits.cascade.on:
        return None
    return lesson_of(
        query.kind,
        tallies,
        small=models.small.settings.name,
        reasoning=models.reasoning.settings.name,
        learning=limits.learning,
    )
