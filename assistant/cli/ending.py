"""How a command ends before its end: wrong usage, Ctrl+C and SIGTERM, in words and, if asked for, as JSON."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from types import FrameType

import click

from assistant.cli.outlet import command_name, put_error, say
from assistant.exit_codes import ExitCode

__all__ = ["ended_by_signal", "ended_by_usage", "stop_on_signals"]


def stop_on_signals() -> None:
    """Has the first Ctrl+C or SIGTERM end the work in order, and the second end the process at once."""
    stopping = False

    def receive(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            os.write(2, b"Ended at once; what was kept until now is kept.\n")  # stderr itself may be in use
            os._exit(ExitCode.INTERRUPTED)
        stopping = True
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as for what a shell starts in the background
            signal.signal(number, receive)


def ended_by_usage(error: click.ClickException, arguments: Sequence[str]) -> int:
    """Says what is wrong with the command line; returns the exit code."""
    from indexes.errors import WrongUsage

    error.show()
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"`{ctx.command_path} --help` shows what it takes." if ctx else None
    name = command_name(ctx) if ctx else "carrel"
    put_error(name, WrongUsage(error.format_message(), hint=hint), _format_of(arguments))
    return error.exit_code


def ended_by_signal(command: str, arguments: Sequence[str]) -> int:
    """Says that the work was stopped; returns the exit code."""
    from indexes.errors import Interrupted

    say("Stopped.")
    put_error(command, Interrupted("Stopped."), _format_of(arguments))
    return ExitCode.INTERRUPTED


def _format_of(arguments: Sequence[str]) -> str:
    """`json` or `jsonl` where a command line asks for them, whether or not it can be understood."""
    for before, each in zip(("", *arguments), arguments, strict=False):
        name, _, value = each.partition("=")
        asked = each if before == "--format" else value if name == "--format" else ""
        if asked in ("json", "jsonl"):
            return asked
        if each == "--json":
            return "jsonl"  # which of both it stands for only the command knows; one line is either
    return ""
