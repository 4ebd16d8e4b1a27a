"""What workers ask the one process for while they answer: leave to call a model, and what was paid before.

The process that was asked to do a batch holds each provider's door, the batch's money and the history, so
limits hold for the cluster as a whole, and what a worker paid for outlives it. A worker that dies lets go of
its place at the door, because its connection ends. Only short JSON texts cross, and nothing is unpickled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from distributed import Security
from distributed.comm import core
from distributed.comm.core import CommClosedError

from assistant.failures import error_of, failed_of
from assistant.history import History
from indexes.clean import clean_line
from pipelines.errors import ModelError, ModelLimited, ModelUnreachable, TotalSpent
from pipelines.events import Failed
from pipelines.gate import Gate, Gates
from pipelines.journal import Kept
from pipelines.models import ModelSettings
from pipelines.purse import Bill, Purse, spending_from
from pipelines.types import Question

__all__ = ["FarGate", "FarGates", "FarJournal", "Hub", "served"]

Message = dict[str, Any]

_CONNECT_SECONDS = 20.0


class Hub:
    """The one process's side."""

    def __init__(self, gates: Gates, history: History | None, purse: Purse) -> None:
        self._gates = gates
        self._history = history
        self._purse = purse

    async def answer(self, comm: Any) -> None:
        """Serves one connection of a worker, to its end."""
        with suppress(CommClosedError, asyncio.CancelledError):
            asked: Message = await comm.read()
            match asked["op"]:
                case "call":
                    await self._call(comm, ModelSettings.model_validate_json(asked["model"]), asked["worst"])
                case "recall" | "keep" | "forget" if self._history is not None:
                    await comm.write(await self._journal(asked))
                case _:
                    await comm.write({})
        with suppress(Exception):
            await comm.close()

    async def _call(self, comm: Any, model: ModelSettings, worst_usd: float | None) -> None:
        """Holds a place at the provider's door until the worker says how its call has ended, or is gone.

        Nobody knows what the call of a worker that is gone has cost: it is taken to be as much as it could.
        """
        let_in = False
        try:
            with spending_from(self._purse):
                async with self._gates.for_model(model).call(worst_usd) as bill:
                    let_in = True
                    bill.cost_usd = worst_usd or 0.0
                    await comm.write({})
                    outcome: Message = await comm.read()
                    bill.cost_usd = outcome["cost"]
                    if "failed" in outcome:
                        raise _model_error(outcome)
        except (ModelError, TotalSpent) as error:
            if not let_in:
                await comm.write(_said(error))

    async def _journal(self, asked: Message) -> Message:
        assert self._history is not None
        journal = self._history.journal(asked["run"], asked["question"])
        step, key = asked["step"], asked["key"]
        if asked["op"] == "recall":
            kept = await journal.recall(step, key, shared=asked["shared"])
            return {"kept": kept.model_dump_json()} if kept else {}
        if asked["op"] == "keep":
            await journal.keep(step, key, Kept.model_validate_json(asked["kept"]))
        else:
            await journal.forget(step, key)
        return {}


@asynccontextmanager
async def served(hub: Hub, address: str, security: Security) -> AsyncIterator[str]:
    """Listens inside the block; gives the address that workers reach it by.

    Args:
        hub: Who answers.
        address: Where to listen, without a port: `tls://127.0.0.1`.
        security: The cluster's keys.
    """
    keys: Any = security
    listen: Any = core.listen
    options = keys.get_listen_args("client") if address.startswith("tls") else {}
    listener = await listen(f"{address}:0", hub.answer, deserialize=False, **options)
    try:
        yield listener.contact_address
    finally:
        listener.stop()


class FarGates(Gates):
    """A worker's side of every door."""

    def __init__(self, hub: str, security: Security) -> None:
        super().__init__()
        self._hub = hub
        self._security = security

    def for_model(self, model: ModelSettings) -> Gate:
        """The gate that calls to this model pass."""
        return FarGate(model, self._hub, self._security)


class FarGate(Gate):
    """Asks the one process before each call, and tells it how the call has ended."""

    def __init__(self, model: ModelSettings, hub: str, security: Security) -> None:
        super().__init__(model.provider)
        self._model = model.model_dump_json()
        self._far = hub, security

    @asynccontextmanager
    async def call(self, worst_usd: float | None = None) -> AsyncGenerator[Bill]:
        """See `Gate.call`.

        Raises:
            ModelUnreachable: The process that knows whether a call is allowed is gone.
        """
        asked = {"op": "call", "model": self._model, "worst": worst_usd}
        async with _line(*self._far, asked) as (comm, refused):
            if refused:
                raise _model_error(refused)
            bill = Bill()
            try:
                yield bill
            except ModelError as error:
                await comm.write({**_said(error), "cost": bill.cost_usd})
                raise
            else:
                await comm.write({"cost": bill.cost_usd})


class FarJournal:
    """See `pipelines.journal.Journal`; what is kept lies in the history of the one process."""

    def __init__(self, question: Question, hub: str, security: Security) -> None:
        self._named = {"run": question.run, "question": question.id}
        self._far = hub, security

    async def recall(self, step: str, input_hash: str, *, shared: bool = False) -> Kept | None:
        """See `Journal.recall`."""
        told = await self._ask(op="recall", step=step, key=input_hash, shared=shared)
        return Kept.model_validate_json(told["kept"]) if told else None

    async def keep(self, step: str, input_hash: str, kept: Kept) -> None:
        """See `Journal.keep`."""
        await self._ask(op="keep", step=step, key=input_hash, kept=kept.model_dump_json())

    async def forget(self, step: str, input_hash: str) -> None:
        """See `Journal.forget`."""
        await self._ask(op="forget", step=step, key=input_hash)

    async def _ask(self, **asked: object) -> Message:
        async with _line(*self._far, {**self._named, **asked}) as (_, told):
            return told
        raise AssertionError("the block above returns or raises")


@asynccontextmanager
async def _line(hub: str, security: Security, asked: Message) -> AsyncIterator[tuple[Any, Message]]:
    """A connection to the one process, and its first reply."""
    keys: Any = security
    connect: Any = core.connect
    options = keys.get_connection_args("worker") if hub.startswith("tls") else {}
    try:
        comm = await connect(hub, timeout=_CONNECT_SECONDS, deserialize=False, **options)
    except OSError as error:
        raise _gone(error) from error
    try:
        try:
            await comm.write(asked)
            told: Message = await comm.read()
        except CommClosedError as error:
            raise _gone(error) from error
        with suppress(CommClosedError):  # nobody is left to be told how it ended
            yield comm, told
    finally:
        comm.abort()


def _gone(error: Exception) -> ModelUnreachable:
    return ModelUnreachable(
        f"The process that asked for this batch cannot be reached ({clean_line(str(error), 120)})."
    )


def _said(error: ModelError | TotalSpent) -> Message:
    wait = error.retry_after_seconds if isinstance(error, ModelLimited) else None
    return {"failed": failed_of(error).model_dump_json(), "retry_after": wait}


def _model_error(said: Message) -> ModelError | TotalSpent:
    error = error_of(Failed.model_validate_json(said["failed"]))
    if not isinstance(error, ModelError | TotalSpent):
        return ModelUnreachable(error.message)
    if isinstance(error, ModelLimited):
        error.retry_after_seconds = said["retry_after"]
    return error
