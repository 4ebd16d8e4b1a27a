"""What this process does to the world while it is watched: files written, programs started, hosts called."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Watch", "watching"]

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_CHANGES = {
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
}
_PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "webbrowser.open"}


@dataclass
class Watch:
    """What has been noticed, by whatever thread."""

    written: list[Path] = field(default_factory=list)
    """Files and folders opened for writing, made, moved or removed."""
    started: list[str] = field(default_factory=list)
    """Programs, and pages opened in a browser."""
    called: list[tuple[Any, ...]] = field(default_factory=list)
    """Host and port of every connection."""
    looked_up: list[str] = field(default_factory=list)
    """Names of hosts."""

    def written_outside(self, *folders: Path) -> list[Path]:
        """Returns what lies in none of `folders`, without the interpreter's own compiled files."""
        return [
            path
            for path in self.written
            if not any(path.is_relative_to(folder) for folder in folders)
            and "__pycache__" not in path.parts
            and path != Path(os.devnull)
        ]

    def note(self, event: str, details: tuple[Any, ...]) -> None:
        match event, details:
            case "open", (str() | bytes() | os.PathLike() as path, _, int(flags)) if flags & _WRITES:
                self._wrote(path)
            case "sqlite3.connect", (str() | bytes() | os.PathLike() as path, *_):
                self._wrote(path)
            case str(), (path, *more) if event in _CHANGES:
                self._wrote(path)
                if event in {"os.rename", "os.link", "os.symlink"}:
                    self._wrote(more[0])
            case str(), (program, *_) if event in _PROGRAMS:
                self.started.append(str(program))
            case "socket.connect", (_, tuple() as address):
                self.called.append(address[:2])
            case "socket.getaddrinfo", (host, *_):
                self.looked_up.append(host.decode() if isinstance(host, bytes) else str(host))
            case _:
                pass

    def _wrote(self, path: str | bytes | os.PathLike[str]) -> None:
        name = os.fsdecode(path).removeprefix("file:").partition("?")[0]
        if name != ":memory:":
            self.written.append(Path(name).absolute())


_watches: list[Watch] = []


def _note(event: str, details: tuple[Any, ...]) -> None:
    for watch in _watches:
        watch.note(event, details)


@contextmanager
def watching() -> Iterator[Watch]:
    """Watches until the block ends, through the interpreter's audit events (PEP 578).

    What a native library does by itself is not seen.
    """
    if not _hooked:
        # A hook cannot be taken away again, so there is one for the whole run.
        sys.addaudithook(_note)
        _hooked.append(True)
    watch = Watch()
    _watches.append(watch)
    try:
        yield watch
    finally:
        _watches.remove(watch)


_hooked: list[bool] = []
