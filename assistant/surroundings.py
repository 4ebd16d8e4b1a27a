"""Where Carrel runs: the terminal, its colours and characters, the clipboard, and what shows a PDF."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from assistant.clipboard import programs, why_no_terminal
from assistant.conditions import Condition, bad, good, note
from assistant.viewers import opening_of

__all__ = ["terminal_conditions", "viewer_condition"]

_NARROW = 60


def terminal_conditions(
    environ: Mapping[str, str] = os.environ, stream: TextIO | None = None
) -> Iterator[Condition]:
    """Yields what there is to know of the terminal that `stream`, stdout or another, goes to."""
    out = stream or sys.stdout
    yield _size(environ, out)
    yield _colours(environ)
    yield _characters(out)
    yield _clipboard(environ)


def viewer_condition(wanted: str, environ: Mapping[str, str] = os.environ) -> Condition:
    """What would open a paper.

    Args:
        wanted: The person's own viewer; empty takes the first known one.
        environ: Says whether there is a screen to open a window on.
    """
    fix = "Set app.pdf_viewer, as in `zathura -P {page} {file}`."
    opening = opening_of(Path("/paper.pdf"), 1, wanted=wanted, environ=environ)
    if opening is None:
        return note("PDF viewer", "no window can be opened here; a paper's path goes to the clipboard", fix)
    program = opening.command[0]
    if wanted and Path(program).name != Path(wanted.split()[0]).name:
        return bad("PDF viewer", f"{wanted.split()[0]} is not there; {program} opens papers", fix)
    if not opening.at_page:
        return note("PDF viewer", f"{program}, which does not go to the page", fix)
    return good("PDF viewer", f"{program}, at the page")


def _size(environ: Mapping[str, str], out: TextIO) -> Condition:
    term = environ.get("TERM", "")
    if not out.isatty():
        return note("terminal", "stdout is none: it is a pipe or a file")
    if term in ("", "dumb"):
        return bad("terminal", f"TERM is {term or 'not set'}", "export TERM=xterm-256color")
    columns, lines = shutil.get_terminal_size()
    said = f"{term}, {columns} by {lines}"
    if columns < _NARROW:
        return note("terminal", said, f"The app wants {_NARROW} columns: widen the window.")
    return good("terminal", said)


def _colours(environ: Mapping[str, str]) -> Condition:
    if environ.get("NO_COLOR"):
        return note("colours", "none, as NO_COLOR says", "unset NO_COLOR")
    if environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        return good("colours", "16.7 million")
    if "256color" in environ.get("TERM", ""):
        return good("colours", "256")
    return note("colours", "16", "export COLORTERM=truecolor, if your terminal has them")


def _characters(out: TextIO) -> Condition:
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    said = f"output is {out.encoding or 'unknown'}, the locale is {locale or 'not set'}"
    if sys.platform != "win32" and not locale.upper().replace("-", "").endswith("UTF8"):
        return note("Unicode", said, "export LANG=C.UTF-8, if accents or dashes look wrong")
    return good("Unicode", said)


def _clipboard(environ: Mapping[str, str]) -> Condition:
    about, route = "clipboard", "through the terminal (OSC 52)"
    commands = programs(environ)
    if commands and not (environ.get("TMUX") and len(commands) == 1):
        return good(about, f"by {', else '.join(Path(command[0]).name for command in commands)}")
    if why := why_no_terminal(environ):
        return note(about, f"none, for {why}; a file is written", "Use iTerm2, WezTerm, kitty or Ghostty.")
    if environ.get("TMUX"):
        return note(about, "through tmux", "tmux set -g set-clipboard on, unless it is on or external")
    if environ.get("TERM", "").startswith("screen"):
        return note(about, f"{route}, within GNU screen, in pieces", "Use tmux, or `e` to export a file.")
    return good(about, route)
