"""What opens a paper: a table of viewers with their arguments, tried in order; never a shell."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Opening", "Viewer", "opening_of", "opening_of_address", "over_ssh", "start"]


class Viewer(NamedTuple):
    """A program that shows a PDF, and how it is told the page."""

    program: str
    arguments: tuple[str, ...]
    """`{file}` is the path, `{address}` the same as a `file:` address, `{page}` the page from 1."""


class Opening(NamedTuple):
    """What is run, and whether it shows the page."""

    command: tuple[str, ...]
    at_page: bool


_VIEWERS: Mapping[str, Sequence[Viewer]] = {
    "linux": (
        Viewer("okular", ("--page", "{page}", "{file}")),
        Viewer("evince", ("--page-index={page}", "{file}")),
        Viewer("zathura", ("--page={page}", "{file}")),
        Viewer("atril", ("--page-index={page}", "{file}")),
        Viewer("xreader", ("--page-index={page}", "{file}")),
        Viewer("qpdfview", ("--unique", "{file}#{page}")),
        Viewer("mupdf", ("{file}", "{page}")),
        Viewer("firefox", ("{address}#page={page}",)),
        Viewer("chromium", ("{address}#page={page}",)),
        Viewer("google-chrome", ("{address}#page={page}",)),
    ),
    "win32": (
        Viewer("SumatraPDF", ("-page", "{page}", "{file}")),
        Viewer("Acrobat", ("/A", "page={page}", "{file}")),
    ),
    "darwin": (),
}
_OPENERS: Mapping[str, tuple[str, ...]] = {
    "linux": ("xdg-open",),
    "darwin": ("open",),
    "win32": ("rundll32", "url.dll,FileProtocolHandler"),
}
"""What opens a file, or an address, with whatever the person has chosen for its kind."""


def opening_of(
    path: Path,
    page: int,
    *,
    wanted: str = "",
    platform: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
    which: Callable[[str], str | None] = shutil.which,
) -> Opening | None:
    """Returns what shows `path`, a PDF at its page; `None` where nothing can.

    Args:
        path: An absolute path, so that no name can be taken for an option.
        page: From 1.
        wanted: The person's own viewer, as in `zathura -P {page} {file}`; empty takes the first of the table.
        platform: As `sys.platform` has it.
        environ: Says whether there is a screen to open a window on.
        which: Finds a program.
    """
    system = _system(platform)
    if not _has_screen(system, environ):
        return None
    own = _own(wanted)
    viewers = [*([own] if own else []), *(_VIEWERS[system] if path.suffix.lower() == ".pdf" else ())]
    for viewer in viewers:
        if (program := which(viewer.program)) is not None:
            arguments = [_filled(each, path, page) for each in viewer.arguments]
            return Opening((program, *arguments), "{page}" in " ".join(viewer.arguments))
    return _opener(system, str(path), which)


def opening_of_address(
    address: str,
    *,
    platform: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
    which: Callable[[str], str | None] = shutil.which,
) -> Opening | None:
    """Returns what shows a web address; `None` where nothing can, as over ssh."""
    system = _system(platform)
    return _opener(system, address, which) if _has_screen(system, environ) else None


def over_ssh(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the person sits at another machine than this one, as far as ssh says."""
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def start(command: Sequence[str]) -> None:
    """Starts the program apart from the app, whose end it outlives; blocks for a moment.

    Raises:
        OSError: It cannot be started.
    """
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Somebody has to take note of its end, or it stays in the system's table.
    threading.Thread(target=process.wait, daemon=True).start()


def _system(platform: str) -> str:
    return platform if platform in _VIEWERS else "linux"


def _has_screen(system: str, environ: Mapping[str, str]) -> bool:
    """Over ssh a window would open on the other machine, if anywhere."""
    if system == "linux":
        return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    return not over_ssh(environ)


def _own(wanted: str) -> Viewer | None:
    try:
        program, *arguments = shlex.split(wanted)
    except ValueError:
        return None
    if not any("{file}" in each or "{address}" in each for each in arguments):
        arguments.append("{file}")
    return Viewer(program, tuple(arguments))


def _filled(argument: str, path: Path, page: int) -> str:
    # The path last: what looks like a placeholder in it stays as it is.
    filled = argument.replace("{page}", str(page)).replace("{address}", "\0")
    return filled.replace("{file}", str(path)).replace("\0", path.as_uri())


def _opener(system: str, what: str, which: Callable[[str], str | None]) -> Opening | None:
    program, *arguments = _OPENERS[system]
    found = which(program)
    return None if found is None else Opening((found, *arguments, what), at_page=False)
