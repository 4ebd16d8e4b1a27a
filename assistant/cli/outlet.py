"""What a command writes, and where: the answer to stdout, the narration to stderr, an error as a sentence."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from indexes.errors import CarrelError

__all__ = ["Command", "prepare_streams", "put", "say"]


class Command(click.Command):
    """A command whose failures become one sentence, a hint and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; the outer door for everything that can go wrong in one."""
        from indexes.errors import CarrelError

        _log_to_file()
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except CarrelError as error:
            return _report(error, ctx)
        except BrokenPipeError:
            _silence_stdout()
            return 1
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - the outer door
            return _report(_unexpected(error), ctx)
        return code


def prepare_streams() -> None:
    """UTF-8 out whatever the console's encoding; what it cannot show becomes a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def put(text: str) -> None:
    """Writes to stdout what the person asked for."""
    sys.stdout.write(text)
    sys.stdout.flush()


def say(line: str) -> None:
    """Writes one line of narration to stderr; a closed stderr is nobody's loss."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def is_terminal(stream: TextIO) -> bool:
    """Whether a line on `stream` can be overwritten."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _report(error: CarrelError, ctx: click.Context) -> int:
    from assistant.render import error_json
    from indexes.clean import clean_line

    if ctx.params.get("format") == "json":
        with suppress(BrokenPipeError):
            put(error_json(ctx.info_name or "", error))
    say(f"carrel: {clean_line(error.message, 1000)}")
    if error.hint:
        say(f"        {clean_line(error.hint, 1000)}")
    return error.exit_code


def _log_to_file() -> None:
    """Sends what libraries log and warn of to a file: stderr is for the narration."""
    logging.captureWarnings(True)
    logging.basicConfig(
        handlers=[_LogFile()], format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING
    )


class _LogFile(logging.FileHandler):
    """Finds its place when there is something to write, and not before; without one it keeps nothing."""

    def __init__(self) -> None:
        super().__init__(os.devnull, encoding="utf-8", errors="replace", delay=True)

    def _open(self) -> Any:
        with suppress(OSError):
            self.baseFilename = str(_log_path())
            Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return super()._open()
        self.baseFilename = os.devnull
        return super()._open()


def _log_path() -> Path:
    from assistant.paths import find_paths

    return find_paths().state / "carrel.log"


def _unexpected(error: Exception) -> CarrelError:
    """Keeps the traceback in the log: it may hold text of papers, and says nothing to most people."""
    from indexes.errors import CarrelError

    logging.getLogger("carrel").error("A command failed.", exc_info=error)
    return CarrelError(
        f"Something inside Carrel failed: {type(error).__name__}: {error}",
        hint=f"Please report it with the end of {_log_path()}.",
    )


def _silence_stdout() -> None:
    """After the reader has gone, so that the interpreter's own flush at exit does not complain."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
