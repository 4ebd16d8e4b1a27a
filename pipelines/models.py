"""Chat models as the steps see them: names, limits, roles and the one way to call them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pydantic import Field, field_validator

from indexes.types import Model

__all__ = ["ChatModel", "ModelSettings", "Models", "Prompt"]


class ModelSettings(Model):
    """Which model, where, and within which limits."""

    name: str
    """`provider:model` with any provider that LangChain knows: `openai:gpt-5-mini`, `ollama:qwen3:8b`."""
    base_url: str | None = None
    """For `openai:` names: the address of anything that speaks its protocol, up to and including `/v1`."""
    api_key_env: str | None = None
    """Name of the environment variable with the key; by default the provider's own."""
    context_tokens: int = Field(default=16_000, gt=500)
    """How much the model can read and write in one call."""
    max_output_tokens: int = Field(default=1_200, gt=0)
    first_token_seconds: float = Field(default=60.0, gt=0)
    """Longest wait for the first piece of a reply."""
    gap_seconds: float = Field(default=30.0, gt=0)
    """Longest wait between two pieces."""
    input_price_usd: float | None = Field(default=None, ge=0)
    """Dollars for a million tokens read, where the list of prices does not know the model."""
    output_price_usd: float | None = Field(default=None, ge=0)
    """Dollars for a million tokens written."""
    temperature: float | None = None
    """Left to the provider unless set: some reasoning models refuse any other."""

    @field_validator("name")
    @classmethod
    def _has_provider(cls, name: str) -> str:
        provider, _, model = name.partition(":")
        if not provider.strip() or not model.strip():
            raise ValueError(
                f"{name!r} is not a model name: write provider:model, for example openai:gpt-5-mini"
            )
        return name.strip()

    @property
    def provider(self) -> str:
        """What stands before the colon."""
        return self.name.partition(":")[0].replace("-", "_")

    @property
    def input_tokens(self) -> int:
        """What is left for the prompt."""
        return max(400, self.context_tokens - self.max_output_tokens)


class Prompt(Model):
    """What a model is told."""

    system: str
    user: str


@runtime_checkable
class ChatModel(Protocol):
    """A model that a step can call."""

    @property
    def settings(self) -> ModelSettings:
        """Its name and limits."""
        ...

    def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """Yields the reply's text, sanitised, as it comes; returning at all is proof that it is whole.

        What the call has cost is added to the current span.

        Raises:
            ModelError: There is no whole reply; its class says why.
        """
        ...

    async def complete(self, prompt: Prompt) -> str:
        """Returns the whole reply.

        Raises:
            ModelError: There is no whole reply.
        """
        ...


@dataclass(frozen=True)
class Models:
    """The two roles a question may need; `None` where nothing is configured."""

    small: ChatModel | None = None
    reasoning: ChatModel | None = None

    @property
    def names(self) -> dict[str, str]:
        """Role to model name, for the roles that are filled."""
        roles = {"small": self.small, "reasoning": self.reasoning}
        return {role: model.settings.name for role, model in roles.items() if model is not None}
