"""A scripted question over the built-in notes, for the README's picture and the tests of the screens."""

from __future__ import annotations

import re
from typing import Literal

from assistant.engine.protocol import Status, Surroundings
from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import (
    Answer,
    AskEvent,
    Citation,
    Claim,
    Classified,
    Collection,
    Degradation,
    Document,
    Done,
    Draft,
    Drafted,
    Evidence,
    EvidenceList,
    EvidenceReady,
    FellBack,
    Hit,
    HitsFound,
    Kind,
    Outcome,
    Passage,
    Query,
    Route,
    Routed,
    Span,
    StepEnded,
    StepStarted,
    Summarised,
    Token,
    Trace,
    Usage,
)

__all__ = ["QUESTION", "example_answer", "example_engine", "example_events", "example_trace"]

QUESTION = "How should a client retry a failing model, and when should it stop?"

_SMALL = "ollama:qwen3:4b"
_REASONING = "ollama:qwen3:32b"
_TEXT = """\
Begin with **the kind of the error**, not with a number of attempts: a dropped connection, a time-out or a \
429 may pass, a refused key will not [1]. Then:

1. **Back off with full jitter.** Draw each wait at random between zero and a limit that doubles, so that \
clients which failed together do not return together [1].
2. **Obey the deadline.** Each step gets the smaller of its own limit and the time that remains, less a \
reserve for the fallback behind it [2].
3. **Open a breaker.** When several calls in a row have failed, refuse the next ones at once and let a \
single probe through after a pause [3].

Retries belong in one layer only; three attempts inside three attempts make nine calls [1]. Most providers \
recommend this today.
"""
_UNSUPPORTED = "Most providers recommend this today."
_PAPERS = (
    (
        "Retries, back-off and jitter",
        "retries-and-backoff.txt",
        1,
        "A retry policy therefore begins with the kind of the error and not with a number of attempts.",
    ),
    (
        "Deadlines and reserved time for fallbacks",
        "deadlines.tex",
        1,
        "The time limit of a step is the smaller of its own limit and the remaining time minus the reserve.",
    ),
    (
        "Circuit breakers",
        "circuit-breakers.md",
        1,
        "After a pause the breaker is half-open and lets a single probe through.",
    ),
    (
        "Cascades and escalation",
        "cascades-and-escalation.html",
        1,
        "The last step of an escalation ladder should be a person or an honest refusal.",
    ),
)
_PAGE = """\
Retries, back-off and jitter

A retry is a bet that the same call will succeed a little later. The bet is good for a dropped connection, \
a time-out, or a server that answers 429 or 503. It is lost in advance for a refused key, an unknown model \
or a request that is too long, because the second call fails exactly as the first one did. {quote}

Exponential back-off

Exponential back-off doubles the longest permitted wait after every failed attempt, up to a cap. Waiting \
longer each time gives an overloaded service room to recover. Without randomness, however, all clients \
that failed together also come back together, and the load arrives in waves.

Full jitter

Full jitter draws each wait at random, uniformly between zero and the current limit of the exponential \
back-off. The waits of many clients are then spread over the whole interval, and the waves disappear.
"""


def example_engine(*, stop: Literal["", "reading", "writing"] = "") -> ScriptedEngine:
    """An engine that answers any question with the example.

    Args:
        stop: Where it stops for ever: while the papers are read, while the answer is written, or nowhere.
    """
    events: list[AskEvent | Gate] = list(example_events())
    if stop:
        kind, times = (Summarised, 3) if stop == "reading" else (Token, 60)
        last = [index for index, event in enumerate(events) if isinstance(event, kind)][times - 1]
        events = [*events[: last + 1], Gate()]
    quote = _PAPERS[0][3]
    start = _PAGE.index("{quote}")
    return ScriptedEngine(
        events,
        status=Status(
            collections=(Collection(name="demo", documents=11, passages=64, embedded=64),),
            models={"small": _SMALL, "reasoning": _REASONING},
            encoder="all-MiniLM-L6-v2",
            web="ask",
            home="~/.local/share/carrel",
        ),
        surroundings=Surroundings(
            page=1, page_count=1, text=_PAGE.format(quote=quote), start=start, end=start + len(quote)
        ),
    )


def example_events() -> tuple[AskEvent, ...]:
    """Everything that happens, in order: four papers side by side, and one fallback on the way."""
    answer = example_answer()
    return (
        _started(1, "classify", "by cues", 0.0),
        Classified(query=answer.query),
        _ended(1, "classify", "by cues", 0.0, 0.01),
        _started(2, "route", "choose route", 0.01),
        Routed(route=answer.route),
        _ended(2, "route", "choose route", 0.01, 0.01),
        _started(3, "search", "search one", 0.02, branch="dense"),
        _started(4, "search", "search one", 0.02, branch="keyword"),
        HitsFound(retriever="keyword", count=7, titles=(_PAPERS[0][0],)),
        _ended(4, "search", "search one", 0.02, 0.06, branch="keyword"),
        HitsFound(retriever="dense", count=9, titles=(_PAPERS[0][0],)),
        _ended(3, "search", "search one", 0.02, 0.14, branch="dense"),
        _started(5, "retrieve", "fused", 0.14),
        _ended(5, "retrieve", "fused", 0.14, 0.15),
        *_reading(answer),
        _started(20, "reason", "by reasoning model", 2.1, model=_REASONING),
        *(Token(text=f"{word} ") for word in answer.text.split(" ")),
        _ended(20, "reason", "by reasoning model", 2.1, 5.6, model=_REASONING),
        Drafted(draft=Draft(text=answer.text, author="reasoning", model=_REASONING)),
        _started(21, "verify", "check citations", 5.6),
        _ended(21, "verify", "check citations", 5.6, 5.62),
        Done(answer=answer),
    )


def example_answer() -> Answer:
    """The answer of the example, checked."""
    unsupported = _TEXT.index(_UNSUPPORTED)
    return Answer(
        query=Query(text=QUESTION, kind=Kind.METHOD, domain=("demo",), confidence=0.86),
        route=Route(
            name="full",
            steps=("search", "retrieve", "summarise", "reason", "verify"),
            models={"small": _SMALL, "reasoning": _REASONING},
            why="A method question: read at most 6 papers in demo, then reason.",
        ),
        text=_TEXT,
        citations=tuple(_citations()),
        claims=(Claim(start=unsupported, end=unsupported + len(_UNSUPPORTED), support=0.1, supported=False),),
        evidence=EvidenceList(_evidence(number) for number in range(1, len(_PAPERS) + 1)),
        degraded=(_degradation(),),
        notes=("1 sentence is not supported by the evidence cited, and marked so.",),
        author=_REASONING,
        usage=Usage(calls=5, input_tokens=6_812, output_tokens=734, seconds=5.6),
    )


def example_trace() -> Trace:
    """The spans of the example in the order they ended."""
    return Trace(spans=tuple(event.span for event in example_events() if isinstance(event, StepEnded)))


def _reading(answer: Answer) -> list[AskEvent]:
    """The papers begin together and end one by one; the last one's model does not answer in time."""
    begun = [
        _started(6 + number, "summarise", "by small model", 0.2, branch=paper[0], model=_SMALL)
        for number, paper in enumerate(_PAPERS)
    ]
    read: list[AskEvent] = []
    for number, evidence in enumerate(answer.evidence[:3]):
        title = evidence.document.title
        seconds = (0.9, 1.2, 1.4)[number]
        read += [
            _ended(6 + number, "summarise", "by small model", 0.2, seconds, branch=title, model=_SMALL),
            Summarised(evidence=evidence),
        ]
    last = answer.evidence[3]
    taken = _degradation()
    return [
        *begun,
        *read,
        _ended(
            9,
            "summarise",
            "by small model",
            0.2,
            2.0,
            branch=last.document.title,
            status=Outcome.TIMED_OUT,
            model=_SMALL,
        ),
        FellBack(
            step=taken.step,
            branch=last.document.title,
            from_rung=taken.instead_of,
            to_rung=taken.rung,
            outcome=taken.outcome,
            why=taken.why,
        ),
        _started(10, "summarise", "verbatim", 2.0, branch=last.document.title),
        _ended(10, "summarise", "verbatim", 2.0, 2.01, branch=last.document.title),
        Summarised(evidence=last),
        EvidenceReady(evidence=answer.evidence),
    ]


def _started(
    span_id: int, step: str, rung: str, started: float, *, branch: str = "", model: str = ""
) -> StepStarted:
    return StepStarted(span_id=span_id, step=step, rung=rung, branch=branch, model=model, started=started)


def _ended(
    span_id: int,
    step: str,
    rung: str,
    started: float,
    ended: float,
    *,
    branch: str = "",
    model: str = "",
    status: Outcome = Outcome.OK,
) -> StepEnded:
    return StepEnded(
        span=Span(
            id=span_id,
            name=step,
            rung=rung,
            branch=branch,
            started=started,
            ended=ended,
            status=status,
            model=model,
            usage=_paid(model, status),
        )
    )


def _paid(model: str, status: Outcome) -> Usage:
    """What the example's answer says was spent, call by call."""
    if not model:
        return Usage()
    if model == _REASONING:
        return Usage(calls=1, input_tokens=2_092, output_tokens=404)
    return Usage(calls=1, input_tokens=1_180, output_tokens=110 if status is Outcome.OK else 0)


def _degradation() -> Degradation:
    return Degradation(
        step="summarise",
        rung="verbatim",
        instead_of="by small model",
        outcome=Outcome.TIMED_OUT,
        why="It took longer than 1.8 seconds.",
    )


def _citations() -> list[Citation]:
    return [
        Citation(
            evidence_id=int(marker[1]), start=marker.start(), end=marker.end(), verified=True, support=0.8
        )
        for marker in re.finditer(r"\[(\d)\]", _TEXT)
    ]


def _evidence(number: int) -> Evidence:
    title, name, page, quote = _PAPERS[number - 1]
    document = Document(
        id=f"demo-{number}",
        source=f"~/.local/share/carrel/demo/{name}",
        title=title,
        authors=("Carrel contributors",),
        year=2026,
        collection="demo",
    )
    passage = Passage(
        id=f"demo-{number}:0", document_id=document.id, text=quote, start=0, end=len(quote), page=page
    )
    hit = Hit(passage=passage, document=document, score=1.0 / number, rank=number, retriever="fused")
    return Evidence(
        id=number, hits=(hit,), quote=quote, quote_start=0, summary=quote, relevance=0.9 - 0.1 * number
    )
