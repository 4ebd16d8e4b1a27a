"""Embeds text with a model at a provider or a server, through LangChain; takes no vector on trust."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexes.clean import clean_line
from indexes.errors import EncoderError
from indexes.protocols import Vectors
from pipelines.chat_errors import translated
from pipelines.errors import ModelError, ModelLimited, ModelMissing, ModelTimeout
from pipelines.providers import (
    EACH_ITS_OWN_CONNECTION,
    address_of,
    bearer,
    key_of,
    not_installed,
    without_redirects,
)

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

__all__ = ["RemoteEncoder"]

_BATCH_TEXTS = 128
_LONGEST_TEXT_CHARACTERS = 16_000
"""About four thousand tokens of English: more than a passage has, less than providers take."""
_NOTHING = "-"
"""Stands for a text without a visible character, which providers refuse."""
_PROBE = "A carrel is a small desk in a library, set apart for one reader."
_PROBE_STRIPES = 12
_QUESTION_SECONDS = 10.0
"""Longest wait for the vector of a single text: a person waits for it."""
_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0


class RemoteEncoder:
    """An `Encoder` that asks a provider: nothing is imported or sent until first use.

    The texts of papers and of questions leave this machine for the provider, or for `base_url`. It may be
    used from several threads.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key_env: str | None = None,
        batch_seconds: float = 60.0,
    ) -> None:
        """Names the model.

        Args:
            name: `provider:model` with any provider of embeddings that LangChain knows:
                `openai:text-embedding-3-small`, `ollama:nomic-embed-text`.
            base_url: For `openai:` names, the address of anything that speaks its protocol, up to `/v1`.
            api_key_env: Name of the variable with the key; by default the provider's own, which is never sent
                to another address.
            batch_seconds: Longest wait for the vectors of one batch, of at most 128 texts; a single text, as
                a question is, waits for ten seconds at most.
        """
        self._name = name
        self._base_url = base_url
        self._api_key_env = api_key_env
        self._batch_seconds = batch_seconds
        self._lock = threading.Lock()
        self._probe: NDArray[np.float64] | None = None
        self._idle: list[Embeddings] = []

    @property
    def name(self) -> str:
        """The model's name, provider included."""
        return self._name

    @property
    def provider(self) -> str:
        """What stands before the colon."""
        return self._name.partition(":")[0].strip().replace("-", "_")

    @property
    def base_url(self) -> str | None:
        """The server's address, where it is not the provider's own."""
        return self._base_url

    @property
    def api_key_env(self) -> str | None:
        """Name of the variable with the key."""
        return self._api_key_env

    @property
    def dimensions(self) -> int:
        """Length of a vector, as the first call shows it.

        Raises:
            EncoderError: The model cannot be asked.
        """
        return len(self._first_vector())

    @property
    def fingerprint(self) -> str:
        """Name, dimension and what a probe's vector looks like from afar.

        A provider's vectors differ in their last digits from call to call, so the vector itself cannot be
        hashed. The signs of twelve sums over it stay, and tell two models of one name apart in 4,095 cases
        of 4,096.

        Raises:
            EncoderError: The model cannot be asked.
        """
        vector = self._first_vector()
        signs = [vector[stripe::_PROBE_STRIPES].sum() > 0 for stripe in range(_PROBE_STRIPES)]
        code = sum(int(sign) << place for place, sign in enumerate(signs))
        return f"{self._name}/{len(vector)}/{code:03x}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Returns one unit-length row per text, in order; blocking.

        Texts beyond 16,000 characters are cut off.

        Raises:
            EncoderError: The model cannot be asked, or what it sent is not one good vector for each text.
        """
        dimensions = self.dimensions
        if not texts:
            return np.empty((0, dimensions), np.float32)
        return self._ask(texts, dimensions).astype(np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate, since a provider's tokenizer is not here: words, marks and letters beyond ASCII."""
        from indexes.split import estimated_tokens

        return estimated_tokens(texts)

    def _first_vector(self) -> NDArray[np.float64]:
        with self._lock:
            if self._probe is None:
                self._probe = self._ask([_PROBE], None)[0]
            return self._probe

    def _ask(self, texts: Sequence[str], dimensions: int | None) -> NDArray[np.float64]:
        # In a thread of its own, whether or not the caller has a running loop: only a coroutine can be
        # stopped when a server drips its reply for ever.
        with ThreadPoolExecutor(1, thread_name_prefix="embed") as pool:
            rows = pool.submit(asyncio.run, self._rows(texts)).result()
        return self._checked(rows, len(texts), dimensions)

    async def _rows(self, texts: Sequence[str]) -> list[list[float]]:
        sendable = [_sendable(text) for text in texts]
        rows: list[list[float]] = []
        try:
            client = self._client()
            for start in range(0, len(sendable), _BATCH_TEXTS):
                rows += await self._batch(client, sendable[start : start + _BATCH_TEXTS])
            self._idle.append(client)
            return rows
        except ModelError as error:
            raise EncoderError(error.message, hint=error.hint) from error

    async def _batch(self, client: Embeddings, texts: list[str]) -> list[list[float]]:
        """One batch; what may pass is tried a second time.

        The client does not say which text a vector is for, so a wrong number of them is found here, before
        batches are joined.
        """
        try:
            rows = await self._call(client, texts)
        except ModelError as error:
            pause = _pause_after(error)
            if pause is None:
                raise
            await asyncio.sleep(pause)
            rows = await self._call(client, texts)
        if len(rows) != len(texts):
            raise self._useless(f"{len(rows)} vectors for {len(texts)} texts")
        return rows

    async def _call(self, client: Embeddings, texts: list[str]) -> list[list[float]]:
        limit = self._batch_seconds if len(texts) > 1 else min(self._batch_seconds, _QUESTION_SECONDS)
        try:
            async with asyncio.timeout(limit):
                return list(await client.aembed_documents(texts))
        except TimeoutError as error:
            raise ModelTimeout(f"{self._name} sent no vectors within {limit:g} seconds.") from error
        except Exception as error:
            raise translated(error, self) from error

    def _client(self) -> Embeddings:
        """One that no other thread uses; made where none is idle, since that takes longer than a call."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> Embeddings:
        try:
            from langchain.embeddings import init_embeddings

            provider, _, model = self._name.partition(":")
            name = f"{self.provider}:{model.strip()}" if provider else self._name
            return _in_order(without_redirects(init_embeddings(name, **self._client_arguments())))
        except ImportError as error:
            raise not_installed(self) from error
        except ModelError:
            raise
        except ValueError as error:
            raise ModelMissing(
                f"There is no embedding model {self._name!r}: {clean_line(str(error))}",
                hint="Write provider:model, for example openai:text-embedding-3-small.",
            ) from error

    def _client_arguments(self) -> dict[str, Any]:
        address, key = address_of(self), key_of(self)
        if self.provider == "ollama":
            return {"base_url": address, "client_kwargs": {"headers": bearer(key), "follow_redirects": False}}
        arguments: dict[str, Any] = {}
        if address:
            arguments["base_url"] = address
        if key:
            arguments["api_key"] = key
        if self.provider == "openai":
            arguments |= {
                # The one retry is ours.
                "max_retries": 0,
                "chunk_size": _BATCH_TEXTS,
                # Its tokenizer would have to be downloaded.
                "check_embedding_ctx_length": False,
                "default_headers": EACH_ITS_OWN_CONNECTION,
            }
        return arguments

    def _checked(self, rows: list[list[float]], count: int, dimensions: int | None) -> NDArray[np.float64]:
        """The rows at unit length.

        Raises:
            EncoderError: One of them is not a vector of this model.
        """
        try:
            matrix = np.array(rows, np.float64).reshape(count, -1)
        except (ValueError, TypeError) as error:
            raise self._useless("vectors of different lengths") from error
        if matrix.shape[1] == 0 or dimensions not in (None, matrix.shape[1]):
            raise self._useless(f"vectors of {matrix.shape[1]} numbers instead of {dimensions or 'some'}")
        if not np.isfinite(matrix).all():
            raise self._useless("a vector with numbers that are not finite")
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        if not (lengths > 0).all():
            raise self._useless("a vector of zeros")
        return np.asarray(matrix / lengths)

    def _useless(self, what: str) -> EncoderError:
        return EncoderError(
            f"{self._name} sent {what}; nothing of it is kept.",
            hint="Check that the model is one for embeddings and that its server is well.",
        )


class _InOrder:
    """OpenAI's client, with vectors in the order of their texts: LangChain's drops the index of each."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    async def create(self, **request: Any) -> Any:
        response = await self._resource.create(**request)
        if sorted(each.index for each in response.data) != list(range(len(response.data))):
            raise ValueError("The vectors do not say which text each is for.")
        response.data.sort(key=lambda each: each.index)
        return response


def _in_order(client: Embeddings) -> Embeddings:
    if resource := getattr(client, "async_client", None):
        client.async_client = _InOrder(resource)  # type: ignore[attr-defined]
    return client


def _sendable(text: str) -> str:
    valid = text[:_LONGEST_TEXT_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    return valid if valid.strip() else _NOTHING


def _pause_after(error: ModelError) -> float | None:
    """Seconds to wait before a second try; `None` where there is no point in one."""
    if not error.retryable:
        return None
    asked = error.retry_after_seconds if isinstance(error, ModelLimited) else None
    pause = _PAUSE_SECONDS if asked is None else asked
    return pause if pause <= _LONGEST_PAUSE_SECONDS else None
