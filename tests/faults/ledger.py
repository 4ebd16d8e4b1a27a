"""Every request a fault server received: when, what, how many bytes went out, and how it ended."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.faults.wire import Request

__all__ = ["End", "Exchange", "Ledger"]

End = Literal["open", "whole", "cut", "reset", "client left", "server stopped"]
"""How an exchange ended; `cut` is closed by the server before the answer was whole."""


@dataclass
class Exchange:
    """One request and what became of it."""

    number: int
    """From 1, in order of arrival."""
    request: Request
    started: float
    """Monotonic seconds."""
    ended: float | None = None
    end: End = "open"
    status: int | None = None
    """`None` when no status line was sent."""
    bytes_out: int = 0
    scene: str = ""
    """The scripted steps that served it; empty when it was answered normally."""

    @property
    def model(self) -> str:
        return self.request.model

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return (self.ended or time.monotonic()) - self.started

    def fits(self, *, path: str, contains: str, model: str, end: End | None) -> bool:
        return (
            self.request.path.startswith(path)
            and contains in self.request.text
            and (not model or self.request.model == model)
            and (end is None or self.end == end)
        )

    def __str__(self) -> str:
        parts = [f"{self.number:>3} {self.request.method} {self.request.target}", self.model, self.scene]
        outcome = f"{self.status or '-'} {self.bytes_out} B {self.seconds:.2f} s, {self.end}"
        return " · ".join([*filter(None, parts), outcome])


@dataclass
class Ledger:
    """The exchanges of one server, in order of arrival; read from any thread."""

    exchanges: list[Exchange] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(list(self.exchanges))

    def __len__(self) -> int:
        return len(self.exchanges)

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no request came"

    def where(
        self, *, path: str = "", contains: str = "", model: str = "", end: End | None = None
    ) -> list[Exchange]:
        """Returns the exchanges on a path (prefix), with `contains` in the decoded body or query."""
        return [seen for seen in self if seen.fits(path=path, contains=contains, model=model, end=end)]

    def count(self, *, path: str = "", contains: str = "", model: str = "", end: End | None = None) -> int:
        """How many exchanges fit."""
        return len(self.where(path=path, contains=contains, model=model, end=end))

    def concurrent_peak(self, *, path: str = "", contains: str = "", model: str = "") -> int:
        """The most exchanges that were open at one moment."""
        edges: list[tuple[float, int]] = []
        for seen in self.where(path=path, contains=contains, model=model):
            edges.append((seen.started, 1))
            if seen.ended is not None:
                edges.append((seen.ended, -1))
        peak = now_open = 0
        for _, step in sorted(edges):
            now_open += step
            peak = max(peak, now_open)
        return peak

    def wait_for(
        self,
        at_least: int = 1,
        *,
        path: str = "",
        contains: str = "",
        model: str = "",
        end: End | None = None,
        timeout_seconds: float = 60.0,
    ) -> list[Exchange]:
        """Blocks until enough exchanges fit; a test that runs on an event loop uses `until` instead.

        Raises:
            AssertionError: Not within `timeout_seconds`; the message shows the ledger.
        """
        with self._changed:
            came = self._changed.wait_for(
                lambda: self.count(path=path, contains=contains, model=model, end=end) >= at_least,
                timeout=timeout_seconds,
            )
        assert came, f"{at_least} such requests did not come within {timeout_seconds} s:\n{self}"
        return self.where(path=path, contains=contains, model=model, end=end)

    async def until(
        self,
        at_least: int = 1,
        *,
        path: str = "",
        contains: str = "",
        model: str = "",
        end: End | None = None,
        timeout_seconds: float = 60.0,
    ) -> list[Exchange]:
        """As `wait_for`, without blocking the event loop."""
        return await asyncio.to_thread(
            self.wait_for,
            at_least,
            path=path,
            contains=contains,
            model=model,
            end=end,
            timeout_seconds=timeout_seconds,
        )

    def begin(self, request: Request) -> Exchange:
        """Enters a request that has just been read."""
        with self._changed:
            exchange = Exchange(len(self.exchanges) + 1, request, started=time.monotonic())
            self.exchanges.append(exchange)
            self._changed.notify_all()
        return exchange

    def clear(self) -> None:
        """Forgets what came so far; the next request is the first again."""
        with self._changed:
            self.exchanges.clear()

    def close(self, exchange: Exchange, end: End) -> None:
        """Notes how an exchange ended."""
        with self._changed:
            exchange.ended = time.monotonic()
            exchange.end = end
            self._changed.notify_all()
