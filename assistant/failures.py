"""Errors as data and back: what crosses a process, a stream or a JSON line."""

from __future__ import annotations

from collections.abc import Sequence

from indexes.clean import clean, clean_line
from indexes.errors import CarrelError
from pipelines import errors as _pipeline_errors  # makes the whole tree known to `error_of`
from pipelines.events import AskEvent, Done, Failed
from pipelines.types import Answer

__all__ = ["EngineDied", "RemoteFailure", "error_of", "failed_of", "last_answer"]

assert _pipeline_errors


class EngineDied(CarrelError):
    """The engine's process ended before it had answered."""

    stage = "engine"
    retryable = True
    default_hint = "Ask again: the engine starts anew, and what was added before is kept."


class RemoteFailure(CarrelError):
    """A failure whose class this process does not know; it keeps the name it had."""

    def __init__(self, message: str, *, hint: str | None = None, kind: str = "", exit_code: int = 1) -> None:
        super().__init__(message, hint=hint)
        self._kind = kind
        self.exit_code = exit_code  # type: ignore[misc]

    @property
    def kind(self) -> str:
        """The class name it had where it happened."""
        return self._kind or super().kind


def failed_of(error: BaseException) -> Failed:
    """Returns `error` as an event; an error that is not ours keeps its class name and its first line."""
    if isinstance(error, CarrelError):
        return Failed(
            kind=error.kind, message=clean(error.message), hint=clean(error.hint), exit_code=error.exit_code
        )
    message = clean_line(str(error)) or type(error).__name__
    return Failed(
        kind="Internal",
        message=f"Something inside Carrel failed ({type(error).__name__}: {message}).",
        hint="Please report it, with what you did just before.",
    )


def error_of(failed: Failed) -> CarrelError:
    """Returns the error that `failed` tells of, of its own class where that is one of ours."""
    known = _tree(CarrelError).get(failed.kind)
    if known is None or known is RemoteFailure:
        return RemoteFailure(failed.message, hint=failed.hint, kind=failed.kind, exit_code=failed.exit_code)
    return known(failed.message, hint=failed.hint)


def last_answer(events: Sequence[AskEvent]) -> Answer:
    """Returns the answer that a question's events end with.

    Raises:
        CarrelError: They end with a failure.
    """
    match events[-1] if events else None:
        case Done(answer=answer):
            return answer
        case Failed() as failed:
            raise error_of(failed)
        case _:
            raise CarrelError("The question ended without an answer.", hint="Ask it again.")


def _tree(root: type[CarrelError]) -> dict[str, type[CarrelError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found
