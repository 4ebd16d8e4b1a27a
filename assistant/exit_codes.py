"""What `carrel` exits with: the one table that commands, errors, the help topic and the manual page go by."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["MEANINGS", "ExitCode"]


class ExitCode(IntEnum):
    """Exit codes; an error's own is `CarrelError.exit_code`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PROVIDER = 3
    NOTHING_FOUND = 4
    SETTINGS = 78
    TIMED_OUT = 124
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "Done. A question that the papers do not answer is done too, unless --strict is given.",
    ExitCode.FAILED: "It failed, a check found something wrong, or the reader of a pipe went away.",
    ExitCode.USAGE: "Wrong usage or input: an option, a file, a name or a question that cannot be used.",
    ExitCode.PROVIDER: "A model or its provider failed (of an answer: with --strict), or some files did.",
    ExitCode.NOTHING_FOUND: "Nothing was found (with --strict), or a folder holds nothing to read.",
    ExitCode.SETTINGS: "A setting is wrong, in a file, the environment or an option; the message says which.",
    ExitCode.TIMED_OUT: "Time ran out before a model had answered (of an answer: with --strict).",
    ExitCode.INTERRUPTED: "Interrupted by Ctrl+C or SIGTERM; what was done until then is kept.",
}
"""Each code with its meaning, a sentence or two; complete."""
