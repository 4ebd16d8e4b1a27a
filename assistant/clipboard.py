"""The clipboard: the desktop's own program, else the terminal (OSC 52), else a file; and which it was."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.viewers import over_ssh

__all__ = ["Sent", "by_program", "programs", "send", "terminal_sequence", "why_no_terminal"]

_TIMEOUT_SECONDS = 2.0
"""How long a program may take: one that waits for a selection owner hangs for good."""
_LONGEST = 74_994
"""Bytes that go through a terminal; xterm and tmux drop a sequence beyond 100,000 characters in silence."""
_SCREEN_CHUNK = 250
"""GNU screen passes a string through only when it is shorter than 256 characters."""
_NO_CLIPBOARD = {"Apple_Terminal": "Terminal.app takes no text from programs"}
"""Terminals, as `TERM_PROGRAM` has them, that do not know OSC 52."""

Which = Callable[[str], str | None]


@dataclass(frozen=True)
class Sent:
    """Where a text went."""

    route: Literal["program", "terminal", "file"]
    name: str
    """Of the program, or the file's path; empty for the terminal, which does not tell whether it took it."""

    def said(self, what: str) -> str:
        """Says it of `what`, the beginning of a sentence."""
        match self.route:
            case "program" if self.name == "tmux":
                return f"{what} is in tmux's buffer, which tmux hands on to the terminal's clipboard."
            case "program":
                return f"{what} is on the clipboard (by {self.name})."
            case "terminal":
                return f"{what} was sent to the terminal's clipboard."
            case "file":
                return f"{what} was written to {self.name}: no clipboard can be reached from here."


async def send(
    text: str,
    *,
    file: Path,
    terminal: Callable[[str], object] | None,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    which: Which = shutil.which,
) -> Sent:
    """Puts `text` where the person can paste it from, by the first way that works.

    Args:
        text: What is copied.
        file: Is written where no clipboard can be reached; what was in it is replaced.
        terminal: Takes what a terminal reads; `None` where there is none.
        environ: Says what there is: a display, ssh, a multiplexer, the terminal's name.
        platform: As `sys.platform` has it.
        which: Finds a program.

    Raises:
        OSError: Nothing else works and the file cannot be written.
    """
    commands = programs(environ, platform=platform, which=which)
    if (program := await asyncio.to_thread(by_program, text, commands)) is not None:
        return Sent("program", program)
    if terminal is not None and (sequence := terminal_sequence(text, environ)) is not None:
        terminal(sequence)
        return Sent("terminal", "")
    await asyncio.to_thread(_write, file, text)
    return Sent("file", str(file))


def programs(
    environ: Mapping[str, str], *, platform: str = sys.platform, which: Which = shutil.which
) -> list[tuple[str, ...]]:
    """The programs that take a text for the person, best first.

    Over ssh the desktop is elsewhere; tmux is here, and knows the way to it.
    """
    wanted = _known(environ, platform)
    found = ((which(program), arguments) for program, *arguments in wanted)
    return [(path, *arguments) for path, arguments in found if path is not None]


def by_program(text: str, commands: Sequence[Sequence[str]]) -> str | None:
    """Returns the name of the program that took `text`; `None` where none did. Blocks for up to 2 s each."""
    for command in commands:
        name = Path(command[0]).name
        # `clip` reads its console's code page, or UTF-16 where that has a byte order mark.
        data = text.encode("utf-16") if name.lower().startswith("clip") else text.encode()
        try:
            # Not a pipe for what it says: what it leaves behind to own the selection would keep that open.
            ended = subprocess.run(
                list(command),
                input=data,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if ended.returncode == 0:
            return name
    return None


def terminal_sequence(text: str, environ: Mapping[str, str]) -> str | None:
    """What a terminal reads as "put this on the clipboard"; `None` where it would not.

    In tmux it is said twice: tmux takes it itself where `set-clipboard` is `on`, and hands it to the terminal
    where `allow-passthrough` is. GNU screen hands on what is wrapped for it, in short pieces.
    """
    data = text.encode()
    if len(data) > _LONGEST or why_no_terminal(environ):
        return None
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if environ.get("TMUX"):
        wrapped = sequence.replace("\x1b", "\x1b\x1b")
        return f"{sequence}\x1bPtmux;{wrapped}\x1b\\"
    if environ.get("TERM", "").startswith("screen"):
        pieces = [sequence[at : at + _SCREEN_CHUNK] for at in range(0, len(sequence), _SCREEN_CHUNK)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence


def why_no_terminal(environ: Mapping[str, str]) -> str:
    """Why the terminal takes no text, as far as its name tells; empty where it may."""
    if environ.get("TERM") in ("dumb", "linux"):
        return f"a terminal of the kind {environ['TERM']} has no clipboard"
    return _NO_CLIPBOARD.get(environ.get("TERM_PROGRAM", ""), "")


def _known(environ: Mapping[str, str], platform: str) -> Iterator[tuple[str, ...]]:
    if not over_ssh(environ):
        yield from _of_desktop(environ, platform)
    if environ.get("TMUX"):
        yield ("tmux", "load-buffer", "-w", "-")  # -w since 3.2; an older one fails, and is told by sequence


def _of_desktop(environ: Mapping[str, str], platform: str) -> Iterator[tuple[str, ...]]:
    if platform == "darwin":
        yield ("pbcopy",)
    elif platform == "win32":
        yield ("clip",)
    else:
        if environ.get("WAYLAND_DISPLAY"):
            yield ("wl-copy",)
        if environ.get("DISPLAY"):
            yield ("xclip", "-selection", "clipboard")
            yield ("xsel", "--clipboard", "--input")
        if environ.get("WSL_DISTRO_NAME"):
            yield ("clip.exe",)


def _write(path: Path, text: str) -> None:
    """Readable by its owner only, as all that Carrel keeps."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")
