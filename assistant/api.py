"""The Python API: ask, add and search, blocking or awaited, whole or as a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from assistant.adding import Adding, PathsToAdd, add_to
from assistant.failures import last_answer
from assistant.history import named, new_run
from assistant.live import aadded, aanswered, added, answered
from assistant.loop import Consult, LoopThread, T, in_turn
from assistant.notebook import show_nouns
from assistant.papers import Papers
from assistant.paths import Paths, find_paths
from assistant.question import How, Where, asked_again, budget_with, checked, earlier, goes_on, less
from assistant.records import replaying
from assistant.settings import Settings, load_settings
from assistant.status import Status, Surroundings
from assistant.telling import told
from indexes.events import AddEvent
from indexes.types import AddReport, Collection, Hits
from pipelines.events import Asked, AskEvent
from pipelines.types import Answer, Question

if TYPE_CHECKING:
    from assistant.batch import BatchPlan, BatchReport
    from assistant.build import Workbench

__all__ = ["Assistant", "PathsToAdd"]


class Assistant:
    """Answers from the papers you have, with citations you can check.

    `ask` returns the answer, `aask` awaits it; `stream` and `astream` yield each event on the way. All
    work in a script, in a running loop (a notebook) and from several threads, on one and the same instance.

        with Assistant() as assistant:
            assistant.add("~/papers")
            print(assistant.ask("What limits dense retrieval?").text)
    """

    def __init__(
        self,
        home: str | Path | Paths | None = None,
        *,
        settings: Settings | None = None,
        profile: str | None = None,
        **overrides: Any,
    ) -> None:
        """Reads the settings; the library is opened by the first call that needs it.

        Args:
            home: Where everything lies; `None` means `$CARREL_HOME`, else the platform's folders.
            settings: In place of those from files and environment.
            profile: A table `[profiles.NAME]` of your settings file, to go by in this assistant.
            overrides: Single settings above all other sources: `web="never"`, `small="openai:gpt-5-mini"`,
                `models__reasoning__timeout_seconds=90`. Like `profile`, not together with `settings`.

        Raises:
            SettingsError: A setting is wrong.
        """
        if settings is not None and (overrides or profile):
            given = ", ".join(sorted([*overrides, *(["profile"] if profile else [])]))
            raise TypeError(f"Give either settings or single ones, not both: {given}.")
        self.paths: Paths = find_paths(home)
        self.settings: Settings = settings or load_settings(home, overrides=overrides, profile=profile)
        self._loop = LoopThread()
        self._opening: asyncio.Task[Workbench] | None = None
        chroma = self.settings.library.chroma or ""
        self.papers = Papers(self._loop, self.paths.library, self._workbench, self._close, chroma=chroma)
        show_nouns()

    def ask(
        self,
        question: str = "",
        *,
        decide: Callable[[Asked], str] | None = None,
        **how: Unpack[How],
    ) -> Answer:
        """Returns the answer; "nothing found" is an answer too.

        Args:
            question: At most 20,000 characters. May be left out with `resume` and with `again`.
            decide: Asked what the settings leave to a person, such as searching the web; without it the
                default is taken, which for the web is no.
            how: Where to look, what it may spend, what it goes on with: `collections`, `deadline_seconds`,
                `max_cost_usd`, `max_calls`, `resume`, `follows`, `again`, `record`; see `How`.

        Raises:
            QuestionRefused: The question is empty or too long, or a limit is negative.
            RunMissing: There is no run to resume.
            CarrelError: There is no answer; the message says why.
            Interrupted: Ctrl+C, or a notebook's stop button: a `KeyboardInterrupt` with the answer so far.
        """
        wanted = self._wanted(question, how)
        asking = self._asking(wanted, how, can_ask=decide is not None)
        return answered(self._loop, wanted, asking, decide, resumable=self.settings.history.keep)

    async def aask(
        self,
        question: str = "",
        *,
        decide: Callable[[Asked], Awaitable[str]] | None = None,
        **how: Unpack[How],
    ) -> Answer:
        """Returns the answer, like `ask`; cancelling the caller cancels the question."""
        asking = self._asking(self._wanted(question, how), how, can_ask=decide is not None)
        return await aanswered(self._loop, asking, decide, resumable=self.settings.history.keep)

    def stream(
        self,
        question: str = "",
        *,
        decide: Callable[[Asked], str] | None = None,
        **how: Unpack[How],
    ) -> Generator[AskEvent, None, None]:
        """Yields events up to `Done` or `Failed`; closing the iterator cancels the question."""
        asking = self._asking(self._wanted(question, how), how, can_ask=decide is not None)
        return self._loop.iterate(asking, decide)

    async def astream(
        self,
        question: str = "",
        *,
        decide: Callable[[Asked], Awaitable[str]] | None = None,
        **how: Unpack[How],
    ) -> AsyncGenerator[AskEvent, None]:
        """Yields events up to `Done` or `Failed`; closing the iterator cancels the question."""
        asking = self._asking(self._wanted(question, how), how, can_ask=decide is not None)
        async with aclosing(self._loop.aiterate(asking, decide)) as events:
            async for event in events:
                yield event

    def replay(self, path: str | Path) -> Answer:
        """Returns the answer of a question recorded with `record`, without model, library or network.

        Raises:
            CarrelError: The file is no recording, or holds less than the question asks for.
        """
        return last_answer(list(self.stream_replay(path)))

    def stream_replay(self, path: str | Path, *, speed: float = 0.0) -> Generator[AskEvent, None, None]:
        """Yields the events of a recorded question; at speed 1 in the time it took, at 0 at once."""

        def events(consult: Consult[object, object]) -> AsyncIterator[AskEvent]:
            return replaying(self.settings, Path(path).expanduser(), speed=speed)

        return self._loop.iterate(events)

    def batch(self, questions: str | Path | Sequence[str], **plan: Unpack[BatchPlan]) -> BatchReport:
        """Answers many questions; each has its row in the file `out` before the next begins.

        A question that fails gets a row that says so; a refused key or a missing model ends the batch.
        Nobody is asked anything: what the settings leave to a person takes its default.

        Args:
            questions: A file with a question, or an object `{"id", "question"}`, on each line; or questions.
            plan: `out`, the file of answers; `resume`, to go on where a batch was stopped or killed; see
                `BatchPlan`.

        Raises:
            InputError: The questions or the answers cannot be read.
            AnswersBusy: Another batch writes to the same file.
        """
        return self._loop.run(self._batch(questions, plan))

    async def abatch(self, questions: str | Path | Sequence[str], **plan: Unpack[BatchPlan]) -> BatchReport:
        """Answers many questions, like `batch`; cancelling stops it, and what was written stays."""
        return await self._loop.arun(self._batch(questions, plan))

    def add(
        self, paths: PathsToAdd, *, emit: Callable[[AddEvent], None] | None = None, **how: Unpack[Adding]
    ) -> AddReport:
        """Adds files and folders and returns what became of each; the same file twice is one document.

        Args:
            paths: Files and folders.
            emit: Told what happens.
            how: `collection`, `reembed`, `cluster`; see `Adding`.

        Raises:
            PathMissing: A path does not exist.
            NothingToRead: There is not one file that Carrel reads.
            LibraryBusy: Another process is adding.
        """
        return added(self._loop, self._adding(paths, how), emit)

    async def aadd(
        self, paths: PathsToAdd, *, emit: Callable[[AddEvent], None] | None = None, **how: Unpack[Adding]
    ) -> AddReport:
        """Adds like `add`; cancelling stops it, and what was committed stays."""
        return await aadded(self._loop, self._adding(paths, how), emit)

    def stream_add(self, paths: PathsToAdd, **how: Unpack[Adding]) -> Generator[AddEvent, None, None]:
        """Adds and yields each event up to `Added`; closing the iterator stops."""
        return self._loop.iterate(self._adding(paths, how))

    async def astream_add(self, paths: PathsToAdd, **how: Unpack[Adding]) -> AsyncGenerator[AddEvent, None]:
        """Adds and yields each event up to `Added`; closing the iterator stops."""
        async with aclosing(self._loop.aiterate(self._adding(paths, how))) as events:
            async for event in events:
                yield event

    def search(self, text: str, **where: Unpack[Where]) -> Hits:
        """Returns the passages that fit best, without any model writing anything.

        Args:
            text: What to look for; filters such as `author:smith year:2019..` may stand in it, or be it.
            where: `limit`, `collections`, `per_document`; see `Where`.

        Raises:
            FilterRefused: A filter in the text cannot be one.
        """
        return self._loop.run(self._search(text, where))

    async def asearch(self, text: str, **where: Unpack[Where]) -> Hits:
        """Returns the passages that fit best, like `search`."""
        return await self._loop.arun(self._search(text, where))

    def collections(self) -> tuple[Collection, ...]:
        """Returns the library's collections and how large they are."""
        return self._loop.run(self._collections())

    async def acollections(self) -> tuple[Collection, ...]:
        """Returns the library's collections, like `collections`."""
        return await self._loop.arun(self._collections())

    def status(self) -> Status:
        """Returns what there is to ask, and with which models."""
        return self._loop.run(self._status())

    async def astatus(self) -> Status:
        """Returns what there is to ask, like `status`."""
        return await self._loop.arun(self._status())

    def surroundings(self, document_id: str, *, start: int, end: int) -> Surroundings:
        """Returns the page around a stretch of a document's text."""
        return self._loop.run(self._surroundings(document_id, start, end))

    async def asurroundings(self, document_id: str, *, start: int, end: int) -> Surroundings:
        """Returns the page around a stretch, like `surroundings`."""
        return await self._loop.arun(self._surroundings(document_id, start, end))

    async def awith(self, work: Callable[[Workbench], Coroutine[None, None, T]]) -> T:
        """Returns what `work` makes of the open workbench, on the thread that everything is open on."""
        return await self._loop.arun(in_turn(self._workbench, work))

    def close(self) -> None:
        """Closes the library; questions that still run are cancelled. May be called twice."""
        self._loop.run(self._close())
        self._loop.close()

    async def aclose(self) -> None:
        """Closes like `close`."""
        await self._loop.arun(self._close())
        await asyncio.to_thread(self._loop.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _wanted(self, question: str, how: How) -> Question:
        budget = budget_with(self.settings.budget, how)
        resume, follows = how.get("resume", ""), how.get("follows")
        if again := how.get("again", ""):
            if follows is None:
                raise TypeError("`again` needs the answer that is asked again, as `follows`.")
            return named(asked_again(follows, again, budget=budget), new_run())
        if resume and not question:
            return Question(text="", run=resume, budget=budget)
        wanted = checked(question, how.get("collections", ()), budget=budget)
        if follows is not None and goes_on(wanted.text):
            wanted = wanted.model_copy(update={"follows": earlier(follows)})
        return wanted.model_copy(update={"run": resume}) if resume else named(wanted, new_run())

    # What follows runs on the loop thread only.

    async def _workbench(self) -> Workbench:
        """Opens everything once, however many calls wait; a failure is tried again next time."""
        if self._opening is None:
            self._opening = asyncio.create_task(_open(self.settings, self.paths))
        opening = self._opening
        try:
            return await asyncio.shield(opening)
        except Exception:
            if self._opening is opening:
                self._opening = None
            raise

    def _asking(
        self, question: Question, how: How, *, can_ask: bool
    ) -> Callable[[Consult[Asked, str]], AsyncIterator[AskEvent]]:
        record = Path(path).expanduser() if (path := how.get("record")) else None

        async def events(consult: Consult[Asked, str]) -> AsyncGenerator[AskEvent, None]:
            began = time.monotonic()
            workbench = await self._workbench()
            asked = question if question.id else await workbench.resumed(question)
            left = less(asked, time.monotonic() - began)
            answers = workbench.stream(
                left, consult if can_ask else None, record=record, beside=how.get("beside", "")
            )
            async with aclosing(answers) as answering:
                async for event in answering:
                    yield event

        return events

    def _adding(
        self, paths: PathsToAdd, how: Adding
    ) -> Callable[[Consult[object, object]], AsyncIterator[AddEvent]]:
        async def events(consult: Consult[object, object]) -> AsyncGenerator[AddEvent, None]:
            async with aclosing(told(partial(self._add, paths, how))) as adding:
                async for event in adding:
                    yield event

        return events

    async def _add(
        self, paths: PathsToAdd, how: Adding, emit: Callable[[AddEvent], None] | None
    ) -> AddReport:
        return await add_to(await self._workbench(), paths, how, emit)

    async def _batch(self, questions: str | Path | Sequence[str], given: BatchPlan) -> BatchReport:
        from assistant.batch import planned, run_batch
        from pipelines.purse import Purse

        plan = await asyncio.to_thread(planned, questions, given, self.settings)
        purse = Purse(plan.total_cost_usd)
        if not (where := given.get("cluster", "")):
            return await run_batch(plan, self._workbench, purse=purse)
        from assistant.cluster import answering_on

        workbench = await self._workbench()
        async with answering_on(where, workbench, concurrency=plan.concurrency, purse=purse) as answering:
            return await run_batch(plan, self._workbench, answering, purse=purse)
        raise AssertionError("the block above returns or raises")

    async def _search(self, text: str, where: Where) -> Hits:
        wanted = checked(text, where.get("collections", ()), filters_alone=True)
        return await (await self._workbench()).search(wanted, where)

    async def _collections(self) -> tuple[Collection, ...]:
        return await (await self._workbench()).collections()

    async def _status(self) -> Status:
        return await (await self._workbench()).status()

    async def _surroundings(self, document_id: str, start: int, end: int) -> Surroundings:
        return await (await self._workbench()).surroundings(document_id, start=start, end=end)

    async def _close(self) -> None:
        opening, self._opening = self._opening, None
        if opening is None:
            return
        if not opening.done():
            opening.cancel()
            await asyncio.wait([opening])
        if not opening.cancelled() and opening.exception() is None:
            await opening.result().close()


async def _open(settings: Settings, paths: Paths) -> Workbench:
    from assistant.build import open_workbench  # composes everything, and so imports nearly everything

    return await open_workbench(settings, paths)
