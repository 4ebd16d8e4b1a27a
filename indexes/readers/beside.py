"""Opens files without waiting and without following links; what lies beside a file, in its folder only."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from indexes.clean import clean_line
from indexes.errors import ReadError, Unsupported
from indexes.readers.limits import Limits

__all__ = ["Beside", "beside", "content", "inside", "opened"]

Beside = Callable[[str], bytes | None]
"""Returns what lies under a name as `inside` gives it; `None` for what is not there or may not be read."""

_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""A FIFO must not block the open, and a link that replaced a file must not be followed."""


def opened(path: Path, *, name: str, limits: Limits) -> BinaryIO:
    """Returns the regular file at `path`, open for reading.

    Raises:
        ReadError: It cannot be opened, is not a regular file, or is too large.
    """
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | _NO_WAITING), "rb")
    except OSError as error:
        raise _cannot_be_opened(name, error) from error
    try:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unsupported(f"{name!r} is not a regular file.")
        limits.check_file(status.st_size, name=name)
    except BaseException:
        file.close()
        raise
    return file


def content(path: Path, *, name: str, limits: Limits) -> bytes:
    """Returns the bytes of the regular file at `path`; raises as `opened` does."""
    with opened(path, name=name, limits=limits) as file:
        try:
            # The buffer is taken at once: not more than the file.
            data = file.read(os.fstat(file.fileno()).st_size + 1)
        except OSError as error:
            raise _cannot_be_opened(name, error) from error
    limits.check_file(len(data), name=name)
    return data


def inside(name: str, *, folder: str = "") -> str | None:
    """Returns `name`, as a file in `folder` names another, as a path in the main folder.

    Returns:
        With `/` between folders and no `..`; `None` for a name that leads out of the main folder.
    """
    named = name.strip().strip('"').replace("\\", "/")
    if not named or named.startswith(("/", "~")) or ":" in named or "\x00" in named or "|" in named:
        return None
    path = posixpath.normpath(posixpath.join(folder, named))
    return None if path in (".", "..") or path.startswith("../") else path


def beside(folder: Path, *, limits: Limits) -> Beside:
    """Returns what reads the files under `folder`: regular ones only, and through no link."""
    root = Path(os.path.realpath(folder))

    def load(name: str) -> bytes | None:
        try:
            path = root / name
            # A link anywhere on the way, also one that stays inside, shows as another path.
            if os.path.realpath(path) != str(path):
                return None
            return content(path, name=clean_line(path.name), limits=limits)
        except (ReadError, OSError, ValueError):
            return None

    return load


def _cannot_be_opened(name: str, error: OSError) -> ReadError:
    return ReadError(
        f"{name!r} cannot be opened: {error.strerror or error}.",
        hint="Check that it is still there and that you may read it.",
    )
