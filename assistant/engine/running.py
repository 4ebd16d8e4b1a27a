"""Runs errands where the library is open: the worker's side of `assistant.engine.errands`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from assistant.engine.errands import (
    AnyErrand,
    AnyFound,
    ChangeSetting,
    CheckSetting,
    ExportAnswer,
    Exported,
    FailedPage,
    FindFailed,
    FindNamedQuestion,
    FindPaper,
    FindPapers,
    FindPlaces,
    FindQuestion,
    FindQuestions,
    FindReferences,
    FindSettings,
    ForgetMarks,
    Forgotten,
    LookedOver,
    LookOver,
    PapersFound,
    PaperSheet,
    PlacesFound,
    QuestionFound,
    QuestionsFound,
    Rate,
    Rated,
    References,
    Removed,
    RemovePapers,
    TryModel,
)
from indexes.events import Added, AddEvent
from indexes.survey import places
from indexes.types import Document

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.build import Workbench
    from assistant.past import Past

__all__ = ["retrying", "run_errand"]

_WHERE_PAPERS_ARE = (".", "~/papers", "~/Papers", "~/Zotero", "~/Documents", "~/Downloads", "~/Desktop")
"""The folder that Carrel was started in, and where people keep papers."""


async def run_errand(workbench: Workbench, errand: AnyErrand) -> AnyFound:
    """Returns what the errand brings back.

    Raises:
        CarrelError: It cannot be run; the message says why.
    """
    match errand:
        case FindPapers():
            return await _papers(workbench, errand)
        case FindFailed():
            return await _failed(workbench, errand)
        case FindPaper():
            return await _paper(workbench, errand.document_id)
        case RemovePapers():
            return await _remove(workbench, errand.document_ids)
        case LookOver(path=path):
            return LookedOver(survey=await workbench.survey([Path(path)]))
        case FindPlaces():
            return PlacesFound(places=await asyncio.to_thread(places, [*map(Path, _WHERE_PAPERS_ARE)]))
        case FindQuestions(text=text, offset=offset, limit=limit):
            return QuestionsFound(page=await _past(workbench).page(text, offset=offset, limit=limit))
        case FindQuestion(run=run, question_id=question_id):
            return QuestionFound(past=await _past(workbench).answer(run, question_id))
        case FindNamedQuestion(name=name):
            return QuestionFound(past=await _past(workbench).named(name))
        case Rate(run=run, question_id=question_id, helped=helped):
            return Rated(kept=await _past(workbench).rate(run, question_id, helped))
        case ForgetMarks():
            return Forgotten(marks=await _past(workbench).forget_marks())
        case FindReferences(documents=documents):
            return await _references(workbench, documents)
        case ExportAnswer(answer=answer, form=form, path=path):
            from assistant.export import write_answer

            return Exported(path=str(await asyncio.to_thread(write_answer, answer, form, Path(path))))
        case FindSettings() | CheckSetting() | ChangeSetting() | TryModel():
            from assistant.engine.setting_up import run_settings_errand

            return await run_settings_errand(workbench.paths, errand)
        case _:
            assert_never(errand)


async def retrying(assistant: Assistant, paths: Sequence[str]) -> AsyncGenerator[AddEvent, None]:
    """Reads failed files again and yields what happens, up to one `Added` for all of them together."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[AddEvent | None] = asyncio.Queue()

    def emit(event: AddEvent) -> None:
        if not isinstance(event, Added):  # there is one for each collection
            loop.call_soon_threadsafe(arrived.put_nowait, event)

    retry = asyncio.create_task(assistant.papers.aretry(paths, emit=emit))
    retry.add_done_callback(lambda task: arrived.put_nowait(None))
    try:
        while (event := await arrived.get()) is not None:
            yield event
        yield Added(report=await retry)
    finally:
        retry.cancel()
        await asyncio.wait([retry])


async def _papers(workbench: Workbench, wanted: FindPapers) -> PapersFound:
    page = await workbench.library.holdings.page(
        wanted.text,
        order=wanted.order,
        descending=wanted.descending,
        offset=wanted.offset,
        limit=wanted.limit,
    )
    return PapersFound(page=page)


async def _failed(workbench: Workbench, wanted: FindFailed) -> FailedPage:
    words = wanted.text.casefold().split()
    fitting = [
        record
        for record in await workbench.library.holdings.failures()
        if all(word in f"{record.path} {record.reason}".casefold() for word in words)
    ]
    end = wanted.offset + wanted.limit
    return FailedPage(total=len(fitting), offset=wanted.offset, records=tuple(fitting[wanted.offset : end]))


async def _paper(workbench: Workbench, document_id: str) -> PaperSheet:
    library = workbench.library
    document = await library.document(document_id)
    (holding,) = await library.holdings.of([document], detailed=True)
    return PaperSheet(
        document=document,
        details=holding.details,
        files=await library.holdings.files(document_id),
        embedded=holding.embedded,
        passages=await library.passages_of(document_id),
    )


async def _remove(workbench: Workbench, document_ids: tuple[str, ...]) -> Removed:
    documents = await workbench.library.documents(document_ids)
    await workbench.library.holdings.remove(documents)
    return Removed(papers=len(documents))


async def _references(workbench: Workbench, documents: Sequence[Document]) -> References:
    """With abstract and all where the library has the paper; a page of the web has what the answer knows."""
    from assistant.references import references_of
    from indexes.holdings import Holding

    known = {each.document.id: each for each in await workbench.library.holdings.of(documents, detailed=True)}
    holdings = [
        known.get(each.id, Holding(document=each, files=(), passages=0, embedded=0)) for each in documents
    ]
    return References(text=references_of(holdings, "bibtex"))


def _past(workbench: Workbench) -> Past:
    """The past questions; says so where nothing is kept."""
    return workbench.require_history().past
