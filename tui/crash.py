"""What is left of a crash: one sentence on the screen, and where it happened in the log."""

from __future__ import annotations

from rich.text import Text
from textual.worker import WorkerFailed

__all__ = ["told"]


def told(error: BaseException, *, kept: bool) -> Text:
    """Writes `error` to the log and returns what says so, and how to go on.

    Args:
        error: What ended the app.
        kept: Whether the history has a question of this session, which can be gone on with.
    """
    from assistant.log import log_error
    from tui.safe import shown_line

    cause = error.error if isinstance(error, WorkerFailed) else error
    log = log_error(cause, "The app crashed.")
    again = "\n`carrel --continue` opens it with your last question; nothing is paid for twice."
    return Text(
        f"Carrel stopped because of an error of its own ({type(cause).__name__}); your library is unharmed. "
        f"Please report it with the end of {shown_line(str(log), 1000)}.{again if kept else ''}"
    )
