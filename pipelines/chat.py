"""Calls chat models through LangChain, and takes no reply for an answer without proof that it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from indexes.clean import clean, clean_line
from pipelines.chat_errors import translated
from pipelines.errors import ModelError, ModelMissing, ModelTimeout
from pipelines.models import ModelSettings, Prompt
from pipelines.proof import Proof, text_of
from pipelines.providers import (
    EACH_ITS_OWN_CONNECTION,
    address_of,
    bearer,
    key_of,
    not_installed,
    without_redirects,
)
from pipelines.thinking import ThinkingFilter
from pipelines.trace import current_span
from pipelines.types import Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk

__all__ = ["LangChainModel"]


class LangChainModel:
    """Any chat model that LangChain can make; its client is loaded at the first call."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self._client: BaseChatModel | None = None
        self._loading = asyncio.Lock()

    async def complete(self, prompt: Prompt) -> str:
        """See `ChatModel.complete`."""
        return "".join([piece async for piece in self.stream(prompt)])

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """See `ChatModel.stream`."""
        span = current_span()
        if span is not None:
            span.model = self.settings.name
            span.spend(Usage(calls=1))
        proof = Proof(self.settings.name)
        thinking = ThinkingFilter()
        async for chunk in self._chunks(prompt):
            proof.see(chunk)
            if piece := thinking.feed(clean(text_of(chunk))):
                proof.shown += len(piece)
                yield piece
        if span is not None:
            span.spend(proof.usage)
            span.truncated = proof.truncated
        if piece := thinking.finish():
            proof.shown += len(piece)
            yield piece
        proof.check()

    async def _chunks(self, prompt: Prompt) -> AsyncIterator[AIMessageChunk]:
        client = await self._connected()
        messages = [("system", prompt.system), ("human", prompt.user)]
        limit = self.settings.first_token_seconds
        try:
            async with aclosing(cast("Any", client.astream(messages))) as chunks:
                while True:
                    async with asyncio.timeout(limit):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        return
                    _honour_cancelling()
                    yield chunk
                    limit = self.settings.gap_seconds
        except TimeoutError as error:
            raise ModelTimeout(f"{self.settings.name} sent nothing for {limit:g} seconds.") from error
        except ModelError:
            raise
        except Exception as error:
            raise translated(error, self.settings) from error

    async def _connected(self) -> BaseChatModel:
        async with self._loading:
            if self._client is None:
                self._client = await asyncio.to_thread(self._connect)
            return self._client

    def _connect(self) -> BaseChatModel:
        """Makes the client; blocking, since it imports the provider's package."""
        settings = self.settings
        try:
            from langchain.chat_models import init_chat_model

            client = init_chat_model(settings.name, **self._client_arguments())
            return without_redirects(cast("BaseChatModel", client))
        except ImportError as error:
            raise not_installed(self.settings) from error
        except ValueError as error:
            raise ModelMissing(
                f"There is no model {settings.name!r}: {clean_line(str(error))}",
                hint="Write provider:model; `carrel models` lists the providers that are installed.",
            ) from error
        except Exception as error:
            raise translated(error, self.settings) from error

    def _client_arguments(self) -> dict[str, Any]:
        settings, provider = self.settings, self.settings.provider
        if provider == "ollama":
            return {**_ollama_arguments(settings), **self._temperature()}
        # The one retry layer is ours (pipelines.ladder): a client that retries on its own multiplies calls.
        arguments: dict[str, Any] = {"max_retries": 0, "max_tokens": settings.max_output_tokens}
        if provider in {"openai", "anthropic"}:
            arguments["default_headers"] = EACH_ITS_OWN_CONNECTION
        if provider == "openai":
            arguments["stream_usage"] = True
            # The limits on waiting are ours; the client's costs a task for each chunk.
            arguments["stream_chunk_timeout"] = None
        if address := address_of(settings):
            arguments["base_url"] = address
        if key := key_of(settings):
            arguments["api_key"] = key
        return {**arguments, **self._temperature()}

    def _temperature(self) -> dict[str, float]:
        temperature = self.settings.temperature
        return {} if temperature is None else {"temperature": temperature}


def _ollama_arguments(settings: ModelSettings) -> dict[str, Any]:
    """Its client does not retry, takes its key as a header, and has limits of its own on what is read."""
    return {
        "base_url": address_of(settings),
        "num_predict": settings.max_output_tokens,
        # What does not fit is cut off without a word, and by default very little fits.
        "num_ctx": settings.context_tokens,
        "client_kwargs": {"headers": bearer(key_of(settings)), "follow_redirects": False},
    }


def _honour_cancelling() -> None:
    """Stops a task that was cancelled although it has just been given a chunk.

    Clients wait for a chunk with `asyncio.wait_for`, which before Python 3.12 drops a cancellation that comes
    in the same turn of the loop as the chunk (python/cpython#86296). The call would go on unseen until the
    longest gap between two chunks, long after its question's deadline.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
