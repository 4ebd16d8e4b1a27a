"""Calls chat models through LangChain, and takes no reply for an answer without proof that it is whole."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from indexes.clean import clean, clean_line
from pipelines.chat_errors import translated
from pipelines.errors import (
    ModelAuth,
    ModelError,
    ModelMissing,
    ModelTimeout,
)
from pipelines.models import ModelSettings, Prompt
from pipelines.proof import Proof, text_of
from pipelines.thinking import ThinkingFilter
from pipelines.trace import current_span
from pipelines.types import Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk

__all__ = ["LangChainModel"]

_EXTRAS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google_genai": "google",
    "mistralai": "mistral",
    "ollama": "ollama",
}


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

            return cast("BaseChatModel", init_chat_model(settings.name, **self._client_arguments()))
        except ImportError as error:
            raise self._not_installed() from error
        except ValueError as error:
            raise ModelMissing(
                f"There is no model {settings.name!r}: {clean_line(str(error))}",
                hint="Write provider:model; `carrel models` lists the providers that are installed.",
            ) from error
        except Exception as error:
            raise translated(error, self.settings) from error

    def _client_arguments(self) -> dict[str, Any]:
        settings = self.settings
        # The one retry layer is ours (pipelines.ladder): a client that retries on its own multiplies calls.
        arguments: dict[str, Any] = {"max_retries": 0}
        if settings.provider == "ollama":
            arguments = {"num_predict": settings.max_output_tokens}
        else:
            arguments["max_tokens"] = settings.max_output_tokens
        if settings.temperature is not None:
            arguments["temperature"] = settings.temperature
        if settings.base_url:
            arguments["base_url"] = settings.base_url
        if settings.provider == "openai":
            arguments["stream_usage"] = True
        if key := self._key():
            arguments["api_key"] = key
        return arguments

    def _key(self) -> str | None:
        settings = self.settings
        if settings.api_key_env:
            key = os.environ.get(settings.api_key_env)
            if not key:
                raise ModelAuth(
                    f"The key for {settings.name} should be in ${settings.api_key_env}, which is not set.",
                    hint=f"export {settings.api_key_env}=...",
                )
            return key
        if settings.base_url:
            # The provider's own key is never sent to another address. Servers that ask for none get a word,
            # since the client insists on one.
            return "none"
        if settings.provider == "openai" and not os.environ.get("OPENAI_API_KEY"):
            raise ModelAuth(
                f"{settings.name} needs a key in $OPENAI_API_KEY.", hint="export OPENAI_API_KEY=..."
            )
        return None

    def _not_installed(self) -> ModelMissing:
        provider = self.settings.provider
        extra = _EXTRAS.get(provider)
        if extra and importlib.util.find_spec(f"langchain_{provider}"):
            return ModelMissing(f"The client for {provider!r} models is installed but cannot be imported.")
        package = f'"carrel[{extra}]"' if extra else f"langchain-{provider.replace('_', '-')}"
        return ModelMissing(
            f"The client for {provider!r} models is not installed.", hint=f"pip install {package}"
        )
