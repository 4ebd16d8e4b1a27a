"""A loopback HTTP/1.1 server in its own thread, with full control of bytes, of closing and of resetting."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from tests.faults.ledger import Exchange, Ledger

__all__ = ["Handler", "Request", "Wire", "WireServer"]

_RESET_AFTER_SECONDS = 0.05
_TURNS_TO_CONNECT = 5
"""Of the loop: what is accepted in one is a connection two or three later."""
_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Request:
    """A request as it was read."""

    method: str
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter, decoded."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is not one."""
        with contextlib.suppress(ValueError):
            decoded = json.loads(self.body)
            if isinstance(decoded, dict):
                return decoded
        return {}

    @cached_property
    def model(self) -> str:
        """The model asked for, where the body names one."""
        return str(self.json.get("model", ""))

    @cached_property
    def text(self) -> str:
        """All that was said, decoded: query values and every string of the body. Scripts match on it."""
        strings = [*self.query.values(), *_strings(self.json)]
        return "\n".join(strings) if strings else self.body.decode(errors="replace")


Handler = Callable[[Request, "Wire"], Awaitable[None]]


@dataclass
class Wire:
    """The server's end of one connection while it answers one request."""

    writer: asyncio.StreamWriter
    left: asyncio.Event
    """Set when the client closes or the connection is lost."""
    exchange: Exchange
    bytes_per_second: float | None = None
    """Slows everything down, to a byte at a time if need be; `None` is full speed."""
    drip_head: bool = True
    """Whether slowing applies to the status line and headers too."""
    cut: bool = False
    """The answer ended before it was whole."""
    was_reset: bool = False
    answered: bool = False
    """An answer was sent or refused; no further step applies."""
    keep_alive: bool = True

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Sends the status line and the headers."""
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unassigned"
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
        self.exchange.status = status
        self.answered = True
        await self._send(("\r\n".join(lines) + "\r\n\r\n").encode(), slow=self.drip_head)

    async def whole(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Sends a complete answer with its length."""
        await self.head(status, {**headers, "Content-Length": str(len(body))})
        await self.raw(body)

    async def chunk(self, data: bytes) -> None:
        """Sends one chunk of a chunked answer."""
        await self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    async def last_chunk(self) -> None:
        """Ends a chunked answer properly."""
        await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Sends bytes as they are."""
        await self._send(data, slow=True)

    async def close(self) -> None:
        """Closes the connection in good order (FIN), whatever was promised."""
        self.answered = self.cut = True
        self.keep_alive = False
        await self.writer.drain()
        self.writer.close()

    async def reset(self) -> None:
        """Breaks the connection (RST)."""
        self.answered = self.cut = self.was_reset = True
        self.keep_alive = False
        await self.writer.drain()
        # Not every system lets the client read what came before a reset: give it a moment.
        await asyncio.sleep(_RESET_AFTER_SECONDS)
        endpoint = self.writer.get_extra_info("socket")
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def hang(self) -> None:
        """Says nothing more until the client leaves."""
        self.answered = True
        await self.left.wait()
        raise ConnectionResetError("the client left")

    async def _send(self, data: bytes, *, slow: bool) -> None:
        if self.bytes_per_second is None or not slow:
            await self._write(data)
            return
        for byte in data:
            await self._write(bytes([byte]))
            await asyncio.sleep(1 / self.bytes_per_second)

    async def _write(self, data: bytes) -> None:
        self.writer.write(data)
        self.exchange.bytes_out += len(data)
        await self.writer.drain()


class _Connection(asyncio.StreamReaderProtocol):
    """Tells at once when the client leaves, even while nobody reads from it."""

    def __init__(
        self,
        serve: Callable[[_Connection, asyncio.StreamReader, asyncio.StreamWriter], None],
        among: set[_Connection],
    ) -> None:
        self.left = asyncio.Event()
        self._among = among
        self._transport: asyncio.BaseTransport | None = None
        super().__init__(asyncio.StreamReader(), lambda reader, writer: serve(self, reader, writer))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._among.add(self)
        super().connection_made(transport)

    def abort(self) -> None:
        """Breaks it off."""
        assert isinstance(self._transport, asyncio.WriteTransport)
        self._transport.abort()

    def eof_received(self) -> bool | None:
        self.left.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.left.set()
        self._among.discard(self)
        super().connection_lost(exc)


class WireServer:
    """Listens on a free loopback port; reachable from this loop, other threads and child processes alike."""

    host = "127.0.0.1"

    def __init__(self, handler: Handler, ledger: Ledger) -> None:
        self.ledger = ledger
        self.port = 0
        self._handler = handler
        self._errors: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: set[_Connection] = set()
        """Those that are open."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="fault-server")

    def start(self) -> None:
        """Begins to listen; `port` is known from here on."""
        self._thread.start()
        if not self._ready.wait(_STOP_SECONDS):
            raise TimeoutError("the fault server did not start")

    def stop(self) -> None:
        """Breaks off what is open and ends the thread.

        Raises:
            ExceptionGroup: A handler failed, which no scenario asks for.
        """
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_SECONDS)
        if self._errors:
            raise BaseExceptionGroup("the fault server's handler failed", self._errors)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = await self._loop.create_server(
            lambda: _Connection(self._connected, self._connections), self.host, 0
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        await self._stop_listening(server)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What was cancelled before it had begun has closed nothing.
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)

    async def _stop_listening(self, server: asyncio.Server) -> None:
        """Closes it once what was accepted is connected: a transport made for a closed server is never closed."""
        with contextlib.suppress(NotImplementedError):  # on Windows
            for listening in server.sockets:
                self._loop.remove_reader(listening.fileno())
        for _ in range(_TURNS_TO_CONNECT):
            await asyncio.sleep(0)
        server.close()

    def _connected(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = self._loop.create_task(self._serve(connection, reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                wire = Wire(writer, connection.left, self.ledger.begin(request))
                wire.keep_alive = request.headers.get("connection", "").lower() != "close"
                await self._answer(request, wire)
                if not wire.keep_alive or connection.left.is_set():
                    break
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, request: Request, wire: Wire) -> None:
        work = asyncio.create_task(self._run(request, wire))
        leaving = asyncio.create_task(wire.left.wait())
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.ledger.close(wire.exchange, "server stopped")
            raise
        finally:
            finished = work.done() and not work.cancelled() and work.result()
            work.cancel()
            leaving.cancel()
            await asyncio.gather(work, leaving, return_exceptions=True)
        if wire.was_reset:
            self.ledger.close(wire.exchange, "reset")
        elif not finished:
            self.ledger.close(wire.exchange, "client left")
        else:
            self.ledger.close(wire.exchange, "cut" if wire.cut else "whole")

    async def _run(self, request: Request, wire: Wire) -> bool:
        """Returns whether the handler came to its end while the client was there."""
        try:
            await self._handler(request, wire)
        except ConnectionError:
            return False
        except Exception as error:  # noqa: BLE001 - the thread's outer door; `stop` raises it in the test
            self._errors.append(error)
            await wire.close()
        return True


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """Returns the next request on a connection, or `None` when the client has closed it."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, target, _version = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        return Request(method, target, headers, await _read_body(reader, headers))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def _strings(value: object) -> list[str]:
    """Every string within a decoded JSON value, in order."""
    match value:
        case str():
            return [value]
        case dict():
            return [text for inner in value.values() for text in _strings(inner)]
        case list():
            return [text for inner in value for text in _strings(inner)]
        case _:
            return []
