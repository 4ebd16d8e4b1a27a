"""The app in a browser, by textual-serve: an app for each window, behind a key that only its address has."""

from __future__ import annotations

import asyncio
import errno
import hmac
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

__all__ = ["KeyedServer", "serve"]

_END_SECONDS = 3.0
"""How long the apps have to end by themselves."""
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page would fetch a font from elsewhere, which tells others who is reading; nothing else is needed."""


class KeyedServer(Server):
    """Serves only who has the key: whoever reaches the app reads, spends and changes what its owner can.

    The address has the key once, a cookie from then on. A page of another origin gets nowhere with that
    cookie: browsers name the origin of each websocket, and it has to be ours.
    """

    def __init__(self, command: str, key: str) -> None:
        """Prepares.

        Args:
            command: What runs for each window, as a shell takes it.
            key: What the address has to have.
        """
        super().__init__(command, title="Carrel")
        self._key = key

    async def application(self) -> web.Application:
        """The web application, guarded."""
        app = await self._make_app()

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guarded(request, handler)

        app.middlewares.append(guard)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Says nothing: the command does."""

    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        cookie = f"carrel-{request.url.port}"
        if self._fits(request.query.get("key", "")):
            entered = web.HTTPSeeOther("/")
            entered.set_cookie(cookie, self._key, httponly=True, samesite="Strict", path="/")
            raise entered
        if not self._fits(request.cookies.get(cookie, "")):
            raise web.HTTPForbidden(text="Open the address that `carrel serve` printed: it has the key.")
        if request.headers.get("Origin") not in (None, f"http://{request.host}", f"https://{request.host}"):
            raise web.HTTPForbidden(text="Another page cannot use the app.")
        # Whatever the browser calls us is right, also through a tunnel to another port.
        self.public_url = f"{request.scheme}://{request.host}"
        response = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = _POLICY.format(host=request.host)
            response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _fits(self, key: str) -> bool:
        return hmac.compare_digest(key.encode(), self._key.encode())


def serve(host: str, port: int | None, said: Callable[[str], None], *, usual_port: int = 8000) -> None:
    """Serves the app until Ctrl+C or SIGTERM.

    Args:
        host: The address to listen on.
        port: The port; 0 takes a free one, `None` the usual one or, where that is taken, a free one.
        said: Is given the address to open, which has the key, once it can be opened.
        usual_port: The port that is tried where none is named.

    Raises:
        OSError: The port is taken, or the address is not this machine's.
    """
    try:
        listening = _listening(host, usual_port if port is None else port)
    except OSError as error:
        if port is not None or error.errno != errno.EADDRINUSE:
            raise
        listening = _listening(host, 0)
    asyncio.run(_serve(listening, host, said))


def _listening(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


async def _serve(listening: socket.socket, host: str, said: Callable[[str], None]) -> None:
    key = secrets.token_urlsafe(24)
    runner = web.AppRunner(
        await KeyedServer(_command(), key).application(), shutdown_timeout=_END_SECONDS, access_log=None
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        stopped = asyncio.Event()
        _stop_on_signals(stopped.set)
        shown = f"[{host}]" if ":" in host else host
        said(f"http://{shown}:{listening.getsockname()[1]}/?key={key}")
        await stopped.wait()
    finally:
        await runner.cleanup()


def _command() -> str:
    """`-P` and `append` keep files in the person's current folder from being imported in place of ours."""
    root = str(Path(__file__).resolve().parents[1])
    start = "import sys; sys.path.append(sys.argv.pop(1)); from tui.app import run; raise SystemExit(run())"
    command = [sys.executable, "-P", "-c", start, root]
    return shlex.join(command) if os.name == "posix" else subprocess.list2cmdline(command)


def _stop_on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows, where Ctrl+C ends the loop by itself
            return
