"""The tests' common ground: an empty home, no network but loopback, and services that fail on request."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_socket

from indexes.model_files import SHIPPED_MODEL
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.dialects.searxng import SearXNG
from tests.faults.server import FaultServer

_ROOT = Path(__file__).resolve().parent.parent
_LOOPBACK = ["127.0.0.1", "::1", "localhost"]
_NEVER_REGISTERED = (".invalid", ".test", ".example")
_NOT_A_SERVER = "http://127.0.0.1:9"

_LEFT_BEHIND_PREFIXES = (
    "CARREL_",
    "LANGSMITH_",
    "LANGCHAIN_",
    "OPENAI_",
    "ANTHROPIC_",
    "XDG_",
    "HF_",
    "TEXTUAL",
)
_LEFT_BEHIND_ENDINGS = ("_API_KEY", "_API_TOKEN", "_PROXY", "_proxy")
_LEFT_BEHIND = (
    *("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TEXTUAL_THEME", "TEXTUAL_COLOR_SYSTEM"),
    # No test reaches the clipboard of the person who runs it, nor opens a window.
    *("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "SSH_CONNECTION", "SSH_TTY", "TMUX", "TERM_PROGRAM"),
    # The tests start hundreds of programs of ours: where this is set, each would compile our files anew.
    "PYTHONDONTWRITEBYTECODE",
)
_SNAPSHOT_REPORT = "TEXTUAL_SNAPSHOT_TEMPDIR"
"""Where the plugin that compares pictures keeps its report; it sets this itself."""
_HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")

_MODELS = os.environ.get("CARREL_MODELS")
_DATA = os.environ.get("CARREL_DATA")


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the person who runs the tests reaches them: no home, no settings, no key, no tracing."""
    home = tmp_path_factory.mktemp("shared-home")
    with pytest.MonkeyPatch.context() as environment:
        for name in [*os.environ]:
            if _is_left_behind(name):
                environment.delenv(name)
        for name in _HOMES:
            environment.setenv(name, str(home))
        environment.setenv("CARREL_HOME", str(home / "carrel"))
        # A test that is not about embedding need not wait for it; one that is takes `shipped_encoder`.
        environment.setenv("CARREL_LIBRARY__ENCODER", "none")
        # This client's sockets are not Python's, so the guard below does not see them.
        environment.setenv("DDGS_PROXY", _NOT_A_SERVER)
        # A shell starts what runs in its background with Ctrl+C ignored, and a process passes that on to those
        # it starts: the programs under test would then rightly ignore it too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        yield


@pytest.fixture(autouse=True)
def carrel_home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty `$CARREL_HOME` for this test alone, in a home folder for this test alone."""
    home = tmp_path_factory.mktemp("home")
    for name in _HOMES:
        monkeypatch.setenv(name, str(home))
    carrel = home / "carrel"
    carrel.mkdir(mode=0o700)
    monkeypatch.setenv("CARREL_HOME", str(carrel))
    if "models_folder" in request.fixturenames:
        monkeypatch.setenv("CARREL_MODELS", str(request.getfixturevalue("models_folder")))
    if "data_folder" in request.fixturenames:
        monkeypatch.setenv("CARREL_DATA", str(request.getfixturevalue("data_folder")))
    return carrel


@pytest.fixture(autouse=True)
def _only_loopback() -> Iterator[None]:
    """A connection that leaves the machine is refused, and fails the test even when the code copes with it.

    A name under `.invalid`, `.test` or `.example` is simply not found, as on a machine without a network.
    """
    outside: list[str] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo
    pytest_socket.socket_allow_hosts(_LOOPBACK, allow_unix_socket=True)
    guarded_connect = socket.socket.connect

    def connect_and_note(endpoint: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in _LOOPBACK:
            outside.append(f"{address[0]}:{address[1]}")
        return guarded_connect(endpoint, address)

    def look_up_here(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not name or name in _LOOPBACK or _is_address(name):
            return look_up(host, *arguments, **options)
        if not name.rstrip(".").endswith(_NEVER_REGISTERED):
            outside.append(name)
        raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is not looked up in tests")

    socket.socket.connect = connect_and_note  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = look_up_here
    try:
        yield
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
        socket.getaddrinfo = look_up
    assert not outside, f"the test reached for {', '.join(outside)}; only loopback is allowed"


@pytest.fixture
def shipped_encoder(monkeypatch: pytest.MonkeyPatch) -> str:
    """Passages are embedded, as on a person's machine, by the model that comes with Carrel: its name."""
    monkeypatch.delenv("CARREL_LIBRARY__ENCODER")
    return SHIPPED_MODEL


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """The folder with the embedding model; for the test that asks, `$CARREL_MODELS` names it."""
    return _folder("CARREL_MODELS", _MODELS, "models")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with papers and collections; for the test that asks, `$CARREL_DATA` names it."""
    return _folder("CARREL_DATA", _DATA, "data")


@pytest.fixture
def model_server() -> Iterator[FaultServer]:
    """An OpenAI-compatible server on loopback that answers well until it is scripted otherwise."""
    with FaultServer(OpenAIChat(), prefix="/v1") as server:
        yield server


@pytest.fixture
def web_server() -> Iterator[FaultServer]:
    """A SearXNG service on loopback that finds two pages for anything until it is scripted otherwise."""
    with FaultServer(SearXNG()) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what each fault server saw when a test fails."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, FaultServer):
                report.sections.append((f"what {name} saw", str(value.ledger)))
    return report


def _is_left_behind(name: str) -> bool:
    if name == _SNAPSHOT_REPORT:
        return False
    return (
        name.startswith(_LEFT_BEHIND_PREFIXES) or name.endswith(_LEFT_BEHIND_ENDINGS) or name in _LEFT_BEHIND
    )


def _is_address(name: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name.partition("%")[0])
        except OSError:
            continue
        return True
    return False


def _folder(variable: str, value: str | None, name: str) -> Path:
    """Returns `$variable`, else `../shared/<name>` beside the project; skips where neither exists."""
    folder = Path(value).expanduser() if value else _ROOT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"no {folder}: set {variable} to the folder to run this test")
    return folder.resolve()
