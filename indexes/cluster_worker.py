"""What a worker of a cluster does for the library: reads and cuts files in its own children, and embeds."""

from __future__ import annotations

import asyncio
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from distributed import Worker, WorkerPlugin, get_worker

from indexes.embed import OnnxEncoder
from indexes.errors import CarrelError, EncoderMismatch, EncoderMissing, ReadError
from indexes.hashing import HashingEncoder
from indexes.model_files import find_model
from indexes.protocols import Encoder, Vectors
from indexes.readers.child import Failure
from indexes.readers.limits import Limits
from indexes.readers.named import NamedReader
from indexes.readers.pool import ReaderPool
from indexes.split import Splitter
from indexes.types import Model, ParsedDocument, Passage

__all__ = ["CutDocument", "EncoderRecipe", "ReadReply", "Reading", "Recipe", "embed", "read", "versions"]


class CutDocument(ParsedDocument):
    """A document with its passages, which belong to no document yet."""

    cut: tuple[Passage, ...] | None = None
    """`None` where it is cut by who asked."""


class ReadReply(Model):
    """What comes of a file; as JSON, because a worker's word is looked over like a child's."""

    document: CutDocument | None = None
    failure: Failure | None = None


class EncoderRecipe(Model):
    """How a worker comes by the encoder."""

    name: str
    folder: str = ""
    """Where its files lie on the machine that asks; empty for an encoder without files."""
    dimensions: int
    fingerprint: str
    """What the worker's own must have: vectors of two models never meet."""

    def made(self) -> Encoder:
        """The encoder, for one thread.

        Raises:
            EncoderMissing: Its files are not on this machine.
            EncoderMismatch: They are those of another model.
        """
        encoder: Encoder
        if not self.folder:
            encoder = HashingEncoder(self.dimensions)
        else:
            here = Path(self.folder)
            folder = here if here.is_dir() else find_model(self.name, cache=here.parent)
            if folder is None:
                raise EncoderMissing(f"A worker does not have the embedding model {self.name!r}.")
            encoder = OnnxEncoder(folder, threads=1)
        if encoder.fingerprint != self.fingerprint:
            raise EncoderMismatch(f"A worker's embedding model {self.name!r} is another one.")
        return encoder


class Recipe(Model):
    """All that a worker has to know."""

    versions: dict[str, str]
    cuts: bool = True
    """Whether workers cut documents into passages; a parser of the person's own does it at home."""
    encoder: EncoderRecipe | None
    named: tuple[NamedReader, ...] = ()
    ocr: bool = False
    limits: Limits = Limits()
    timeout_seconds: float = 60.0
    memory_bytes: int = 1 << 30


class Reading(WorkerPlugin):
    """Held by each worker while papers are added: its pool of children, its splitter, its encoder."""

    def __init__(self, recipe: str) -> None:
        self._recipe = recipe
        """As JSON."""

    def setup(self, worker: Worker) -> None:
        """Makes what does not take long; raises where the worker is another Carrel or has no such model."""
        recipe = Recipe.model_validate_json(self._recipe)
        if (mine := versions()) != recipe.versions:
            raise EncoderMismatch(f"{worker.address} runs {_words(mine)}, and not {_words(recipe.versions)}")
        self.encoder = recipe.encoder.made() if recipe.encoder else None
        self.splitter = Splitter(encoder=self.encoder) if recipe.cuts else None
        self.pool = ReaderPool(
            workers=worker.state.nthreads,
            timeout_seconds=recipe.timeout_seconds,
            memory_bytes=recipe.memory_bytes,
            limits=recipe.limits,
            named=recipe.named,
            ocr=recipe.ocr,
        )
        if self.splitter is not None:
            # The first file need not wait for what splitting imports.
            threading.Thread(target=self.splitter.prepare, daemon=True).start()

    async def teardown(self, worker: Worker) -> None:
        """Ends the children."""
        await self.pool.close()


async def read(held: str, path: str, member: str | None) -> bytes:
    """Returns a `ReadReply` for a file, or for a member of an archive, as JSON.

    Args:
        held: Under which name the worker holds its `Reading`.
        path: The file's, which the worker must see where the asking machine does.
        member: Which member of the archive is meant.
    """
    reading = _held(held)
    try:
        file = Path(path)
        parsed = await (reading.pool.read_member(file, member) if member else reading.pool.read(file))
        return await asyncio.to_thread(_cut, reading.splitter, parsed)
    except ReadError as error:
        failure = Failure(kind=error.kind, message=error.message, hint=error.hint)
        return ReadReply(failure=failure).model_dump_json().encode()


def embed(held: str, texts: list[str]) -> bytes:
    """Returns the texts' vectors, one after another, as little-endian 32-bit numbers."""
    encoder = _held(held).encoder
    if encoder is None:
        raise EncoderMissing("This worker was given no embedding model.")
    vectors: Vectors = encoder.encode(texts)
    return vectors.astype("<f4").tobytes()


def versions() -> dict[str, str]:
    """What must be the same on every worker, because passages and vectors depend on it."""
    found = {}
    for package in ("carrel", "llama-index-core", "tokenizers", "onnxruntime"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = ""
    return found


def _cut(splitter: Splitter | None, parsed: ParsedDocument) -> bytes:
    cut = CutDocument(**dict(parsed), cut=splitter.split(parsed, "") if splitter else None)
    return ReadReply(document=cut).model_dump_json().encode()


def _held(name: str) -> Reading:
    plugin = get_worker().plugins.get(name)
    if not isinstance(plugin, Reading):
        raise CarrelError("This worker is not ready to read papers.")
    return plugin


def _words(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {number or '?'}" for name, number in versions.items())
