"""How a pipeline is declared: steps with their needs, and beside each step its ladder and policy.

A function's parameter names are its needs: a value that another step gives, an input of the pipeline,
a service, or `recorder`. Nothing else connects the steps; what can run side by side follows from the names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from pipelines.errors import PipelineInvalid
from pipelines.person import Consent
from pipelines.policy import Policy

__all__ = ["Pipeline", "Rung", "Skipped", "Step", "needs_of", "rung"]

RECORDER = "recorder"
"""The need that is always there: the question's own `Recorder`."""
PERSON = "person"
"""The other one: whoever can be asked."""
ALWAYS_THERE = frozenset({RECORDER, PERSON})


@lru_cache(maxsize=1024)
def needs_of(function: Callable[..., object]) -> tuple[str, ...]:
    """The names of the values and services that `function` asks for."""
    return tuple(inspect.signature(function).parameters)


@dataclass(frozen=True)
class Skipped:
    """Says that a step is not needed: the value that stands in for its result, and why."""

    value: object
    why: str


@dataclass(frozen=True)
class Rung:
    """One way to do a step."""

    run: Callable[..., Any]
    """An async function; it raises to hand over to the next rung."""
    policy: Policy = field(default_factory=Policy)
    name: str = ""
    """How it is called in the trace and in the answer's fallbacks."""
    consent: str = ""
    """What a person must allow first, such as `web`; empty when nothing needs to be asked."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of what it asks for. A rung whose service is absent is left out of the ladder."""
        return needs_of(self.run)


def rung(
    run: Callable[..., Any], policy: Policy | None = None, *, name: str | None = None, consent: str = ""
) -> Rung:
    """Declares a rung, named after its function unless `name` says otherwise."""
    return Rung(run, policy or Policy(), name or run.__name__.replace("_", " "), consent)


@dataclass(frozen=True)
class Step:
    """A verb, the noun it gives, and the ladder of ways to get there."""

    name: str
    gives: str
    ladder: Sequence[Rung]
    """Best first. The first rung that succeeds gives the value."""
    over: Callable[..., Any] | None = None
    """Makes the step run once for each item this function returns, all at the same time. The value is then
    the tuple of results in the items' order; a branch whose whole ladder failed is left out and recorded."""
    each: str = "item"
    """The need under which a rung gets its item."""
    unless: Callable[..., Skipped | None] | None = None
    """Called first; a `Skipped` takes the step's place."""
    share: float = 1.0
    """Weight of this step when a deadline is divided: of the time left it gets its share against the shares
    of the steps after it, along the heaviest way."""
    ask_before_last: str = ""
    """What a person is asked when better rungs have failed and only the last is left, such as `models
    failed`: to take it, to try the ladder again, or to stop. Empty asks nothing."""

    @property
    def needs(self) -> frozenset[str]:
        """All that the step asks for, its own item apart."""
        functions: list[Callable[..., object]] = [each.run for each in self.ladder]
        functions += [function for function in (self.over, self.unless) if function]
        names = {name for function in functions for name in needs_of(function)}
        return frozenset(names - ALWAYS_THERE - ({self.each} if self.over else set()))


@dataclass(frozen=True)
class Pipeline:
    """Steps that turn inputs into one value.

    Raises:
        PipelineInvalid: A step without a ladder or without a last rung that is always there, a policy that
            cannot hold, two steps of one name or with the same value, a value that is there already, steps
            that wait for each other, or a pipeline whose own value no step gives. The message names the step.
    """

    name: str
    takes: tuple[str, ...]
    """Names of the inputs."""
    gives: str
    """Name of the value that is the pipeline's result."""
    steps: Sequence[Step]
    services: frozenset[str] = field(default=frozenset())
    """Names of the services that the rungs may ask for and that are always there."""
    optional: frozenset[str] = field(default=frozenset())
    """Names of the services that may be absent: a rung that asks for one is then left out of its ladder."""
    consents: Mapping[str, Consent] = field(default_factory=dict)
    """How what a person decides is asked for, by name; a `Person` with consents of its own goes before."""

    def __post_init__(self) -> None:
        givers = self.givers
        if len(givers) != len(self.steps):
            raise PipelineInvalid(f"Two steps of pipeline {self.name!r} give the same value.")
        names = [step.name for step in self.steps]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise PipelineInvalid(f"Two steps of pipeline {self.name!r} are called {twice!r}.")
        if self.gives not in givers:
            raise PipelineInvalid(f"No step of pipeline {self.name!r} gives {self.gives!r}.")
        for step in self.steps:
            self._check(step)
        _ = self.in_order  # refuses a cycle

    @property
    def givers(self) -> dict[str, Step]:
        """Which step gives which value."""
        return {step.gives: step for step in self.steps}

    def before(self, step: Step) -> frozenset[str]:
        """Names of the steps that `step` waits for directly."""
        givers = self.givers
        return frozenset(givers[need].name for need in step.needs if need in givers)

    def after(self, step: Step) -> float:
        """Shares of the steps that follow `step`, summed along the heaviest way."""
        followers = [other for other in self.steps if step.name in self.before(other)]
        return max((other.share + self.after(other) for other in followers), default=0.0)

    def _check(self, step: Step) -> None:
        if not step.ladder:
            raise PipelineInvalid(f"Step {step.name!r} has no ladder: it needs at least one rung.")
        there = {*self.takes, *self.services, *self.optional, *ALWAYS_THERE}
        if step.gives in there:
            raise PipelineInvalid(f"Step {step.name!r} gives {step.gives!r}, which is there already.")
        known = there | self.givers.keys()
        if missing := sorted(step.needs - known):
            raise PipelineInvalid(f"Step {step.name!r} needs {missing[0]!r}, which nothing gives.")
        if not step.share > 0:
            raise PipelineInvalid(f"Step {step.name!r} has a share of {step.share:g}; it must be above 0.")
        self._check_last_rung(step)
        self._check_policies(step)

    def _check_last_rung(self, step: Step) -> None:
        last = step.ladder[-1]
        absent = sorted(self.optional & set(last.needs))
        if absent or last.consent:
            why = f"needs {absent[0]!r}, which may be absent" if absent else f"needs consent: {last.consent}"
            raise PipelineInvalid(f"Step {step.name!r} has no last rung: {last.name!r} {why}.")

    def _check_policies(self, step: Step) -> None:
        for each in step.ladder:
            for problem in each.policy.problems():
                raise PipelineInvalid(f"Step {step.name!r}: its rung {each.name!r} {problem}.")
        if (kept_back := sum(each.policy.reserve for each in step.ladder[1:])) >= 1:
            raise PipelineInvalid(
                f"Step {step.name!r} keeps back {kept_back:g} of its time for fallbacks; it must be below 1."
            )

    @cached_property
    def in_order(self) -> tuple[Step, ...]:
        """The steps, each after those it waits for.

        Raises:
            PipelineInvalid: Some of them wait for each other.
        """
        ordered: list[Step] = []
        waiting = list(self.steps)
        while waiting:
            done = {step.name for step in ordered}
            ready = [step for step in waiting if self.before(step) <= done]
            if not ready:
                names = ", ".join(repr(step.name) for step in waiting)
                raise PipelineInvalid(f"These steps wait for each other: {names}.")
            ordered += ready
            waiting = [step for step in waiting if step not in ready]
        return tuple(ordered)
