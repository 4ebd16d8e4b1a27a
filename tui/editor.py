"""The person's own editor for a question: which one, and the file that goes there and back."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["editor_of", "written_with"]

_KNOWN = ("sensible-editor", "nano", "vim", "vi", "notepad")
_LIMIT_BYTES = 4 * 1024 * 1024


def editor_of(environ: Mapping[str, str]) -> list[str]:
    """Returns the command of VISUAL or EDITOR, else of the first editor that is there; empty for none."""
    for variable in ("VISUAL", "EDITOR"):
        try:
            command = shlex.split(environ.get(variable, ""), posix=os.name != "nt")
        except ValueError:  # a quote that is never closed
            continue
        if command:
            return command
    return next(([name] for name in _KNOWN if shutil.which(name)), [])


def written_with(command: Sequence[str], text: str) -> str:
    """Returns `text` as the person has left it; the file is theirs alone and gone afterwards.

    Args:
        command: The editor and its arguments; the file is added as the last one, and no shell is in between.
        text: What it begins with.

    Raises:
        OSError: The editor cannot be started, or the file cannot be written or read.
    """
    with tempfile.TemporaryDirectory(prefix="carrel-") as folder:  # readable by its owner only
        path = Path(folder) / "question.md"
        path.write_text(text, encoding="utf-8")
        ended = subprocess.run([*command, str(path)], check=False)
        if ended.returncode != 0:
            raise OSError(f"{command[0]} ended with {ended.returncode}")
        with path.open("rb") as file:
            return file.read(_LIMIT_BYTES).decode("utf-8", errors="replace").rstrip("\n")
