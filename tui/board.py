"""What is known of a question while it runs, as data: each step, its branches, its fallbacks, its times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, assert_never

from assistant.events import (
    Asked,
    AskEvent,
    Classified,
    Decided,
    Done,
    Drafted,
    Evidence,
    EvidenceReady,
    Failed,
    FellBack,
    HitsFound,
    Kind,
    Noted,
    Outcome,
    Query,
    Retrying,
    Route,
    Routed,
    Spent,
    StepEnded,
    StepSkipped,
    StepStarted,
    Summarised,
    Token,
    Usage,
)
from tui.safe import shown_line
from tui.score import Stretch
from tui.words import count_of, duration, in_dollars

__all__ = ["Board", "Row", "State"]

State = Literal["running", "done", "failed", "skipped", "fell back"]
_MOST_BRANCHES = 8
"""A step with more parallel branches shows those that run or failed, and counts the rest."""


@dataclass(frozen=True)
class Row:
    """One line of the steps, ready to be drawn."""

    depth: int
    state: State
    name: str
    seconds: float | None
    detail: str = ""
    stretches: tuple[Stretch, ...] = field(default=(), compare=False)
    """When it ran: one for each attempt. Two rows that say the same are equal."""


@dataclass
class _Attempt:
    rung: str
    branch: str
    model: str
    number: int
    started: float
    ended: float | None = None
    status: Outcome = Outcome.OK
    usage: Usage = field(default_factory=Usage)

    @property
    def state(self) -> State:
        if self.ended is None:
            return "running"
        return "done" if self.status in (Outcome.OK, Outcome.PARTIAL) else "failed"

    def seconds(self, now: float) -> float:
        return (now if self.ended is None else self.ended) - self.started

    def stretch(self, now: float) -> Stretch:
        return Stretch(self.started, self.started + self.seconds(now), failed=self.state == "failed")


@dataclass
class _Step:
    name: str
    attempts: dict[int, _Attempt] = field(default_factory=dict)
    """By span id."""
    fallbacks: list[FellBack] = field(default_factory=list)
    waits: dict[str, Retrying] = field(default_factory=dict)
    """By branch: it failed and is tried again after a moment."""
    skipped: str = ""
    finding: str = ""
    """What came of it, in a few words."""

    @property
    def branches(self) -> list[str]:
        """The parallel branches in the order they began; none for a step that is one call."""
        return list(dict.fromkeys(attempt.branch for attempt in self.attempts.values() if attempt.branch))

    def of(self, branch: str) -> list[_Attempt]:
        return [attempt for attempt in self.attempts.values() if attempt.branch == branch]

    @property
    def state(self) -> State:
        states = [self.of(branch)[-1].state for branch in self.branches] or [
            attempt.state for attempt in list(self.attempts.values())[-1:]
        ]
        if not states:
            return "skipped"
        if "running" in states or self.waits:
            return "running"
        return "done" if "done" in states else "failed"

    def seconds(self, now: float) -> float | None:
        if not self.attempts:
            return None
        started = min(attempt.started for attempt in self.attempts.values())
        ended = [attempt.ended for attempt in self.attempts.values()]
        last = now if None in ended or self.waits else max(end for end in ended if end is not None)
        return last - started

    def stretches(self, now: float) -> tuple[Stretch, ...]:
        """Each attempt; for a step with branches, one that holds them together."""
        seconds = self.seconds(now)
        if not self.branches or seconds is None:
            return tuple(attempt.stretch(now) for attempt in self.attempts.values())
        started = min(attempt.started for attempt in self.attempts.values())
        return (Stretch(started, started + seconds, spans=True),)


class Board:
    """Takes a question's events in and gives the lines that tell of them."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._hits: dict[str, int] = {}
        self._query: Query | None = None
        self._papers = 0
        self._fallbacks = 0
        self._waiting_for_person = False

    def apply(self, event: AskEvent) -> None:
        """Takes one event in."""
        self._waiting_for_person = isinstance(event, Asked)
        match event:
            case StepStarted():
                self._start(event)
            case StepEnded():
                self._end(event)
            case StepSkipped():
                self._step(event.step).skipped = shown_line(event.why)
            case Retrying():
                self._step(event.step).waits[shown_line(event.branch, 80)] = event
            case FellBack():
                self._step(event.step).waits.pop(shown_line(event.branch, 80), None)
                self._fallbacks += 1
                self._step(event.step).fallbacks.append(event)
            case Classified():
                self._query = event.query
                self._step("classify").finding = _classified(event.query)
            case Routed():
                self._step("route").finding = _routed(event.route)
            case HitsFound():
                self._found(event)
            case Summarised():
                self._papers += 1
                self._step("summarise").finding = f"{count_of(self._papers, 'paper')} read"
            case EvidenceReady():
                self._papers = _papers(event.evidence)
            case Done():
                self._papers = _papers(event.answer.evidence)
                self._fallbacks = len(event.answer.degraded)
                verified = sum(citation.verified for citation in event.answer.citations)
                total = count_of(len(event.answer.citations), "citation")
                self._step("verify").finding = f"{verified} of {total} verified"
            case Token() | Drafted() | Asked() | Decided() | Noted() | Spent() | Failed():
                pass
            case _:
                assert_never(event)

    def rows(self, now: float) -> list[Row]:
        """The lines as they stand `now` seconds after the question was asked."""
        return [row for step in self._steps.values() for row in self._rows_of(step, now)]

    def activity(self) -> str:
        """What is being done at this moment, in a few words."""
        if self._waiting_for_person:
            return "waiting for your choice"
        running = [step.name for step in self._steps.values() if step.state == "running"]
        return " and ".join(shown_line(name, 40) for name in running or list(self._steps)[-1:]) or "starting"

    def spent(self) -> str:
        """What the models were asked and paid so far; empty before the first has answered."""
        return _spent([attempt for step in self._steps.values() for attempt in step.attempts.values()])

    def summary(self, seconds: float) -> str:
        """One line for all of it, once it is over."""
        parts = [
            f"classified as {self._query.kind}" if self._query else "",
            count_of(self._hit_count, "hit") if self._hits else "",
            count_of(self._papers, "paper") if self._hits or self._papers else "",
            count_of(self._fallbacks, "fallback") if self._fallbacks else "",
            duration(seconds),
        ]
        return " · ".join(part for part in parts if part)

    @property
    def _hit_count(self) -> int:
        return sum(self._hits.values())

    def _found(self, event: HitsFound) -> None:
        """Belongs to the step that has a branch of the retriever's name, else to the one that runs."""
        self._hits[event.retriever] = event.count
        running = [step for step in self._steps.values() if step.state == "running"]
        for step in [step for step in running if event.retriever in step.branches] or running[-1:]:
            step.finding = count_of(self._hit_count, "hit")

    def _step(self, name: str) -> _Step:
        return self._steps.setdefault(name, _Step(name))

    def _start(self, event: StepStarted) -> None:
        step, branch = self._step(event.step), shown_line(event.branch, 80)
        step.waits.pop(branch, None)
        step.attempts[event.span_id] = _Attempt(
            rung=shown_line(event.rung, 40),
            branch=branch,
            model=shown_line(event.model, 60),
            number=event.attempt,
            started=event.started,
        )

    def _end(self, event: StepEnded) -> None:
        span = event.span
        attempt = self._step(span.name).attempts.get(span.id)
        if attempt is None:
            return
        attempt.started, attempt.ended, attempt.status = span.started, span.ended, span.status
        attempt.model = shown_line(span.model, 60) or attempt.model
        attempt.usage = span.usage

    def _rows_of(self, step: _Step, now: float) -> list[Row]:
        if not step.attempts:
            return [Row(0, "skipped", shown_line(step.name, 40), None, step.skipped or step.finding)]
        branches = step.branches
        latest = list(step.attempts.values())[-1]
        usual = next(iter(step.attempts.values())).rung if step.finding or latest.model else step.name
        detail = _join(
            step.finding,
            "" if branches else _join(_how(latest, usual), _waiting(step.waits.get(""))),
            _spent(list(step.attempts.values())),
        )
        name = shown_line(step.name, 40)
        rows = [Row(0, step.state, name, step.seconds(now), detail, step.stretches(now))]
        rows += [_fallback_row(fallback, 1) for fallback in step.fallbacks if not fallback.branch]
        shown = _worth_a_line(step, branches)
        for branch in shown:
            rows += self._branch_rows(step, branch, now)
        if hidden := len(branches) - len(shown):
            rows.append(Row(1, "done", f"and {hidden} more", None))
        return rows

    def _branch_rows(self, step: _Step, branch: str, now: float) -> list[Row]:
        attempts = step.of(branch)
        latest, wait = attempts[-1], step.waits.get(branch)
        hits = self._hits.get(branch)
        usual = next(iter(step.attempts.values())).rung
        detail = _join(
            "" if hits is None else count_of(hits, "hit"),
            _how(latest, usual),
            _waiting(wait),
            _spent(attempts),
        )
        state: State = latest.state if wait is None else "running"
        stretches = tuple(attempt.stretch(now) for attempt in attempts)
        fallbacks = [fallback for fallback in step.fallbacks if shown_line(fallback.branch, 80) == branch]
        return [
            Row(1, state, branch, latest.seconds(now), detail, stretches),
            *(_fallback_row(fallback, 2) for fallback in fallbacks),
        ]


def _papers(evidence: Sequence[Evidence]) -> int:
    """One paper may give several pieces of evidence."""
    return len({each.document.id for each in evidence})


def _worth_a_line(step: _Step, branches: list[str]) -> list[str]:
    if len(branches) <= _MOST_BRANCHES:
        return branches
    by_need = sorted(branches, key=lambda branch: step.of(branch)[-1].state == "done")
    kept = set(by_need[: _MOST_BRANCHES - 1])
    return [branch for branch in branches if branch in kept]


def _how(attempt: _Attempt, usual: str = "") -> str:
    """Rung where it is not the usual one, model without its provider, attempt, and a bad end."""
    return _join(
        attempt.rung if attempt.rung != usual else "",
        attempt.model.partition(":")[2] or attempt.model,
        f"attempt {attempt.number}" if attempt.number > 1 else "",
        str(attempt.status) if attempt.state == "failed" else "",
    )


def _waiting(wait: Retrying | None) -> str:
    return f"again in {duration(wait.wait_seconds)}" if wait is not None else ""


def _spent(attempts: Sequence[_Attempt]) -> str:
    """Tokens and money; nothing of what no model was asked for."""
    usage = sum((attempt.usage for attempt in attempts), Usage())
    tokens = usage.input_tokens + usage.output_tokens
    return _join(
        count_of(tokens, "token") if tokens else "",
        in_dollars(usage.cost_usd) if usage.cost_usd else "",
    )


def _fallback_row(fallback: FellBack, depth: int) -> Row:
    why = shown_line(fallback.why) or str(fallback.outcome)
    rung = shown_line(fallback.to_rung, 40)
    return Row(depth, "fell back", rung if rung == "left out" else f"{rung} instead", None, why)


def _classified(query: Query) -> str:
    kind = "no particular kind" if query.kind is Kind.GENERAL else str(query.kind)
    where = shown_line(", ".join(query.domain), 60) if query.domain else "all collections"
    return f"{kind} · {where} · {query.confidence:.0%} sure"


def _routed(route: Route) -> str:
    return _join(shown_line(route.name, 40), shown_line(route.why))


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
