"""Which steps and models a question is worth, and the reason in words."""

from __future__ import annotations

from pipelines.events import Routed
from pipelines.models import Models
from pipelines.settings import Limits
from pipelines.trace import Recorder
from pipelines.types import Kind, Query, Route

__all__ = ["choose_route", "papers_wanted", "reading_limits"]

_NARROW = (Kind.FACT, Kind.DEFINITION)
_NO_MODEL = (
    "No model is configured: answers are made of sentences taken word for word from the papers. "
    "The command “carrel models” says how to name one."
)


async def choose_route(query: Query, models: Models, limits: Limits, recorder: Recorder) -> Route:
    """Chooses the cheapest route that will do for this kind of question and these models."""
    route = _route(query, models, limits)
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


def _route(query: Query, models: Models, limits: Limits) -> Route:
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
    if limits.cascade.on and models.small is not None and query.kind in limits.cascade.kinds:
        why = f"{kind}; the small model drafts, the reasoning model is asked if that is doubtful: {reads}."
        drafting = ("search", "retrieve", "summarise", "draft", "reason", "verify")
        return Route(name="cascade", steps=drafting, models=models.names, why=why)
    why = f"{kind}; summaries only if the passages do not fit, then the reasoning model: {reads}."
    return Route(name="full", steps=steps, models=models.names, why=why)
