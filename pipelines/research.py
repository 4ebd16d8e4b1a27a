"""The heart: a question is classified, routed, searched for, summarised, reasoned about and verified."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import cached_property
from typing import Any

from indexes.errors import CarrelError
from indexes.protocols import LooksAhead, Retriever
from pipelines import cascade, classify, retrieve, route, summarise
from pipelines.again import asked_again
from pipelines.condense import condense_step, needs_context
from pipelines.ending import ending, simpler_policy
from pipelines.events import AskEvent, Done, Failed
from pipelines.graph import CompiledPipeline, Result
from pipelines.journal import Journal
from pipelines.models import Models
from pipelines.person import Person
from pipelines.policy import Policy
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.step import Pipeline, Step, rung
from pipelines.trace import Recorder
from pipelines.types import Answer, Question

__all__ = ["Around", "Research", "following", "research", "unchanged"]

Around = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Puts something around the services of a pipeline, by name."""


def unchanged(services: Mapping[str, Any]) -> Mapping[str, Any]:
    """Puts nothing around them."""
    return services


def research(limits: Limits) -> Pipeline:
    """The research pipeline: what is done, in which order of preference, and within which limits."""
    tries = limits.attempts
    search = Policy(timeout_seconds=limits.search_seconds)
    web = Policy(timeout_seconds=limits.web_seconds, reserve=0.6)
    kind = Policy(timeout_seconds=limits.classify_seconds, attempts=2, cache=True)
    reading = Policy(timeout_seconds=limits.summary_seconds, attempts=tries, cache=True)
    return Pipeline(
        "research",
        takes=("question",),
        gives="answer",
        services=frozenset({"retrievers", "library", "models", "limits"}),
        optional=frozenset({"web", "small", "reasoning"}),
        steps=(
            Step(
                "classify",
                gives="query",
                share=15,
                ladder=(
                    rung(classify.by_cues, search),
                    rung(classify.by_small_model, kind),
                    rung(classify.as_general),
                ),
            ),
            Step("route", gives="route", ladder=(rung(route.choose_route),)),
            Step(
                "search",
                gives="findings",
                share=25,
                over=retrieve.searches,
                each="search",
                ladder=(rung(retrieve.search_one, search, name="search"),),
            ),
            Step(
                "retrieve",
                gives="papers",
                share=25,
                ladder=(
                    rung(retrieve.fused, name="all sources, fused"),
                    rung(retrieve.keyword_everywhere, search, name="keyword alone"),
                    rung(retrieve.from_the_web, web, name="the web", consent="web"),
                    rung(retrieve.nothing_found, name="nothing"),
                ),
            ),
            Step(
                "summarise",
                gives="readings",
                share=30,
                over=summarise.each_paper,
                each="paper",
                unless=summarise.passages_fit,
                ladder=(
                    rung(summarise.by_small_model, reading),
                    rung(summarise.verbatim, name="the passages themselves"),
                ),
            ),
            Step("collect", gives="evidence", ladder=(rung(summarise.collected),)),
            Step(
                "draft",
                gives="first_draft",
                share=15,
                unless=cascade.not_a_cascade,
                ladder=(
                    rung(cascade.drafted, simpler_policy(limits), name="the small model"),
                    rung(cascade.no_draft, name="no draft"),
                ),
            ),
            *ending(limits),
        ),
    )


def following(limits: Limits) -> Pipeline:
    """The same for what somebody says to go on: first it is made into a whole question."""
    whole = research(limits)
    return replace(whole, name="following", takes=("said",), steps=(condense_step(limits), *whole.steps))


class Research:
    """The research pipeline with its services: made once, asked any number of questions at the same time.

    Args:
        library: Pages to verify against.
        retrievers: Searched side by side for every question.
        models: The small and the reasoning model, as far as there are any.
        web: Searched when the others find nothing and the person allows it.
        limits: Numbers and time limits.
        around: Puts something around the services, such as a recording of them.
    """

    def __init__(
        self,
        library: Shelves,
        retrievers: tuple[Retriever, ...],
        *,
        models: Models | None = None,
        web: Retriever | None = None,
        limits: Limits | None = None,
        around: Around = unchanged,
    ) -> None:
        limits, models = limits or Limits(), models or Models()
        self._services: Mapping[str, Any] = around(
            {
                "library": library,
                "retrievers": retrievers,
                "web": web,
                "models": models,
                "small": models.small,
                "reasoning": models.reasoning,
                "limits": limits,
            }
        )
        self._limits = limits
        self._compiled = CompiledPipeline(research(limits))

    @cached_property
    def _compiled_following(self) -> CompiledPipeline:
        return CompiledPipeline(following(self._limits))

    @cached_property
    def _compiled_again(self) -> CompiledPipeline:
        return CompiledPipeline(asked_again(self._limits))

    async def stream(
        self, question: Question, *, person: Person | None = None, journal: Journal | None = None
    ) -> AsyncGenerator[AskEvent]:
        """Yields what happens, and last `Done` or `Failed`. Closing the iterator cancels the question.

        Args:
            question: What is asked, and what it may spend.
            person: Who can be asked on the way; nobody by default.
            journal: Keeps what is paid for, so that a run that was stopped pays for nothing twice.
        """
        compiled, inputs = self._meant(question)
        for retriever in self._services["retrievers"] if "question" in inputs else ():
            if isinstance(retriever, LooksAhead):
                retriever.ahead(question.text)  # while it is classified: a vector needs nothing of that
        run = compiled.stream(
            inputs,
            self._services,
            person=person,
            budget=question.budget,
            journal=journal,
            finish=_with_record,
        )
        async with aclosing(run) as events:
            try:
                async for event in events:
                    yield Done(answer=event.value) if isinstance(event, Result) else event
            except CarrelError as error:
                yield Failed(
                    kind=error.kind, message=error.message, hint=error.hint, exit_code=error.exit_code
                )

    def _meant(self, question: Question) -> tuple[CompiledPipeline, dict[str, Any]]:
        """The pipeline for a question and what it takes: asked again, said to go on, or new."""
        if question.again is not None:
            return self._compiled_again, {"again": question.again}
        if question.follows is not None and needs_context(question.text):
            return self._compiled_following, {"said": question}
        return self._compiled, {"question": question}


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
