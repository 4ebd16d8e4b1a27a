"""Speaks Chroma to a server over HTTP: one collection there holds a generation, which grows where it is.

Only numbers of passages, names of collections and vectors go there, never text. A server answers for its
files itself, so rows are written from this process. One that is away or slow is a `ChromaAway`, in seconds.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import chromadb
import httpx
import numpy as np
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings
from chromadb.errors import InternalError, NotFoundError, RateLimitError
from numpy.typing import NDArray

from indexes.chroma import PROBE_COSINE, SETTINGS, ChromaAway, ChromaFailed
from indexes.errors import InputError
from indexes.exact import Block

__all__ = ["Address", "Collected", "ServerCollection", "extended", "forget", "new_name"]

_CONNECT_SECONDS, _SILENCE_SECONDS = 3.0, 20.0
_WRITE_SECONDS = 120.0
"""For some rows: the server makes its graph before it answers."""
_WRITE_ROWS = 1_000
_PREFIX = "carrel-"


class Collected(NamedTuple):
    """What a collection says of itself."""

    fingerprint: str
    """Of the encoder that made its vectors."""
    last_position: int
    rows: int


class Address(NamedTuple):
    """Where a server is, and which of its databases is meant."""

    host: str
    port: int
    secure: bool
    tenant: str = DEFAULT_TENANT
    database: str = DEFAULT_DATABASE

    @classmethod
    def of(cls, written: str) -> Address:
        """Reads `http://host:port`, or `http://host:port/TENANT/DATABASE`.

        Raises:
            InputError: It is something else.
        """
        refused = InputError(
            f"{written!r} is not the address of a Chroma server.",
            hint="Write library.chroma as http://HOST:PORT or http://HOST:PORT/TENANT/DATABASE.",
        )
        try:
            parts = urlsplit(written)
            port = parts.port or 8000
        except ValueError as error:  # half a bracket, or a port that is no number
            raise refused from error
        named = [part for part in parts.path.split("/") if part]
        if parts.scheme not in ("http", "https") or not parts.hostname or len(named) not in (0, 2):
            raise refused
        return cls(parts.hostname, port, parts.scheme == "https", *named)


class ServerCollection:
    """A generation on a server, opened for asking."""

    def __init__(self, server: str, name: str) -> None:
        """Opens it; blocks for some seconds at most.

        Raises:
            ChromaAway: The server cannot be reached.
            ChromaFailed: There is no such collection.
        """
        self._server = server
        with _translated(server):
            self._client = _open(server)
            try:
                self._passages = self._client.get_collection(name, embedding_function=None)
            except BaseException:
                _close(self._client)
                raise

    def collected(self) -> Collected:
        """What it says of itself, with its rows counted."""
        with _translated(self._server):
            facts = self._passages.metadata or {}
            count = int(self._passages.count())
        return Collected(str(facts.get("fingerprint", "")), int(facts.get("last_position", -1)), count)

    def search(
        self, vector: NDArray[np.float32], *, limit: int, collections: tuple[str, ...] = ()
    ) -> list[tuple[int, float]]:
        """Returns at most `limit` pairs of passage number and cosine, best first.

        Raises:
            ChromaFailed: It cannot be searched, or the reply makes no sense.
        """
        where: Any = {"collection": {"$in": list(collections)}} if collections else None
        with _translated(self._server):
            found = self._passages.query(
                query_embeddings=[vector], n_results=limit, where=where, include=["distances"]
            )
            distances = found["distances"] or [[]]
            pairs = zip(found["ids"][0], distances[0], strict=True)
            return [(int(number), 1.0 - float(distance)) for number, distance in pairs if _finite(distance)]

    def close(self) -> None:
        """Gives the connections back."""
        with _translated(self._server):
            _close(self._client)


def extended(
    server: str,
    name: str,
    rows: Iterator[Block],
    *,
    fingerprint: str,
    last_position: int,
    grown_from: int | None,
) -> Collected:
    """Writes rows into a collection and looks whether they are found; blocks. Writing them twice is the same.

    Args:
        server: Its address.
        name: Of the collection.
        rows: Passage numbers, collections and vectors, in batches.
        fingerprint: Of the encoder that made the vectors.
        last_position: Up to where the collection then holds what is stored.
        grown_from: The last position of what it must hold already; `None` makes a new one.

    Raises:
        ChromaAway: The server cannot be reached; what was written is written again next time.
        ChromaFailed: The collection is not what it should be, or does not find what was written.
    """
    with _translated(server):
        client = _open(server, silence_seconds=max(_WRITE_SECONDS, _SILENCE_SECONDS))
        try:
            passages = _to_extend(client, name, fingerprint, grown_from)
            most = min(_WRITE_ROWS, client.get_max_batch_size())
            for numbers, collections, matrix in rows:
                for start in range(0, len(numbers), most):
                    part = slice(start, start + most)
                    passages.upsert(
                        ids=[str(number) for number in numbers[part]],
                        embeddings=matrix[part],
                        metadatas=[{"collection": each} for each in collections[part]],
                    )
                if len(numbers):
                    _require_found(passages, int(numbers[0]), matrix[0])
            passages.modify(metadata={"fingerprint": fingerprint, "last_position": last_position})
            return Collected(fingerprint, last_position, int(passages.count()))
        finally:
            _close(client)


def new_name(library: str) -> str:
    """A name that no collection of this library, or of another, has ever had."""
    return f"{_PREFIX}{library}-{uuid.uuid4().hex[:8]}"


def forget(server: str, library: str, *, kept: frozenset[str]) -> None:
    """Deletes the library's collections but those kept.

    Raises:
        ChromaFailed: The server is away, or did not do it.
    """
    with _translated(server):
        client = _open(server)
        try:
            for each in client.list_collections():
                if each.name.startswith(f"{_PREFIX}{library}-") and each.name not in kept:
                    client.delete_collection(each.name)
        finally:
            _close(client)


def _open(server: str, *, silence_seconds: float | None = None) -> Any:
    """A client whose every request ends in time; Chroma's own would wait for a silent server without end."""
    address = Address.of(server)
    limits = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
    _require_chroma(server, address, limits)
    settings = Settings(
        anonymized_telemetry=False,
        chroma_api_impl="chromadb.api.fastapi.FastAPI",
        chroma_server_host=address.host,
        chroma_server_http_port=address.port,
        chroma_server_ssl_enabled=address.secure,
    )
    client = chromadb.Client(settings, tenant=address.tenant, database=address.database)
    limits = httpx.Timeout(silence_seconds or _SILENCE_SECONDS, connect=_CONNECT_SECONDS)
    client._server._session.timeout = limits  # type: ignore[attr-defined]  # there is no public way
    return client


def _close(client: Any) -> None:
    """Chroma's own closing forgets the client and leaves its connections open."""
    sessions = [api._session for api in (client._server, client._admin_client._server)]
    client.close()
    for session in sessions:
        session.close()


def _require_chroma(server: str, address: Address, limits: httpx.Timeout) -> None:
    """Chroma's client asks its first questions without a limit of time, so the server is asked before."""
    url = f"http{'s' * address.secure}://{address.host}:{address.port}/api/v2/heartbeat"
    # A proxy has no business between a library and its index.
    with httpx.Client(timeout=limits, trust_env=False) as client:
        if b"nanosecond heartbeat" not in client.get(url).content[:1000]:
            raise ChromaAway(f"at {server} there is no Chroma server")


def _to_extend(client: Any, name: str, fingerprint: str, grown_from: int | None) -> Any:
    if grown_from is None:
        return client.create_collection(
            name,
            embedding_function=None,
            configuration=SETTINGS,
            metadata={"fingerprint": fingerprint, "last_position": -1},
        )
    passages = client.get_collection(name, embedding_function=None)
    facts = passages.metadata or {}
    if (facts.get("fingerprint"), facts.get("last_position")) != (fingerprint, grown_from):
        raise ChromaFailed(f"The collection {name!r} has been written to by another library or model.")
    return passages


def _require_found(passages: Any, number: int, vector: NDArray[np.float32]) -> None:
    found = passages.query(query_embeddings=[vector], n_results=10, include=["distances"])
    nearest = 1.0 - found["distances"][0][0] if found["ids"][0] else 0.0
    if nearest < PROBE_COSINE:
        raise ChromaFailed(f"The server does not find the passage {number} by its own vector.")


def _finite(distance: object) -> bool:
    return isinstance(distance, float | int) and math.isfinite(distance)


@contextmanager
def _translated(server: str) -> Iterator[None]:
    """Makes whatever Chroma's client raises one of ours."""
    try:
        yield
    except (ChromaFailed, InputError):
        raise
    except NotFoundError as error:
        raise ChromaFailed(f"it is not on the Chroma server {server} any more") from error
    except (httpx.TransportError, InternalError, RateLimitError) as error:
        raise _away(server, error) from error
    except Exception as error:
        if str(error).startswith("Could not connect to a Chroma server"):  # a bare ValueError
            raise _away(server, error) from error
        reason = " ".join(str(error).split())[:200]
        raise ChromaFailed(f"the Chroma server {server} failed: {type(error).__name__}: {reason}") from error


def _away(server: str, error: Exception) -> ChromaAway:
    said = "took too long" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
    return ChromaAway(f"the Chroma server {server} {said}")
