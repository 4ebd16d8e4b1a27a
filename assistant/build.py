"""Composes everything: settings and folders in, a workbench of library, models and pipeline out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, MutableMapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.handed import handed
from assistant.paths import Paths
from assistant.question import Where
from assistant.records import exported, recorded
from assistant.settings import ModelRole, Settings
from assistant.status import Status, Surroundings
from indexes.errors import DocumentMissing
from indexes.protocols import Encoder, Retriever
from indexes.types import PAGE_BREAK, Collection, Hits
from pipelines.events import AskEvent, Done
from pipelines.types import Question

if TYPE_CHECKING:
    from assistant.history import History
    from indexes.library import Library
    from indexes.readers.named import NamedReader
    from indexes.surveyed import Survey
    from pipelines.gate import Gates
    from pipelines.journal import Journal
    from pipelines.models import ChatModel, Models
    from pipelines.person import Decide
    from pipelines.research import Around, Research

__all__ = ["Workbench", "find_encoder", "open_workbench"]


async def open_workbench(
    settings: Settings, paths: Paths, *, encoder: Encoder | None = None, gates: Gates | None = None
) -> Workbench:
    """Opens the library and joins it with the models and the research pipeline.

    Args:
        settings: What to compose.
        paths: Where it lies; missing folders are made.
        encoder: In place of the one that the settings name.
        gates: The doors to the models' providers, in place of its own.

    Raises:
        LibraryError: The library cannot be opened.
    """
    silence_libraries(os.environ)
    from indexes.library import Library
    from pipelines.gate import Gates

    paths.create()
    gates = gates or Gates(paths.state / "providers.json", settings.providers)
    models = _models(settings, gates)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(asyncio.to_thread, gates.save)
        history, why_not = await _history(settings, paths)
        if history is not None:
            opened.push_async_callback(_close_history, history, settings)
        library = await opened.enter_async_context(
            Library.open(
                paths.library,
                encoder=encoder or find_encoder(settings, paths),
                delta_limit=settings.library.delta_limit,
                chroma=settings.library.chroma or "",
            )
        )
        if settings.library.cross_encoder:
            library.further = (_cross_encoder(settings, library),)
        web = _web(settings)

        def composed(around: Around | None = None, *, models: Models = models) -> Research:
            from pipelines.research import Research, unchanged  # imports the graph, which only questions need

            return Research(
                library,
                tuple(library.retrievers),
                models=models,
                web=web,
                limits=settings.limits,
                around=around or unchanged,
            )

        return Workbench(
            settings,
            paths,
            library,
            models,
            gates,
            composed,
            opened.pop_all(),
            history,
            why_not,
            others=_others(settings, gates),
        )
    raise AssertionError("the block above returns or raises")


def find_encoder(settings: Settings, paths: Paths) -> Encoder | None:
    """Returns the embedding model that the settings name, if it lies on this machine; nothing is loaded."""
    from indexes.embed import OnnxEncoder
    from indexes.hashing import HashingEncoder
    from indexes.model_files import find_model

    if settings.library.encoder == "none":
        return None
    if settings.library.encoder == "hashing":
        return HashingEncoder()
    if ":" in settings.library.encoder:
        from pipelines.embeddings import RemoteEncoder

        return RemoteEncoder(
            settings.library.encoder,
            base_url=settings.library.encoder_base_url,
            api_key_env=settings.library.encoder_api_key_env,
        )
    folder = find_model(settings.library.encoder, cache=paths.models)
    return None if folder is None else OnnxEncoder(folder)


def silence_libraries(environ: MutableMapping[str, str]) -> None:
    """Keeps libraries from reporting to their makers and from writing over the screen.

    Must come before they are imported: some read these variables at that moment.
    """
    environ["ANONYMIZED_TELEMETRY"] = "False"
    environ["CHROMA_ANONYMIZED_TELEMETRY"] = "False"
    for tracing in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"):
        environ[tracing] = "false"  # a trace would send questions and papers away
    environ.pop("LANGSMITH_GATEWAY", None)  # it would send every model call another way
    environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    environ.setdefault("ORT_LOGGING_LEVEL", "3")


@dataclass
class Workbench:
    """Everything that is open, and what can be done with it."""

    settings: Settings
    paths: Paths
    library: Library
    models: Models
    gates: Gates
    """The doors to the models' providers."""
    composed: Callable[..., Research]
    """Makes the research pipeline over what is open, with something around its services if need be."""
    opened: AsyncExitStack
    """Closes what was opened."""
    history: History | None = None
    """`None` where nothing is kept."""
    why_no_history: str = ""
    """Empty where nothing is meant to be kept."""
    others: Mapping[str, ChatModel] = field(default_factory=dict)
    """Further models by name, which only asking again can choose."""

    @cached_property
    def research(self) -> Research:
        """The pipeline that answers questions; composed when the first one is asked."""
        return self.composed()

    async def stream(
        self,
        question: Question,
        decide: Decide | None,
        *,
        record: Path | None = None,
        by: Callable[[Question], AsyncGenerator[AskEvent]] | None = None,
        beside: str = "",
    ) -> AsyncGenerator[AskEvent, None]:
        """Yields events up to `Done` or `Failed`.

        Args:
            question: What is asked.
            decide: Shows a question to a person; `None` where nobody can be asked, which means no.
            record: A file that does not exist yet, to record everything that the question calls.
            by: Answers it in place of the pipeline here, up to its last event.
            beside: A text to answer from beside the library; empty for none.
        """
        from assistant.asking_again import must_have_model
        from assistant.keeping import keeping, unkept

        must_have_model(self, question)
        question = await self._with_tallies(question)
        async with AsyncExitStack() as opened:
            around = await opened.enter_async_context(handed(beside)) if beside else None
            research, person = opened.enter_context(recorded(self, question, decide, record, around))

            def answering(journal: Journal | None = None) -> AsyncGenerator[AskEvent]:
                return by(question) if by else research.stream(question, person=person, journal=journal)

            if self.history is not None:
                answers = keeping(self.history, question, answering)
            else:
                answers = unkept(answering(), self.why_no_history)
            async with aclosing(answers) as events:
                async for event in events:
                    if isinstance(event, Done):
                        await exported(event.answer, self.settings.tracing)
                    yield event

    async def _with_tallies(self, question: Question) -> Question:
        """The question with what was said of earlier answers, where the route may learn from it."""
        from assistant.history_file import HistoryError

        if self.history is None or not self.settings.limits.learning.on:
            return question
        try:
            return question.model_copy(update={"tallies": await self.history.past.tallies()})
        except HistoryError:
            return question

    async def resumed(self, question: Question) -> Question:
        """Returns a question of a run that was stopped; without words of its own it is the run's question.

        Raises:
            RunMissing: There is no such run.
            HistoryError: Nothing is kept, so there is nothing to go on with.
        """
        from assistant.history import resumed

        return await resumed(self.require_history(), question)

    def require_history(self) -> History:
        """The history.

        Raises:
            HistoryError: Nothing is kept; the message says why.
        """
        from assistant.history_file import HistoryError

        if self.history is None:
            raise HistoryError(
                self.why_no_history or "Nothing is kept of your questions.",
                hint="" if self.why_no_history else "The setting history.keep says so.",
            )
        return self.history

    async def survey(self, paths: Sequence[Path]) -> Survey:
        """Returns what adding the paths would read; nothing is read for it.

        Raises:
            PathMissing: One of them does not exist.
        """
        from indexes.survey import survey
        from indexes.zotero import expanded

        also = {suffix for reader in self.named_readers() for suffix in reader.suffixes}
        return await asyncio.to_thread(lambda: survey(expanded(paths), also=also))

    def named_readers(self) -> list[NamedReader]:
        """The readers that the settings name."""
        from indexes.readers.named import NamedReader

        return [NamedReader.parse(reader) for reader in self.settings.library.readers]

    async def search(self, question: Question, where: Where) -> Hits:
        """Returns the passages that fit best."""
        asked: Where = {**where, "collections": question.collections}
        return await self.library.search(question.text, **asked)

    async def collections(self) -> tuple[Collection, ...]:
        """Returns the library's collections."""
        return tuple(await self.library.collections())

    async def status(self) -> Status:
        """Returns what there is to ask, and with which models; the first question then finds all composed."""
        await asyncio.to_thread(lambda: self.research)
        encoder = self.library.encoder
        collections = await self.collections()
        return Status(
            collections=collections,
            is_new=not any(each.documents for each in collections) and not await self._asked_before(),
            models=self.models.names,
            others=tuple(self.others),
            encoder=encoder.name if encoder is not None else "",
            web=self.settings.web,
            home=str(self.paths.library),
            theme=self.settings.app.theme,
            glyphs=self.settings.app.glyphs,
            motion=self.settings.app.motion,
            pdf_viewer=self.settings.app.pdf_viewer,
            keeps_history=self.settings.history.keep,
            keys=dict(each.partition("=")[::2] for each in self.settings.app.keys),
        )

    async def _asked_before(self) -> bool:
        """Whether the history has a question; one that cannot be read may have."""
        from assistant.history_file import HistoryError

        try:
            return self.history is not None and (await self.history.past.page(limit=1)).total > 0
        except HistoryError:
            return True

    async def surroundings(self, document_id: str, *, start: int, end: int) -> Surroundings:
        """Returns the page that `start` stands on.

        Raises:
            DocumentMissing: The library holds no such document.
        """
        document = await self.library.document(document_id)
        offset = 0
        for page in range(1, document.page_count + 1):
            text = await self.library.page(document_id, page)
            if start <= offset + len(text) or page == document.page_count:
                return Surroundings(
                    page=page,
                    page_count=document.page_count,
                    text=text,
                    start=min(max(0, start - offset), len(text)),
                    end=min(max(0, end - offset), len(text)),
                )
            offset += len(text) + len(PAGE_BREAK)
        raise DocumentMissing(f"The document {document_id!r} has no pages.")

    async def close(self) -> None:
        """Closes the library."""
        await self.opened.aclose()


async def _history(settings: Settings, paths: Paths) -> tuple[History | None, str]:
    """The history, or why there is none: a question is answered all the same."""
    from assistant.history import History
    from assistant.history_file import HistoryError

    if not settings.history.keep:
        return None, ""
    try:
        return await asyncio.to_thread(History, paths.history), ""
    except HistoryError as error:
        return None, error.message


async def _close_history(history: History, settings: Settings) -> None:
    from assistant.history_file import HistoryError

    kept = settings.history
    with suppress(HistoryError):  # a full disk is no reason not to close
        await history.prune(days=kept.days, max_bytes=kept.max_megabytes * 1_000_000)
    await history.close()


def _web(settings: Settings) -> Retriever | None:
    if settings.web == "never":
        return None
    from indexes.web import SearxNG, WebRetriever

    return WebRetriever(SearxNG(settings.searxng_url) if settings.searxng_url else None)


def _cross_encoder(settings: Settings, library: Library) -> Retriever:
    from indexes.cross_encoder import CrossEncoder, CrossEncoderRetriever

    folder = Path(settings.library.cross_encoder).expanduser()
    return CrossEncoderRetriever(library.retrievers, CrossEncoder(folder))


def _models(settings: Settings, gates: Gates) -> Models:
    from pipelines.metered import open_model
    from pipelines.models import Models

    def of(role: ModelRole) -> ChatModel | None:
        return open_model(role, gates) if role.name else None

    return Models(small=of(settings.models.small), reasoning=of(settings.models.reasoning))


def _others(settings: Settings, gates: Gates) -> Mapping[str, ChatModel]:
    """The models that can be asked again, with the limits of the reasoning model's role."""
    from pipelines.metered import open_model

    role = settings.models.reasoning
    elsewhere = {"base_url": None, "api_key_env": None, "input_price_usd": None, "output_price_usd": None}
    others: dict[str, ChatModel] = {}
    for name in settings.models.others:
        of_its_provider = name.partition(":")[0] == role.name.partition(":")[0]
        others[name] = open_model(
            role.model_copy(update={"name": name, **({} if of_its_provider else elsewhere)}), gates
        )
    return others
