"""Keeps a question while it is answered: its journal, the text so far, and in the end its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import aclosing, suppress

from assistant.history import History, QuestionJournal, State
from assistant.history_file import HistoryError
from indexes.chaos import point
from pipelines.errors import Stopped
from pipelines.events import (
    AskEvent,
    Classified,
    Done,
    Drafted,
    EvidenceReady,
    Failed,
    FellBack,
    HitsFound,
    Retrying,
    Routed,
    Token,
)
from pipelines.types import Answer, EvidenceList, Outcome, Query, Question, Route

__all__ = ["SoFar", "keeping", "state_of", "unkept"]

_NO_FAULT = frozenset({Outcome.OK, Outcome.SKIPPED, Outcome.NOTHING_FOUND, Outcome.BLOCKED})
"""What a lesser rung may serve after without the answer being any worse than it could be."""
_CANCELLED = "It was cancelled before it was answered; this is the text so far, unverified."
_NO_ROUTE = Route(name="none", steps=(), why="It was cancelled before a route was chosen.")


async def keeping(
    history: History, question: Question, answering: Callable[[QuestionJournal], AsyncGenerator[AskEvent]]
) -> AsyncGenerator[AskEvent]:
    """Yields what `answering` yields, and keeps what comes of it.

    When it is closed or cancelled on the way, the text so far is kept as an answer that is marked so.

    Args:
        history: Where it is kept.
        question: Names its run.
        answering: Answers it, keeping each result in the journal it is given.
    """
    journal = history.journal(question.run, question.id)
    begun = history.begin(question)
    so_far = SoFar(question)
    ended: Future[None] | None = None
    try:
        async with aclosing(answering(journal)) as events:
            async for event in events:
                so_far.see(event)
                _pass_points(event)
                if isinstance(event, Done):
                    answer = _noted(_signed(event.answer, question), journal.trouble or _trouble(begun))
                    ended = history.end(question, state_of(answer), answer.text, answer)
                    event = Done(answer=answer)
                elif isinstance(event, Failed):
                    state = State.CANCELLED if event.kind == Stopped.__name__ else State.ERROR
                    ended = history.end(question, state, event.message)
                if ended is not None:
                    # Whoever is told that it has ended finds it in the history.
                    with suppress(HistoryError):
                        await asyncio.shield(asyncio.wrap_future(ended))
                yield event
    finally:
        if ended is None:
            # Not waited for: whoever cancels wants to go on at once. Closing the history writes it.
            history.end(question, State.CANCELLED, so_far.answer.text, so_far.answer)
    point("asking.kept")


async def unkept(answering: AsyncGenerator[AskEvent], why: str) -> AsyncGenerator[AskEvent]:
    """Yields what `answering` yields; the answer says why the history does not have it, if `why` does."""
    async with aclosing(answering) as events:
        async for event in events:
            yield Done(answer=_noted(event.answer, why)) if isinstance(event, Done) else event


def state_of(answer: Answer) -> State:
    """Whether an answer is as good as it could be, or a fault has made a lesser rung serve."""
    faults = any(each.outcome not in _NO_FAULT for each in answer.degraded)
    return State.PARTIAL if faults else State.OK


class SoFar:
    """What there is of an answer, should it be stopped now."""

    def __init__(self, question: Question) -> None:
        """Begins with nothing but the question."""
        self._text = ""
        self._answer = _signed(
            Answer(query=Query(text=question.text), route=_NO_ROUTE, text="", notes=(_CANCELLED,)), question
        )

    @property
    def answer(self) -> Answer:
        """All that is known, with the text so far, unverified."""
        return self._answer.model_copy(update={"text": self._text})

    def see(self, event: AskEvent) -> None:
        """Takes in what has happened."""
        match event:
            case Classified(query=query):
                self._learn("query", query)
            case Routed(route=route):
                self._learn("route", route)
            case EvidenceReady(evidence=evidence):
                self._learn("evidence", EvidenceList(evidence))
            case Token(text=text):
                self._text += text
            case FellBack(step="reason") | Retrying(step="reason"):
                self._text = ""
            case Drafted(draft=draft):
                self._text = draft.text
            case _:
                pass

    def _learn(self, field: str, value: object) -> None:
        self._answer = self._answer.model_copy(update={field: value})


def _pass_points(event: AskEvent) -> None:
    match event:
        case HitsFound():
            point("asking.retrieved")
        case Token():
            point("asking.token")
        case Drafted():
            point("asking.drafted")
        case _:
            pass


def _signed(answer: Answer, question: Question) -> Answer:
    """The answer with the names it is found by."""
    return answer.model_copy(update={"run": question.run, "question_id": question.id})


def _noted(answer: Answer, trouble: str) -> Answer:
    if not trouble:
        return answer
    note = f"This question is not, or not wholly, in the history. {trouble}"
    return answer.model_copy(update={"notes": (*answer.notes, note)})


def _trouble(begun: Future[None]) -> str:
    return str(begun.exception() or "") if begun.done() else ""
