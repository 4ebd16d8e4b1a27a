"""A fault server as tests see it: an address, a script, a ledger, and the dialects it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from tests.faults.ledger import Ledger
from tests.faults.script import (
    Close,
    ContextLengthExceeded,
    Delay,
    Drip,
    Hang,
    Html200,
    Match,
    Reply,
    Rst,
    Script,
    Status,
    Step,
)
from tests.faults.wire import Request, Wire, WireServer

__all__ = ["Dialect", "FaultServer"]


class Dialect(Protocol):
    """How one kind of service answers, fails and says so."""

    def serves(self, request: Request) -> bool:
        """Whether the request is addressed to this service."""
        ...

    async def perform(
        self, step: Reply | Status | ContextLengthExceeded, request: Request, wire: Wire
    ) -> None:
        """Answers in this service's form."""
        ...


class FaultServer:
    """One loopback server; `with` starts and stops it.

    Requests that no scene takes are answered normally by the dialect they are addressed to.
    """

    def __init__(self, *dialects: Dialect, prefix: str = "") -> None:
        self.ledger = Ledger()
        self._dialects: Sequence[Dialect] = dialects
        self._prefix = prefix
        self._script = Script()
        self._wire = WireServer(self._handle, self.ledger)

    def __enter__(self) -> Self:
        self._wire.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.stop()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://{self._wire.host}:{self._wire.port}"

    @property
    def base_url(self) -> str:
        """What a client's base URL is set to."""
        return self.url + self._prefix

    def script(
        self,
        *steps: Step,
        path: str = "",
        contains: str = "",
        model: str = "",
        nth: int | None = None,
        times: int | None = None,
    ) -> None:
        """Adds a scene for the requests that fit; scenes added earlier come first.

        Steps run in order. When none of them answers (only delays, say), the normal answer follows.
        """
        self._script.add(Match(path=path, contains=contains, model=model, nth=nth), steps, times=times)

    def behave(self) -> None:
        """Drops every scene: the service is well again."""
        self._script.clear()

    async def _handle(self, request: Request, wire: Wire) -> None:
        dialect = next((known for known in self._dialects if known.serves(request)), None)
        if dialect is None:
            await wire.whole(404, b"no such path\n", {"Content-Type": "text/plain"})
            return
        steps = self._script.steps_for(request)
        wire.exchange.scene = ", ".join(map(_brief, steps))
        for step in steps:
            await _perform(step, dialect, request, wire)
            if wire.answered:
                return
        await dialect.perform(Reply(), request, wire)


async def _perform(step: Step, dialect: Dialect, request: Request, wire: Wire) -> None:
    match step:
        case Delay(seconds):
            await asyncio.sleep(seconds)
        case Drip(bytes_per_second, part):
            wire.bytes_per_second = bytes_per_second
            wire.drip_head = part == "all"
        case Hang():
            await wire.hang()
        case Rst():
            await wire.reset()
        case Close():
            await wire.close()
        case Html200(page):
            await wire.whole(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
        case _:
            await dialect.perform(step, request, wire)


def _brief(step: Step) -> str:
    match step:
        case Reply(then=ending):
            return f"reply, {ending}"
        case Status(code=code):
            return f"status {code}"
        case Delay(seconds=seconds):
            return f"delay {seconds:g} s"
        case _:
            return type(step).__name__.lower()
