"""One model call within a question's means: from the journal if it was paid for, else by budget and gate."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from pipelines.gate import Gate, Gates
from pipelines.journal import Kept
from pipelines.models import ChatModel, ModelSettings, Prompt
from pipelines.prices import cost_usd, worst_cost_usd
from pipelines.prompts import tokens
from pipelines.trace import OpenSpan, billed_apart, current_span
from pipelines.types import Usage

__all__ = ["Metered", "open_model"]


def open_model(settings: ModelSettings, gates: Gates) -> ChatModel:
    """The model that the settings name, metered; its client is loaded at the first call."""
    from pipelines.chat import LangChainModel

    return Metered(LangChainModel(settings), gates.for_model(settings))


class Metered:
    """A chat model whose calls are journaled, counted against the question's budget and let through a gate.

    Args:
        model: What is called.
        gate: The door to its provider.
    """

    def __init__(self, model: ChatModel, gate: Gate) -> None:
        self._model = model
        self._gate = gate

    @property
    def settings(self) -> ModelSettings:
        """See `ChatModel.settings`."""
        return self._model.settings

    async def complete(self, prompt: Prompt) -> str:
        """See `ChatModel.complete`."""
        return "".join([piece async for piece in self.stream(prompt)])

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """See `ChatModel.stream`; a reply from the journal comes in one piece.

        Raises:
            BudgetSpent: The call would go over the question's limits.
            TotalSpent: It would go over those of the batch.
            ModelError: There is no whole reply, or the provider is left alone for now.
        """
        span = current_span()
        if span is None:
            async with self._gate.call(), aclosing(cast("Any", self._model.stream(prompt))) as pieces:
                async for piece in pieces:
                    yield piece
            return
        key = _hash(self.settings, prompt)
        if (kept := await _recalled(span, key)) is not None:
            yield kept.text
            return
        text: list[str] = []
        # In a thread: the list of prices takes most of a second to load.
        worst = await asyncio.to_thread(worst_cost_usd, self.settings, _length(prompt))
        async with self._gate.call(worst) as bill:
            if worst is None and span.recorder.allowance.budget.max_cost_usd is not None:
                span.recorder.note(
                    f"The price of {self.settings.name} is not known: no limit of money holds it back."
                )
            span.recorder.allowance.take_call(worst)
            with billed_apart(span) as call:
                try:
                    async with aclosing(cast("Any", self._model.stream(prompt))) as pieces:
                        async for piece in pieces:
                            text.append(piece)
                            yield piece
                finally:
                    bill.cost_usd = self._price(call, worst)
        if span.recorder.journal is not None and not call.truncated:
            kept = Kept(text="".join(text), model=self.settings.name, usage=call.usage)
            await span.recorder.journal.keep(span.step, key, kept)
            span.replies.append(key)

    def _price(self, call: OpenSpan, promised_usd: float | None) -> float:
        """Adds what the call's tokens cost to what it has spent, and returns it, as far as it is known."""
        cost = cost_usd(self.settings, call.usage)
        call.spend(Usage(cost_usd=cost, unpriced_calls=call.usage.calls if cost is None else 0))
        call.recorder.allowance.pay(cost, promised_usd=promised_usd)
        return cost or 0.0


async def _recalled(span: OpenSpan, key: str) -> Kept | None:
    journal = span.recorder.journal
    kept = await journal.recall(span.step, key, shared=span.cacheable) if journal is not None else None
    if kept is not None:
        span.model = kept.model
        span.spend(Usage(recalled=1))
        span.replies.append(key)
    return kept


def _hash(settings: ModelSettings, prompt: Prompt) -> str:
    """Of everything that a reply depends on."""
    parts = (
        settings.name,
        settings.base_url or "",
        str(settings.temperature),
        str(settings.max_output_tokens),
        prompt.system,
        prompt.user,
    )
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()


def _length(prompt: Prompt) -> int:
    return tokens(prompt.system) + tokens(prompt.user)
