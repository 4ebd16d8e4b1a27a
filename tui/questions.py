"""The questions that run and those that wait: how many at once, and what a person is asked for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.worker import Worker, get_current_worker

if TYPE_CHECKING:
    from assistant.events import Answer, Asked, AskEvent
    from tui.screens.ask import AskScreen
    from tui.screens.confirm import ConfirmScreen
    from tui.widgets.turn import Turn

__all__ = ["AT_ONCE", "Questions"]

AT_ONCE = 3
"""Questions that run side by side; more wait for their place."""


class Questions:
    """Runs questions for the screen they are asked on."""

    def __init__(self, screen: AskScreen, changed: Callable[[], None]) -> None:
        """Begins with none.

        Args:
            screen: Where they are asked.
            changed: Called when one begins or ends, for then other keys work.
        """
        self._screen = screen
        self._changed = changed
        self._workers: dict[Worker[None], Turn | None] = {}
        """Those that are not over, oldest first; without a turn while the engine is still starting."""
        self.begun = False
        """Whether any was asked since the app was opened."""
        self._running = 0
        self._waiting: list[tuple[Turn, asyncio.Event]] = []
        self._to_confirm: list[tuple[Turn, Asked]] = []
        self._confirming: tuple[Turn, Asked, ConfirmScreen] | None = None

    def __bool__(self) -> bool:
        """Whether any runs or waits."""
        return bool(self._workers)

    def ask(self, text: str, *, resume: str = "", follows: Answer | None = None, again: str = "") -> None:
        """Asks, or waits until it is this question's turn; see `AskScreen.ask`."""
        self.begun = True
        work = self._answer(text, resume, follows, again)
        self._workers[self._screen.run_worker(work, exit_on_error=False)] = None
        self._changed()

    def can_cancel(self, turn: Turn | None) -> bool:
        """Whether the turn in view runs or waits; one that has no turn yet is in view too."""
        return any(each is None or each is turn for each in self._workers.values())

    def cancel(self, turn: Turn | None) -> None:
        """Stops the turn in view, or the newest that has no turn yet."""
        for worker, each in reversed([*self._workers.items()]):
            if each is None or each is turn:
                worker.cancel()
                return

    async def ended(self, worker: Worker[None]) -> bool:
        """Takes note of a worker that is finished; returns whether it was a question's."""
        if worker not in self._workers:
            return False
        turn = self._workers.pop(worker)
        self._changed()
        if turn is not None:
            self._stop_confirming(turn)
            if worker.is_cancelled:
                await turn.cancel()
        return True

    async def _answer(self, question: str, resume: str, follows: Answer | None, again: str) -> None:
        app, desk = self._screen.app, self._screen.desk
        worker: Worker[None] = get_current_worker()
        await app.ready()
        from assistant.failures import failed_of
        from tui.stream import listening
        from tui.widgets.turn import Turn

        self._workers[worker] = turn = Turn(question, app.clock, again=again)
        await desk.begin(turn)
        self._changed()
        await self._place_of(turn)
        try:
            asking = app.engine.ask(question, resume=resume, follows=follows, again=again)
            async with listening(asking) as events:
                async for event in events:
                    await turn.receive(event)
                    self._confirm(turn, event)
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            await turn.fail(failed_of(error))
        else:
            await turn.end()
        finally:
            self._leave_place()
        if not turn.streamed and turn is desk.turn:
            desk.transcript.show_top(turn)

    # Places in the queue.

    async def _place_of(self, turn: Turn) -> None:
        """Returns when there is a place; the turn says meanwhile how many are before it."""
        if self._running < AT_ONCE:
            self._running += 1
            return
        called = asyncio.Event()
        self._waiting.append((turn, called))
        self._tell_places()
        try:
            await called.wait()
        except asyncio.CancelledError:
            if called.is_set():
                self._leave_place()
            else:
                self._waiting.remove((turn, called))
                self._tell_places()
            raise
        turn.wait_no_more()

    def _leave_place(self) -> None:
        if not self._waiting:
            self._running -= 1
            return
        _, called = self._waiting.pop(0)  # the place goes to the next one
        called.set()
        self._tell_places()

    def _tell_places(self) -> None:
        for before, (turn, _) in enumerate(self._waiting):
            turn.wait(AT_ONCE + before)

    # What a person is asked on the way: one thing at a time.

    def _confirm(self, turn: Turn, event: AskEvent) -> None:
        if event.type == "asked":
            self._to_confirm.append((turn, event))
            self._confirm_next()
        elif event.type == "decided":
            self._stop_confirming(turn)

    def _confirm_next(self) -> None:
        if self._confirming is not None or not self._to_confirm:
            return
        from tui.screens.confirm import ConfirmScreen

        turn, asked = self._to_confirm.pop(0)

        def decide(choice: str | None) -> None:
            self._confirming = None
            if choice is not None:
                self._screen.run_worker(self._screen.app.engine.decide(asked.id, choice), exit_on_error=False)
            self._confirm_next()

        screen = ConfirmScreen(asked, self._screen.app.clock)
        self._confirming = (turn, asked, screen)
        self._screen.app.push_screen(screen, decide)

    def _stop_confirming(self, turn: Turn) -> None:
        """Takes what is asked for a turn away: it is decided, or no longer matters."""
        self._to_confirm = [each for each in self._to_confirm if each[0] is not turn]
        if self._confirming is not None and self._confirming[0] is turn:
            self._confirming[2].withdraw()
