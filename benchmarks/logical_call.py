"""One model call as a pipeline makes it, with retries, gate and last rung, at a server that misbehaves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.gate import Gates
from pipelines.graph import CompiledPipeline, Result
from pipelines.metered import open_model
from pipelines.models import ChatModel, ModelSettings, Prompt
from pipelines.policy import Policy
from pipelines.settings import GateSettings
from pipelines.step import Pipeline, Step, rung
from pipelines.types import Outcome
from tests.faults.dialects.anthropic import AnthropicMessages
from tests.faults.dialects.chat import ChatDialect
from tests.faults.dialects.ollama import OllamaChat
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.script import Reply
from tests.faults.script import Step as Fault
from tests.faults.server import FaultServer

__all__ = ["DEADLINE_SECONDS", "DIALECTS", "PROMPT", "TEXT", "Called", "Caller", "possible", "serving"]

DIALECTS: dict[str, type[ChatDialect]] = {
    "openai": OpenAIChat,
    "anthropic": AnthropicMessages,
    "ollama": OllamaChat,
}
PROMPT = Prompt(system="Be brief.", user="What is a carrel?")
TEXT = "A carrel is a small desk in a library [1]."

DEADLINE_SECONDS = 3.0
"""A hundredth of the 300 seconds of a real call; the other times are shortened too."""
_FIRST_TOKEN_SECONDS = 1.0


@dataclass(frozen=True)
class Called:
    """What came of one logical call."""

    text: str | None
    """The model's reply; `None` when the last rung had to serve."""
    outcome: Outcome
    """How the last attempt at the model ended."""
    requests: int
    seconds: float
    starts: tuple[float, ...]
    """When each request arrived, on the server's clock."""


class Caller:
    """Makes logical calls to one provider, each with a gate of its own unless told otherwise.

    Args:
        provider: Which client.
        server: What it talks to.
        gates: Shared by all calls, for rows about what calls learn from each other.
    """

    def __init__(self, provider: str, server: FaultServer, *, gates: Gates | None = None) -> None:
        self.server = server
        self._gates = gates
        self._settings = ModelSettings(
            name=f"{provider}:big",
            base_url=server.base_url,
            first_token_seconds=_FIRST_TOKEN_SECONDS,
            gap_seconds=_FIRST_TOKEN_SECONDS,
        )
        self._pipeline = CompiledPipeline(_one_call())

    async def call(self, *faults: Fault, times: int | None = None) -> Called:
        """Scripts the server, makes the call and says what came of it."""
        self.server.behave()
        self.server.ledger.clear()
        if faults:
            self.server.script(*faults, times=times)
        return await self.again()

    async def again(self) -> Called:
        """One more call, the server left as it is."""
        gates = self._gates or Gates(settings=GateSettings(connections=64))
        services = {"model": open_model(self._settings, gates)}
        before, began = len(self.server.ledger), time.monotonic()
        value: Any = None
        async for event in self._pipeline.stream({}, services, finish=lambda text, record: (text, record)):
            if isinstance(event, Result):
                value = event.value
        seconds = time.monotonic() - began
        text, record = value
        attempts = [span for span in record.trace if span.rung == "the model"]
        exchanges = list(self.server.ledger)[before:]
        return Called(
            text=text,
            outcome=attempts[-1].status if attempts else Outcome.INTERNAL,
            requests=len(exchanges),
            seconds=seconds,
            starts=tuple(exchange.started for exchange in exchanges),
        )


def serving(provider: str) -> FaultServer:
    """A server that speaks the provider's protocol."""
    return FaultServer(DIALECTS[provider](), prefix="/v1" if provider == "openai" else "")


def possible(provider: str, faults: Sequence[Fault]) -> bool:
    """Whether the provider's protocol has a form for each of the faults."""
    impossible = DIALECTS[provider].impossible
    return not any(isinstance(fault, Reply) and fault.then in impossible for fault in faults)


def _one_call() -> Pipeline:
    async def ask(model: ChatModel) -> str:
        return await model.complete(PROMPT)

    async def nothing() -> None:
        return None

    policy = Policy(timeout_seconds=DEADLINE_SECONDS, attempts=4, backoff_seconds=0.05)
    return Pipeline(
        "one call",
        takes=(),
        gives="text",
        optional=frozenset({"model"}),
        steps=(Step("ask", gives="text", ladder=(rung(ask, policy, name="the model"), rung(nothing))),),
    )
