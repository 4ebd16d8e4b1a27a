"""One question of a batch and the row that comes of it: plain data in, plain data out, wherever that is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing

from assistant.batch_questions import Item
from assistant.failures import failed_of, last_answer
from assistant.grading import Grade
from assistant.history import State, named
from assistant.keeping import state_of
from assistant.question import LONGEST_QUESTION, checked
from assistant.render import cited_evidence
from indexes.errors import QuestionRefused
from indexes.types import Model
from pipelines.events import AskEvent, Failed
from pipelines.types import Answer, Budget, Degradation, Question, Usage

__all__ = ["Answering", "Row", "Source", "Terms", "answered"]


class Terms(Model):
    """What holds for every question of a batch."""

    budget: Budget = Budget()
    """Of each question."""
    collections: tuple[str, ...] = ()
    """Where to look, for questions that do not say."""
    run: str
    fingerprint: str
    """Of the settings they are answered with."""


class Source(Model):
    """A cited passage."""

    number: int
    """What `[1]` in the text points to."""
    document: str
    """The document's id."""
    title: str
    doi: str = ""
    source: str
    """Path or address."""
    page: int
    quote: str
    verified: bool


class Row(Model):
    """What came of one question: one line of the file. Of several with one id, the last counts."""

    id: str
    question: str
    status: State
    text: str = ""
    """Markdown with `[1]` markers."""
    sources: tuple[Source, ...] = ()
    route: str = ""
    """The route's name."""
    support: float | None = None
    """Share of the answer's sentences that what they cite supports; `None` where it states nothing."""
    degraded: tuple[Degradation, ...] = ()
    notes: tuple[str, ...] = ()
    author: str = ""
    """Who wrote the text, and so which rung served: a model's name, `extractive`, or `nothing`."""
    usage: Usage = Usage()
    error: Failed | None = None
    run: str = ""
    """With the id it finds the whole answer in the history, where one is kept."""
    fingerprint: str
    """Of the settings it was answered with."""
    grade: Grade | None = None
    """Where the question came with what is right."""

    @classmethod
    def of(cls, answer: Answer, item: Item, status: State, fingerprint: str) -> Row:
        """The row of an answer."""
        claims = answer.claims
        return cls(
            id=item.id,
            question=item.question,
            status=status,
            text=answer.text,
            sources=tuple(_sources(answer)),
            route=answer.route.name,
            support=sum(claim.supported for claim in claims) / len(claims) if claims else None,
            degraded=answer.degraded,
            notes=answer.notes,
            author=answer.author,
            usage=answer.usage,
            run=answer.run,
            fingerprint=fingerprint,
        )


Answering = Callable[[Item, Terms], Awaitable[Row]]
"""Answers one question, in this process or in another."""


async def answered(item: Item, terms: Terms, ask: Callable[[Question], AsyncGenerator[AskEvent]]) -> Row:
    """What comes of one question, whatever goes wrong with it.

    Args:
        item: The question.
        terms: What holds for the whole batch.
        ask: Yields the events of a question, up to `Done` or `Failed`.
    """
    try:
        if item.problem:
            raise QuestionRefused(item.problem)
        asked = checked(item.question, item.collections or terms.collections, budget=terms.budget)
        last: list[AskEvent] = []
        async with aclosing(ask(named(asked, terms.run, id=item.id))) as events:
            async for event in events:
                last = [event]
        answer = last_answer(last)
    except Exception as error:  # noqa: BLE001 - the outer door of a row: the others go on
        return Row(
            id=item.id,
            question=item.question[:LONGEST_QUESTION],
            status=State.ERROR,
            error=failed_of(error),
            run=terms.run,
            fingerprint=terms.fingerprint,
        )
    return Row.of(answer, item, state_of(answer), terms.fingerprint)


def _sources(answer: Answer) -> Iterator[Source]:
    for evidence in cited_evidence(answer):
        of_this = [citation for citation in answer.citations if citation.evidence_id == evidence.id]
        yield Source(
            number=evidence.id,
            document=evidence.document.id,
            title=evidence.document.title,
            doi=evidence.document.doi or "",
            source=evidence.document.source,
            page=evidence.page,
            quote=evidence.quote,
            verified=all(citation.verified for citation in of_this),
        )
