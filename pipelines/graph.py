"""Runs a declared pipeline on LangGraph; the only file that knows LangGraph."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from indexes.errors import CarrelError
from indexes.types import Model
from pipelines.budget import Allowance, Slice
from pipelines.drawing import to_mermaid
from pipelines.errors import StepFailed
from pipelines.events import AskEvent, StepSkipped
from pipelines.journal import Journal
from pipelines.ladder import Climb, failed_branch
from pipelines.person import Person
from pipelines.step import RECORDER, Pipeline, Skipped, Step, needs_of
from pipelines.trace import Recorder
from pipelines.types import Budget

if TYPE_CHECKING:
    from langgraph.pregel import Pregel

__all__ = ["CompiledPipeline", "Result"]


class Result(Model):
    """The last thing a run yields: the pipeline's value."""

    value: Any


@dataclass
class _Run:
    """What every step of one run shares; never part of the graph's state."""

    recorder: Recorder
    services: Mapping[str, Any]
    person: Person
    slices: dict[str, Slice] = field(default_factory=dict)
    """What each step that has begun has of the question's time."""

    def climb(self, step: Step, needs: Mapping[str, Any], *, branch: str = "") -> Climb:
        """The way down the step's ladder; its time has begun with `begin`."""
        return Climb(step, needs, self.recorder, self.person, self.slices[step.name], branch)

    def begin(self, step: Step, after: float) -> None:
        """Gives the step its slice of the time left."""
        self.slices[step.name] = self.recorder.allowance.slice_for(step.share, after=after)


class CompiledPipeline:
    """A pipeline made ready once and run for any number of questions at the same time.

    Raises:
        PipelineInvalid: A step has a name that a graph cannot have.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._graph = _compile(pipeline)

    async def stream(
        self,
        inputs: Mapping[str, Any],
        services: Mapping[str, Any],
        *,
        person: Person | None = None,
        budget: Budget | None = None,
        journal: Journal | None = None,
        finish: Callable[[Any, Recorder], Any] = lambda value, recorder: value,
    ) -> AsyncGenerator[AskEvent | Result]:
        """Yields each event as it happens, and last the `Result`. Closing the iterator cancels the run.

        Args:
            inputs: The pipeline's inputs by name.
            services: Models, retrievers and whatever else the rungs ask for, by name; `None` is absent.
            person: Asked before a rung that needs consent; nobody by default.
            budget: What the run may spend; its seconds are divided over the steps.
            journal: Where results are kept before they are used.
            finish: Makes the result from the value and the complete record.

        Raises:
            StepFailed: Every rung of a step that others wait for has failed.
            Stopped: A person chose to stop.
        """
        events: asyncio.Queue[AskEvent | None] = asyncio.Queue()
        recorder = Recorder(events.put_nowait, allowance=Allowance(budget), journal=journal)
        run = _Run(recorder, services, (person or Person()).with_defaults(self.pipeline.consents))
        running = asyncio.ensure_future(self._graph.ainvoke(dict(inputs), context=run, config=_CONFIG))
        running.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            yield Result(value=finish(await running, recorder))
        finally:
            running.cancel()
            await asyncio.wait([running])

    async def run(
        self,
        inputs: Mapping[str, Any],
        services: Mapping[str, Any],
        *,
        person: Person | None = None,
        budget: Budget | None = None,
        journal: Journal | None = None,
        finish: Callable[[Any, Recorder], Any] = lambda value, recorder: value,
    ) -> Any:
        """The value alone, for who needs no events; arguments and errors are those of `stream`."""
        events = self.stream(inputs, services, person=person, budget=budget, journal=journal, finish=finish)
        async with aclosing(events):
            return [event.value async for event in events if isinstance(event, Result)][-1]

    def draw(self) -> str:
        """The pipeline as a Mermaid diagram."""
        return to_mermaid(self.pipeline)


# LangGraph's own brake is far beyond what a declared pipeline can reach: its steps form no loop.
_CONFIG: Any = {"recursion_limit": 100}


def _compile(pipeline: Pipeline) -> Pregel[Any, Any, Any, Any]:
    """The pipeline as a LangGraph workflow of tasks, each waiting for those whose values it needs.

    Tasks rather than the nodes and edges of a state graph: those run in rounds, and a step would wait for the
    slowest of the round before it although it needs nothing of that one.
    """
    from langgraph.func import entrypoint, task

    made: Any = task  # its overloads do not know a function that takes a run
    tasks: dict[str, Callable[..., Awaitable[Any]]] = {
        step.name: made(name=step.name)(_body(step, pipeline.after(step))) for step in pipeline.steps
    }

    async def flow(inputs: dict[str, Any], *, runtime: Any) -> Any:
        run: _Run = runtime.context
        values: dict[str, asyncio.Task[Any]] = {}

        async def value(step: Step) -> Any:
            given = {name: await values[name] for name in step.needs if name in values}
            needs = {**run.services, **inputs, **given}
            skipped = _skipped(step, needs, run)
            return skipped.value if skipped else await tasks[step.name](run, needs)

        try:
            async with asyncio.TaskGroup() as group:
                for step in pipeline.in_order:
                    values[step.gives] = group.create_task(value(step), name=step.name)
        except* CarrelError as errors:
            raise errors.exceptions[0] from None
        return values[pipeline.gives].result()

    flow.__name__ = pipeline.name
    return cast("Pregel[Any, Any, Any, Any]", entrypoint(context_schema=_Run)(flow))


def _body(step: Step, after: float) -> Callable[..., Any]:
    async def body(run: _Run, needs: Mapping[str, Any]) -> Any:
        run.begin(step, after)
        if step.over is None:
            return await run.climb(step, needs).value()
        return await _fanned_out(step, step.over, needs, run)

    return body


async def _fanned_out(step: Step, over: Callable[..., Any], needs: Mapping[str, Any], run: _Run) -> Any:
    """The results of all branches, in the order of their items; a failed one is left out and recorded."""

    async def branch(item: Any) -> tuple[Any, ...]:
        label = str(getattr(item, "label", item))
        try:
            return (await run.climb(step, {**needs, step.each: item}, branch=label).value(),)
        except StepFailed as error:
            run.recorder.fell_back(failed_branch(step, label, error), branch=label)
            return ()

    items = over(**{name: needs[name] for name in needs_of(over)})
    try:
        async with asyncio.TaskGroup() as group:
            branches = [group.create_task(branch(item)) for item in items]
    except* CarrelError as errors:
        raise errors.exceptions[0] from None
    return tuple(value for each in branches for value in each.result())


def _skipped(step: Step, needs: Mapping[str, Any], run: _Run) -> Skipped | None:
    if step.unless is None:
        return None
    arguments = {n: run.recorder if n == RECORDER else needs.get(n) for n in needs_of(step.unless)}
    skipped = step.unless(**arguments)
    if skipped is not None:
        run.recorder.emit(StepSkipped(step=step.name, why=skipped.why))
    return skipped
