"""The app's first painted frame beside an empty Textual app's, each in a fresh process on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from functools import partial
from pathlib import Path

from benchmarks.measure import NotMeasurable, Report, Target, alternate, installed_environment

REPEATS = 11
ROWS, COLUMNS = 36, 120
LIMIT_SECONDS = 60.0

# The clock is the system's monotonic one, so that parent and child read the same time. The frame counts once
# it shows the widget that is named, so that painting an empty screen early earns nothing.
PROGRAM = """
import os, sys, time
{imports}

def note_frame(app):
    if {shown}:
        with open(sys.argv[1], "w") as out:
            out.write(str(time.monotonic()))
        app.exit()

{app}.post_display_hook = note_frame
{app}({arguments}).run()
os._exit(0)
"""

PROGRAMS = {
    "carrel": PROGRAM.format(
        imports="import assistant.cli.root\nfrom tui.app import CarrelApp, _engine_process",
        app="CarrelApp",
        arguments="_engine_process",
        shown="any(box.region.area for box in app.screen.query('QuestionBox'))",
    ),
    "empty Textual app": PROGRAM.format(
        imports="from textual.app import App", app="App", arguments="", shown="app.screen.region.area"
    ),
}


def run() -> Report:
    """Measure from the start of the process to the end of painting."""
    cases = {name: partial(_first_frame_seconds, program) for name, program in PROGRAMS.items()}
    for measure in cases.values():
        measure()  # once, so that no case pays for compiling or for a cold disk
    medians = alternate(cases, repeats=REPEATS)
    ratio = medians["carrel"] / medians["empty Textual app"]
    return Report(
        benchmark="first_frame",
        claim="the app is on the screen nearly as soon as an empty one",
        targets=(Target("times an empty Textual app's first frame", ratio, "<=", 1.3),),
        repeats=REPEATS,
        numbers={"seconds": medians, "ratio": ratio},
    )


def _first_frame_seconds(program: str) -> float:
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder, "painted")
        environment = installed_environment() | {
            "CARREL_HOME": folder,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        started = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-c", program, str(note)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment,
            start_new_session=True,
        ) as process:
            os.close(terminal)
            reader = threading.Thread(target=_swallow, args=(master,), daemon=True)
            reader.start()
            process.wait(LIMIT_SECONDS)
        reader.join(LIMIT_SECONDS)
        os.close(master)
        if not note.exists():
            raise NotMeasurable(f"the program ended without a frame, exit code {process.returncode}")
        return float(note.read_text()) - started


def _swallow(master: int) -> None:
    """Read what is painted, as a terminal would, until the program closes its end."""
    try:
        while os.read(master, 65536):
            pass
    except OSError:
        return
