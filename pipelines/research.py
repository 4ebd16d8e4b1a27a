"""The heart: a question is classified, routed, searched for, summarised, reasoned about and verified."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from indexes.errors import CarrelError
from indexes.protocols import Retriever
from pipelines import classify, reason, retrieve, route, summarise, verify
from pipelines.events import AskEvent, Done, Failed
from pipelines.graph import CompiledPipeline, Result
from pipelines.models import Models
from pipelines.person import Consent, Person
from pipelines.policy import Policy
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.step import Pipeline, Step, rung
from pipelines.trace import Recorder
from pipelines.types import Answer, Question

__all__ = ["Research", "research", "web_consent"]


def research(limits: Limits) -> Pipeline:
    """The research pipeline: what is done, in which order of preference, and within which limits."""
    return Pipeline(
        "research",
        takes=("question",),
        gives="answer",
        services=frozenset({"retrievers", "library", "web", "small", "reasoning", "models", "limits"}),
        steps=(
            Step(
                "classify",
                gives="query",
                ladder=(
                    rung(classify.by_cues, _within(limits.search_seconds)),
                    rung(classify.by_small_model, _within(limits.classify_seconds)),
                    rung(classify.as_general),
                ),
            ),
            Step("route", gives="route", ladder=(rung(route.choose_route),)),
            Step(
                "search",
                gives="findings",
                over=retrieve.searches,
                each="search",
                ladder=(rung(retrieve.search_one, _within(limits.search_seconds), name="search"),),
            ),
            Step(
                "retrieve",
                gives="papers",
                ladder=(
                    rung(retrieve.fused, name="all sources, fused"),
                    rung(
                        retrieve.keyword_everywhere,
                        _within(limits.search_seconds),
                        name="keyword in every collection",
                    ),
                    rung(retrieve.from_the_web, _within(limits.web_seconds), name="the web", consent="web"),
                    rung(retrieve.nothing_found, name="nothing"),
                ),
            ),
            Step(
                "summarise",
                gives="readings",
                over=summarise.each_paper,
                each="paper",
                unless=summarise.passages_fit,
                ladder=(
                    rung(
                        summarise.by_small_model, Policy(timeout_seconds=limits.summary_seconds, attempts=2)
                    ),
                    rung(summarise.verbatim, name="the passages themselves"),
                ),
            ),
            Step("collect", gives="evidence", ladder=(rung(summarise.collected),)),
            Step(
                "reason",
                gives="draft",
                unless=reason.nothing_to_reason_from,
                ladder=(
                    rung(
                        reason.by_reasoning_model, _within(limits.reason_seconds), name="the reasoning model"
                    ),
                    rung(
                        reason.by_simpler_summary, _within(limits.simpler_seconds), name="a simpler summary"
                    ),
                    rung(reason.extractively, name="the best sentences, verbatim"),
                ),
            ),
            Step("verify", gives="answer", ladder=(rung(verify.check_citations),)),
        ),
    )


class Research:
    """The research pipeline with its services: made once, asked any number of questions at the same time.

    Args:
        library: Pages to verify against.
        retrievers: Searched side by side for every question.
        models: The small and the reasoning model, as far as there are any.
        web: Searched when the others find nothing and the person allows it.
        limits: Numbers and time limits.
    """

    def __init__(
        self,
        library: Shelves,
        retrievers: tuple[Retriever, ...],
        *,
        models: Models | None = None,
        web: Retriever | None = None,
        limits: Limits | None = None,
    ) -> None:
        limits, models = limits or Limits(), models or Models()
        self._services: Mapping[str, Any] = {
            "library": library,
            "retrievers": retrievers,
            "web": web,
            "models": models,
            "small": models.small,
            "reasoning": models.reasoning,
            "limits": limits,
        }
        self._compiled = CompiledPipeline(research(limits))

    async def stream(self, question: Question, *, person: Person | None = None) -> AsyncGenerator[AskEvent]:
        """Yields what happens, and last `Done` or `Failed`. Closing the iterator cancels the question."""
        run = self._compiled.stream(
            {"question": question}, self._services, person=person, finish=_with_record
        )
        async with aclosing(run) as events:
            try:
                async for event in events:
                    yield Done(answer=event.value) if isinstance(event, Result) else event
            except CarrelError as error:
                yield Failed(
                    kind=error.kind, message=error.message, hint=error.hint, exit_code=error.exit_code
                )


def web_consent(setting: Any) -> Consent:
    """How the web is asked for: the search goes out with the question's own words, to one search engine."""
    return Consent(
        setting=setting,
        prompt=lambda needs: f"Nothing fitting in your library. Search the web for “{needs['query'].text}”?",
        refusal="The web was not searched: it is not allowed."
        if setting == "never"
        else "The web was not searched: nobody allowed it.",
    )


def _within(seconds: float) -> Policy:
    return Policy(timeout_seconds=seconds)


def _with_record(answer: Answer, recorder: Recorder) -> Answer:
    """The answer with what it took to get there."""
    return answer.model_copy(
        update={
            "degraded": recorder.degraded,
            "notes": recorder.notes,
            "usage": recorder.usage,
            "trace": recorder.trace,
        }
    )
