"""What is left of a crash: one sentence on the screen, and where it happened in the log."""

from __future__ import annotations

from rich.text import Text
from textual.worker import WorkerFailed

__all__ = ["told"]


def told(error: BaseException) -> Text:
    """Writes `error` to the log and returns the sentence that says so."""
    from assistant.log import log_error
    from tui.safe import shown_line

    cause = error.error if isinstance(error, WorkerFailed) else error
    log = log_error(cause, "The app crashed.")
    return Text(
        f"Carrel stopped because of an error of its own ({type(cause).__name__}); your library is unharmed. "
        f"Please report it with the end of {shown_line(str(log), 1000)}."
    )
