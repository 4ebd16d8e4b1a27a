"""A person's library: add papers, search them by word and by meaning, read their text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from indexes.catalogue import Catalogue
from indexes.database import Database
from indexes.dense import DenseIndex
from indexes.errors import EncoderError, EncoderMismatch, EncoderMissing
from indexes.events import Added, AddEvent
from indexes.generations import GenerationFailed
from indexes.gone import vanished_note
from indexes.growing import Server
from indexes.hands import hands
from indexes.holdings import Holdings
from indexes.ingest import ingest, ingest_texts, require_files
from indexes.keyword import KeywordRetriever, rarity
from indexes.ledger import Record
from indexes.lock import WriterLock
from indexes.meaning import DenseRetriever, embed_waiting
from indexes.neighbours import PER_DOCUMENT
from indexes.postings import Postings
from indexes.protocols import Encoder, Retriever, RunsHere
from indexes.readers.ocr import require as require_ocr
from indexes.rebuild import refreshed
from indexes.search import BY_KEYWORD_ONLY, search_all
from indexes.split import Splitter
from indexes.texts import Texts
from indexes.types import AddReport, Collection, Fate, Hits, ParsedDocument
from indexes.vectors import PassageVectors
from indexes.walk import Walk, walk
from indexes.zotero import expanded

if TYPE_CHECKING:
    from llama_index.core.node_parser import NodeParser

    from indexes.cluster import Cluster
    from indexes.readers.named import NamedReader
    from indexes.readers.pool import PluggedReader

__all__ = ["Library"]


class Library(Texts):
    """Papers in a folder of their own. Any number of processes may read it while one writes."""

    def __init__(
        self,
        folder: Path,
        *,
        encoder: Encoder | None = None,
        delta_limit: int = 2_000,
        parser: NodeParser | None = None,
        chroma: str = "",
    ) -> None:
        """Use `Library.open`."""
        self._folder = folder
        self._delta_limit = delta_limit
        self._chroma = chroma
        self._encoder = encoder
        self._database = Database(folder / "catalogue.sqlite")
        super().__init__(Catalogue(self._database))
        self._vectors = PassageVectors(self._database)
        self._lock = WriterLock(folder / "writer.lock")
        self._embedding = asyncio.Lock()
        self._splitter = Splitter(encoder=encoder, parser=parser)
        postings = Postings()
        self._keyword = KeywordRetriever(self._database, postings=postings)
        self._index: DenseIndex | None = None
        self._dense: DenseRetriever | None = None
        self.further: tuple[Retriever, ...] = ()
        """More ways to search, such as a cross-encoder; what they find is fused with the rest."""
        if encoder is not None:
            vectors = self._vectors
            self._index = DenseIndex(
                folder / "dense",
                vectors,
                encoder,
                delta_limit=delta_limit,
                expected=vectors.was_indexed,
                server=Server(chroma, vectors.identity) if chroma else None,
            )
            self._dense = DenseRetriever(self._database, vectors, self._index, encoder, postings=postings)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        encoder: Encoder | None = None,
        delta_limit: int = 2_000,
        parser: NodeParser | None = None,
        chroma: str = "",
    ) -> Self:
        """Opens the library in `folder`, and makes an empty one where there is none.

        Args:
            folder: Holds everything the library keeps; made readable by its owner only.
            encoder: Embeds passages and questions; without one, search is by keyword.
            delta_limit: How many passages newer than the dense index are searched one by one before the
                next index is built.
            parser: A LlamaIndex node parser that cuts passages instead of the default one.
            chroma: Address of a Chroma server that keeps the dense index; by default the folder does.

        Raises:
            LibraryDamaged: There is something that is not a library, or not one this version reads.
            LibraryError: The folder cannot be used.
        """
        return cls(folder, encoder=encoder, delta_limit=delta_limit, parser=parser, chroma=chroma)

    async def close(self) -> None:
        """Waits for running work and gives every file back. Closing twice does nothing."""
        if self._index is not None:
            await asyncio.to_thread(self._index.close)
        await self._database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._folder

    @property
    def encoder(self) -> Encoder | None:
        """What embeds; `None` means that search is by keyword."""
        return self._encoder

    @property
    def retrievers(self) -> tuple[Retriever, ...]:
        """The ways to search it: by meaning, if there is an encoder, by keyword, and any further ones."""
        return (*(() if self._dense is None else (self._dense,)), self._keyword, *self.further)

    @property
    def holdings(self) -> Holdings:
        """Its papers as their owner handles them: named, listed, removed, regrouped."""
        given = self._catalogue, self._vectors, self._lock
        return Holdings(*given, delta_limit=self._delta_limit, chroma=self._chroma)

    async def search(
        self,
        text: str,
        *,
        limit: int = 10,
        collections: Sequence[str] = (),
        per_document: int | None = PER_DOCUMENT,
    ) -> Hits:
        """Searches by meaning and by keyword at the same time and fuses what they find.

        Passages that touch come as one, so there may be fewer hits than `limit`.

        Args:
            text: What to look for; any characters. Filters in it hold: see `indexes.query`.
            limit: Most hits.
            collections: Where to look; empty means everywhere.
            per_document: Most passages of a document before all others have had their turn; `None` for any.

        Raises:
            FilterRefused: A filter in the text cannot be one.
            LibraryError: The catalogue cannot be read.
        """
        found = await search_all(
            self.retrievers,
            text,
            limit=limit,
            collections=tuple(collections),
            per_document=per_document,
            page_text=self._catalogue.page,
        )
        return Hits(hits=found.hits, notes=(*self.notes, *found.notes))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of any search of this library should know; usually nothing."""
        return (BY_KEYWORD_ONLY,) if self._encoder is None else ()

    async def collections(self) -> tuple[Collection, ...]:
        """Returns the collections, by name, with what each holds."""
        encoder = self._encoder
        try:
            fingerprint = "" if encoder is None else await asyncio.to_thread(lambda: encoder.fingerprint)
        except EncoderError:
            fingerprint = ""
        return await self._catalogue.collections(fingerprint)

    async def failures(self) -> tuple[Record, ...]:
        """Returns the ledger's rows of files that failed, for now or for good, with their reasons."""
        return await self._catalogue.failures()

    async def rarity(self, stems: Iterable[str]) -> dict[str, float]:
        """Returns how telling each stem is here, from 0 (stands everywhere) to 1 (stands nowhere).

        Args:
            stems: Porter's (1980), as the keyword index has them.
        """
        return await rarity(self._database, stems)

    async def closeness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """Returns how close each text is to the question in meaning: the cosine, -1 to 1, in order.

        Empty where no model on this machine can tell: nothing is sent away for it.

        Raises:
            EncoderError: The model cannot be used.
        """
        encoder = self._encoder
        if not texts or not isinstance(encoder, RunsHere) or not encoder.runs_here:
            return ()
        vectors = await asyncio.to_thread(encoder.encode, [question, *texts])
        return tuple(float(cosine) for cosine in vectors[1:] @ vectors[0])

    async def add(
        self,
        paths: Sequence[Path],
        *,
        collection: str = "papers",
        emit: Callable[[AddEvent], None] | None = None,
        reader: PluggedReader | None = None,
        named_readers: Sequence[NamedReader] = (),
        ocr: bool = False,
        reembed: bool = False,
        again: bool = False,
        cluster: Cluster | None = None,
    ) -> AddReport:
        """Adds the papers under `paths`: searchable by keyword one by one, then embedded.

        Each file has its own fate; a bad one never stops the others. Files already here with the same content
        cost no work; a changed file replaces its old text in one step. Cancelling keeps what is done, and
        adding again continues.

        Args:
            paths: Files and folders; `zotero:` stands for the person's own Zotero library.
            collection: The part of the library they belong to.
            emit: Told what happens, in this task.
            reader: A reader of the person's own for some kinds of file.
            named_readers: Readers to be loaded by name, in the children that read; they go before ours.
            ocr: Read pages that are pictures by OCR; files that had no text before are tried again.
            reembed: Embed anew if the library was embedded with another model.
            again: Read files again that failed before with the content they still have.
            cluster: Whose workers read and embed; this process commits what they bring.

        Raises:
            PathMissing: One of the paths does not exist.
            NothingToRead: There is no readable file.
            InputError: A named reader, or OCR, is not installed.
            LibraryBusy: Another process is writing.
            LibraryError: The catalogue cannot be written; what is committed stays.
        """
        paths = await asyncio.to_thread(expanded, paths)
        if ocr:
            await asyncio.to_thread(require_ocr)
        also = set() if reader is None else set(reader.suffixes)
        for named in named_readers:
            await asyncio.to_thread(named.require)
            also.update(named.suffixes)
        found = await asyncio.to_thread(walk, paths, also=also)
        require_files(found, paths)
        return await self.add_found(
            found,
            collection=collection,
            emit=emit,
            reader=reader,
            named_readers=named_readers,
            ocr=ocr,
            reembed=reembed,
            again=again,
            vanished_from=paths,
            cluster=cluster,
        )

    async def add_found(
        self,
        found: Walk,
        *,
        collection: str = "papers",
        emit: Callable[[AddEvent], None] | None = None,
        reader: PluggedReader | None = None,
        named_readers: Sequence[NamedReader] = (),
        ocr: bool = False,
        reembed: bool = False,
        again: bool = False,
        vanished_from: Sequence[Path] = (),
        cluster: Cluster | None = None,
    ) -> AddReport:
        """Adds what a walk has found, like `add`; files gone from the folders `vanished_from` are noted."""
        started = time.monotonic()
        tell = emit or _nobody
        helped = hands(
            splitter=self._splitter,
            encoder=self._encoder,
            reader=reader,
            named_readers=named_readers,
            ocr=ocr,
            cluster=cluster,
        )
        async with self._lock.held(), helped as ready:
            report = await ingest(
                found,
                catalogue=self._catalogue,
                reader=ready.reader,
                splitter=ready.splitter,
                collection=collection,
                emit=tell,
                at_once=ready.at_once,
                again=again,
            )
            await self._catalogue.compact()
            notes = await vanished_note(self._catalogue, vanished_from, found, collection)
            notes += await self._embedded_or_why_not(tell, ready.encoder, reembed=reembed)
        notes += report.notes
        report = report.model_copy(update={"notes": notes, "seconds": time.monotonic() - started})
        tell(Added(report=report))
        return report

    async def add_texts(
        self, documents: Mapping[str, ParsedDocument], *, collection: str = "papers", embed: bool = True
    ) -> AddReport:
        """Adds documents that are already in hand; one of the same name is replaced, as with `add`.

        Raises:
            NoText: One of them holds no text; those before it are kept.
            LibraryBusy: Another process is writing.
            LibraryError: The catalogue cannot be written.
        """
        started = time.monotonic()
        async with self._lock.held():
            passages = await ingest_texts(
                documents, catalogue=self._catalogue, splitter=self._splitter, collection=collection
            )
            await self._catalogue.compact()
            notes = await self._embedded_or_why_not(_nobody, self._encoder) if embed else ()
        return AddReport(
            counts={Fate.INDEXED: len(documents)},
            pages=sum(len(parsed.pages) for parsed in documents.values()),
            passages=passages,
            seconds=time.monotonic() - started,
            notes=notes,
        )

    async def embed(self, *, emit: Callable[[AddEvent], None] | None = None, reembed: bool = False) -> int:
        """Embeds what is not embedded yet, and builds the next dense index when it is due; returns how many.

        Raises:
            EncoderMissing: There is no encoder.
            EncoderMismatch: The library was embedded with another model and `reembed` is not set.
            EncoderError: The model cannot be used.
            LibraryBusy: Another process is writing.
            LibraryError: The dense index could not be built; search goes on without it.
        """
        if self._encoder is None or self._index is None:
            raise EncoderMissing("There is no embedding model, so nothing can be embedded.")
        return await self._embed(self._encoder, emit or _nobody, reembed=reembed)

    async def remove(self, document_id: str) -> None:
        """Takes a document out, with its passages, keyword rows and vectors; its file is not touched.

        Raises:
            DocumentMissing: There is no such document.
            LibraryBusy: Another process is writing.
        """
        await self.holdings.remove([await self.document(document_id)])

    async def _embed(self, encoder: Encoder, tell: Callable[[AddEvent], None], *, reembed: bool) -> int:
        assert self._index is not None
        async with self._lock.held(), self._embedding:
            count = await embed_waiting(self._vectors, encoder, emit=tell, reembed=reembed)
            await refreshed(self._index, self._vectors)
        return count

    async def _embedded_or_why_not(
        self, tell: Callable[[AddEvent], None], encoder: Encoder | None, *, reembed: bool = False
    ) -> tuple[str, ...]:
        """What is added stays searchable by keyword, so a model that fails is a note here."""
        if encoder is None:
            return ()
        try:
            await self._embed(encoder, tell, reembed=reembed)
        except (EncoderError, EncoderMismatch) as error:
            return (f"Searchable by keyword only: {error.message} {error.hint}".rstrip(),)
        except GenerationFailed as error:
            return (f"Search by meaning is slower than it could be: {error.message}",)
        return ()


def _nobody(event: AddEvent) -> None:
    """Nobody listens."""
