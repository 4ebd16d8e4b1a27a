"""Shows in a notebook what goes on while a call is waited for, at most five times a second in one display."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from html import escape
from typing import Any

from assistant.failures import last_answer
from assistant.keeping import SoFar
from assistant.loop import A, Consult, LoopThread, Q
from assistant.progress import AddProgress, AskProgress, Progress
from indexes.events import Added, AddEvent
from indexes.types import AddReport
from pipelines.events import AskEvent
from pipelines.types import Answer, Question

__all__ = ["EVERY_SECONDS", "Interrupted", "Live", "Publish", "aadded", "aanswered", "added", "answered"]

EVERY_SECONDS = 0.2
"""Between two drawings, at least."""

Publish = Callable[[dict[str, str]], None]
"""Shows a bundle in the place of the one before it."""


class Interrupted(KeyboardInterrupt):
    """Ctrl+C, or the notebook's stop button, while a question was being answered."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("The question was stopped.")
        self.answer = answer
        """What there was of it, unverified; the history has the same."""


class Live:
    """Draws how far some work has come, until what stays of it."""

    def __init__(
        self, progress: Progress, publish: Publish | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Draws nothing yet.

        Args:
            progress: What is drawn.
            publish: Where to; `None` where nobody looks.
            clock: Seconds, monotonic.
        """
        self._progress = progress
        self._publish = publish
        self._clock = clock
        self._began = clock()
        self._drawn = self._began - EVERY_SECONDS

    @property
    def idle(self) -> Callable[[], None] | None:
        """To be called while nothing happens, so that the time and what was held back are drawn too."""
        return None if self._publish is None else self._draw_in_time

    def see(self, event: AskEvent | AddEvent) -> None:
        """Takes in what has happened."""
        if self._publish is not None:
            self._progress.see(event)
            self._draw_in_time()

    def stop(self) -> None:
        """Takes in that the work will not be finished."""
        self._progress.stop()

    def end(self) -> None:
        """Draws what stays."""
        self._draw()

    def _draw_in_time(self) -> None:
        if self._clock() - self._drawn >= EVERY_SECONDS:
            self._draw()

    def _draw(self) -> None:
        if self._publish is None:
            return
        self._drawn = self._clock()
        line, text = self._progress.line(self._drawn - self._began), self._progress.text
        below = f'<div style="white-space:pre-wrap;max-width:46em">{escape(text)}</div>' if text else ""
        shown = f'<div class="carrel-live"><small>{escape(line)}</small>{below}</div>'
        self._publish({"text/plain": f"{line}\n{text}".rstrip(), "text/html": shown})


def answered(
    loop: LoopThread,
    question: Question,
    asking: Callable[[Consult[Q, A]], AsyncIterator[AskEvent]],
    decide: Callable[[Q], A] | None,
    *,
    resumable: bool,
) -> Answer:
    """Returns the answer that the events end with; blocks.

    Args:
        loop: Where it runs.
        question: What is asked.
        asking: Its events.
        decide: Answers what they ask.
        resumable: Whether it can be gone on with after a stop.

    Raises:
        Interrupted: The person has stopped it.
        CarrelError: They end with a failure.
    """
    so_far, last = SoFar(question), None
    try:
        with _drawn(AskProgress(resumable=resumable)) as live:
            for event in loop.iterate(asking, decide, idle=live.idle):
                live.see(event)
                so_far.see(event)
                last = event
    except KeyboardInterrupt:
        raise Interrupted(so_far.answer) from None
    return last_answer([last] if last else [])


async def aanswered(
    loop: LoopThread,
    asking: Callable[[Consult[Q, A]], AsyncIterator[AskEvent]],
    decide: Callable[[Q], Awaitable[A]] | None,
    *,
    resumable: bool,
) -> Answer:
    """Returns the answer that the events end with, like `answered`; cancelling cancels the question."""
    last = None
    with _drawn(AskProgress(resumable=resumable)) as live:
        async with aclosing(loop.aiterate(asking, decide, idle=live.idle)) as events:
            async for event in events:
                live.see(event)
                last = event
    return last_answer([last] if last else [])


def added(
    loop: LoopThread,
    adding: Callable[[Consult[object, object]], AsyncIterator[AddEvent]],
    emit: Callable[[AddEvent], None] | None,
) -> AddReport:
    """Returns the report that the events end with; blocks. `emit` is told each of them."""
    report = AddReport()
    with _drawn(AddProgress()) as live:
        for event in loop.iterate(adding, idle=live.idle):
            report = _taken_in(event, live, emit, report)
    return report


async def aadded(
    loop: LoopThread,
    adding: Callable[[Consult[object, object]], AsyncIterator[AddEvent]],
    emit: Callable[[AddEvent], None] | None,
) -> AddReport:
    """Returns the report that the events end with, like `added`; cancelling stops it."""
    report = AddReport()
    with _drawn(AddProgress()) as live:
        async with aclosing(loop.aiterate(adding, idle=live.idle)) as events:
            async for event in events:
                report = _taken_in(event, live, emit, report)
    return report


def _taken_in(
    event: AddEvent, live: Live, emit: Callable[[AddEvent], None] | None, report: AddReport
) -> AddReport:
    live.see(event)
    if emit is not None:
        emit(event)
    return event.report if isinstance(event, Added) else report


@contextmanager
def _drawn(progress: Progress) -> Iterator[Live]:
    """Draws progress where there is a notebook to draw it in, and in the end what stays of it."""
    live = Live(progress, _publisher())
    try:
        yield live
    except (KeyboardInterrupt, asyncio.CancelledError):
        live.stop()
        raise
    finally:
        live.end()


def _publisher() -> Publish | None:
    """A cell's output; none in a terminal, where every drawing would be a line of its own."""
    return _in_marimo() or _in_jupyter()


def _in_marimo() -> Publish | None:
    marimo = sys.modules.get("marimo")
    if marimo is None or not marimo.running_in_notebook():
        return None

    def publish(bundle: dict[str, str]) -> None:
        marimo.output.replace(marimo.Html(bundle["text/html"]))

    return publish


def _in_jupyter() -> Publish | None:
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import DisplayHandle

    handle = DisplayHandle()  # type: ignore[no-untyped-call]
    show: Callable[..., Any] = handle.display

    def publish(bundle: dict[str, str]) -> None:
        nonlocal show
        show(bundle, raw=True)
        show = handle.update

    return publish
