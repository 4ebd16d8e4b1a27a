"""`carrel serve`: the app in a browser's hands, for whoever has the key and for no other page."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.assistant.command_line import LIGHT, carrel, command, environment

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")


@dataclass
class Served:
    """A server that runs, and the address it printed."""

    address: str
    process: asyncio.subprocess.Process

    @property
    def root(self) -> str:
        return self.address.partition("?")[0]


@pytest.fixture
async def served(carrel_home: Path) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        *command("serve", "--port", "0"), stderr=subprocess.PIPE, env=environment(LIGHT)
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stderr.readline()).decode()
        assert line.startswith("Open http://127.0.0.1:"), line
        yield Served(line.removeprefix("Open ").strip(), process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            await process.wait()


@pytest.fixture
async def browser() -> AsyncIterator[object]:
    """Keeps cookies, of an address without a name too."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def test_the_page_opens_with_the_key_and_the_app_runs_behind_it(served, browser):
    async with browser.get(served.address) as page:
        assert page.status == 200
        assert "key=" not in str(page.url)
        text = await page.text()
        assert f"ws://127.0.0.1:{page.url.port}/ws" in text
        assert "fonts.googleapis.com" not in page.headers["Content-Security-Policy"]
    async with browser.ws_connect(f"{served.root}ws?width=100&height=30") as window:
        await _sees(window, "library: empty")
    served.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        assert await served.process.wait() == 0


async def test_without_the_key_there_is_nothing(served, browser):
    for path in ("", "ws", "static/js/textual.js", "?key=guessed", "download/x"):
        async with browser.get(f"{served.root}{path}") as refused:
            assert refused.status == 403, path
            assert "it has the key" in await refused.text()


async def test_a_page_of_another_origin_cannot_use_the_cookie(served, browser):
    async with browser.get(served.address):
        pass
    for origin in ("https://evil.example", "http://127.0.0.1:1", "null"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await browser.ws_connect(f"{served.root}ws", headers={"Origin": origin})
        assert refused.value.status == 403


def test_an_address_that_others_reach_is_only_listened_on_when_that_is_said() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "some.host"):
        ran = carrel("serve", "--host", host)
        assert ran.code == 2
        assert "If that is meant, add --expose." in ran.stderr


def test_a_taken_port_is_named(served_port: int) -> None:
    ran = carrel("serve", "--port", str(served_port))
    assert ran.code == 2
    assert f"127.0.0.1, port {served_port}: " in ran.stderr
    assert "--port 0 takes a free one" in ran.stderr


@pytest.fixture
def served_port() -> object:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


async def _sees(window: object, words: str) -> None:
    """Reads what the app draws until it has drawn the words, whatever stands between two of them."""
    seen = ""
    async with asyncio.timeout(60):
        while words not in seen:
            message = await window.receive()  # type: ignore[attr-defined]
            assert message.type is aiohttp.WSMsgType.BINARY, message
            seen += message.data.decode(errors="replace")
