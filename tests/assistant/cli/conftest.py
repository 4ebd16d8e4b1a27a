"""A library of two notes, one of them hostile, for whatever command needs one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assistant import Assistant

HOSTILE = "\x1b]52;c;cm0gLXJm\x07\x1b[2J\x9b31m\u202eevil\u202c"


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two notes, and a home whose library holds them; tests use copies of it."""
    folder, home = tmp_path_factory.mktemp("my notes"), tmp_path_factory.mktemp("filled")
    (folder / "jitter.md").write_text(
        f"# Full jitter {HOSTILE}\n\nFull jitter {HOSTILE} spreads the retries of many clients: each of them waits"
        " a random time between zero and an exponentially growing bound.\n"
    )
    (folder / "breaker.md").write_text(
        "# Breakers\n\nA circuit breaker stops calling a service that fails.\n"
    )
    with Assistant(home, library__encoder="hashing") as assistant:
        assistant.add(folder)
    return folder, home


@pytest.fixture
def filled(filled_home: tuple[Path, Path], carrel_home: Path) -> Path:
    """The folder of the notes that the library holds."""
    folder, home = filled_home
    shutil.copytree(home, carrel_home, dirs_exist_ok=True)
    return folder
