"""Runs a declared pipeline on LangGraph; the only file that knows LangGraph."""

from __future__ import annotations

import operator
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, cast

from indexes.types import Model
from pipelines.budget import Allowance, Slice
from pipelines.drawing import to_mermaid
from pipelines.errors import PipelineInvalid, StepFailed
from pipelines.events import AskEvent, StepSkipped
from pipelines.journal import Journal
from pipelines.ladder import Climb, failed_branch
from pipelines.person import Person
from pipelines.step import RECORDER, Pipeline, Skipped, Step, needs_of
from pipelines.trace import Recorder
from pipelines.types import Budget

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["CompiledPipeline", "Result"]

_ITEM = "__item__"


class Result(Model):
    """The last thing a run yields: the pipeline's value."""

    value: Any


@dataclass(frozen=True)
class _Branch:
    """One item of a fan-out on its way through the graph."""

    number: int
    item: Any
    value: Any = None
    failed: bool = False


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
        from langgraph.config import get_stream_writer

        recorder = Recorder(
            lambda event: get_stream_writer()(event), allowance=Allowance(budget), journal=journal
        )
        run = _Run(recorder, services, person or Person())
        value: Any = None
        events = self._graph.astream(
            dict(inputs), context=run, stream_mode=["custom", "values"], config=_CONFIG
        )
        async with aclosing(cast("Any", events)) as parts:
            async for mode, part in parts:
                if mode == "custom":
                    yield part
                else:
                    value = part.get(self.pipeline.gives)
        yield Result(value=finish(value, recorder))

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


def _compile(pipeline: Pipeline) -> CompiledStateGraph[Any, Any, Any, Any]:
    from langgraph.graph import END, START, StateGraph

    state = TypedDict("State", _channels(pipeline))  # type: ignore[misc]
    graph: Any = StateGraph(cast("Any", state), context_schema=_Run)
    for step in pipeline.steps:
        try:
            _add(graph, step, pipeline.after(step))
        except ValueError as error:
            raise PipelineInvalid(f"A step cannot be called {step.name!r}: {error}") from error
    for step in pipeline.steps:
        before = sorted(_last_node(pipeline, name) for name in _direct(pipeline, step))
        graph.add_edge(before if len(before) > 1 else (before or [START])[0], _first_node(step))
    graph.add_edge(_last_node(pipeline, pipeline.givers[pipeline.gives].name), END)
    return cast("CompiledStateGraph[Any, Any, Any, Any]", graph.compile(name=pipeline.name))


def _channels(pipeline: Pipeline) -> dict[str, Any]:
    channels: dict[str, Any] = dict.fromkeys((*pipeline.takes, *pipeline.givers), Any)
    for step in pipeline.steps:
        if step.over is not None:
            channels[_branches(step)] = Annotated[list, operator.add]
    return channels


def _direct(pipeline: Pipeline, step: Step) -> set[str]:
    """The steps `step` waits for, without those that another of them waits for anyway."""
    before = set(pipeline.before(step))
    return {
        name for name in before if not any(name in _all_before(pipeline, other) for other in before - {name})
    }


def _all_before(pipeline: Pipeline, name: str) -> set[str]:
    step = next(step for step in pipeline.steps if step.name == name)
    found = set(pipeline.before(step))
    for earlier in tuple(found):
        found |= _all_before(pipeline, earlier)
    return found


def _add(graph: Any, step: Step, after: float) -> None:
    if step.over is None:
        graph.add_node(step.name, _single(step, after))
    else:
        _add_fan_out(graph, step, after)


def _single(step: Step, after: float) -> Any:
    async def node(state: dict[str, Any], runtime: Any) -> dict[str, Any]:
        run: _Run = runtime.context
        needs = {**run.services, **state}
        if skipped := _skipped(step, needs, run):
            return {step.gives: skipped.value}
        run.begin(step, after)
        return {step.gives: await run.climb(step, needs).value()}

    return node


def _add_fan_out(graph: Any, step: Step, after: float) -> None:
    """Three nodes: plan the branches, run each, gather what came of them."""
    from langgraph.types import Send

    over = step.over
    assert over is not None

    async def plan(state: dict[str, Any], runtime: Any) -> dict[str, Any]:
        run: _Run = runtime.context
        run.begin(step, after)
        skipped = _skipped(step, {**run.services, **state}, run)
        return {step.gives: skipped.value} if skipped else {}

    # Async, although it awaits nothing: LangGraph gives a plain function to a thread.
    async def branches(state: dict[str, Any], runtime: Any) -> Any:
        if step.gives in state and state[step.gives] is not None:
            return f"{step.name} (gather)"
        needs = {**runtime.context.services, **state}
        items = over(**{name: needs[name] for name in needs_of(over)})
        sends = [
            Send(f"{step.name} (branch)", {**state, _ITEM: _Branch(number, item)})
            for number, item in enumerate(items)
        ]
        return sends or f"{step.name} (gather)"

    async def branch(state: dict[str, Any], runtime: Any) -> dict[str, Any]:
        run: _Run = runtime.context
        this: _Branch = state[_ITEM]
        needs = {**run.services, **state, step.each: this.item}
        label = str(getattr(this.item, "label", this.item))
        try:
            value = await run.climb(step, needs, branch=label).value()
        except StepFailed as error:
            run.recorder.fell_back(failed_branch(step, label, error), branch=label)
            return {_branches(step): [_Branch(this.number, None, failed=True)]}
        return {_branches(step): [_Branch(this.number, None, value)]}

    async def gather(state: dict[str, Any]) -> dict[str, Any]:
        if state.get(step.gives) is not None:
            return {}
        arrived = sorted(state.get(_branches(step)) or [], key=lambda arrival: arrival.number)
        return {step.gives: tuple(arrival.value for arrival in arrived if not arrival.failed)}

    graph.add_node(f"{step.name} (plan)", plan)
    graph.add_node(f"{step.name} (branch)", branch, input_schema=dict)
    graph.add_node(f"{step.name} (gather)", gather)
    graph.add_conditional_edges(
        f"{step.name} (plan)", branches, [f"{step.name} (branch)", f"{step.name} (gather)"]
    )
    graph.add_edge(f"{step.name} (branch)", f"{step.name} (gather)")


def _skipped(step: Step, needs: Mapping[str, Any], run: _Run) -> Skipped | None:
    if step.unless is None:
        return None
    arguments = {n: run.recorder if n == RECORDER else needs.get(n) for n in needs_of(step.unless)}
    skipped = step.unless(**arguments)
    if skipped is not None:
        run.recorder.emit(StepSkipped(step=step.name, why=skipped.why))
    return skipped


def _first_node(step: Step) -> str:
    return step.name if step.over is None else f"{step.name} (plan)"


def _last_node(pipeline: Pipeline, name: str) -> str:
    step = next(step for step in pipeline.steps if step.name == name)
    return step.name if step.over is None else f"{step.name} (gather)"


def _branches(step: Step) -> str:
    return f"{step.gives}: branches"
