"""Past questions brought back to where questions are asked: shown with their answers, or gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.engine.errands import FindNamedQuestion, FindQuestion, PastAnswer
    from tui.app import CarrelApp

__all__ = ["GoingOn"]


class GoingOn:
    """Goes on from what was asked before."""

    def __init__(self, app: CarrelApp) -> None:
        """Looks nothing up yet."""
        self._app = app

    def show(self, run: str, question_id: str) -> None:
        """Shows a past question and its answer."""
        self._app.run_worker(self._show(run, question_id), group="past", exclusive=True, exit_on_error=False)

    def resume(self, text: str, run: str) -> None:
        """Goes on with a question that was stopped."""
        self._app.run_worker(self._resume(text, run), exit_on_error=False)

    async def begin(self, name: str) -> None:
        """Goes on with the question that a person named: where it was stopped, or from its answer."""
        from assistant.engine.errands import FindNamedQuestion, State

        if (past := await self._found(FindNamedQuestion(name=name))) is None:
            return
        stopped = past.question.state in (State.RUNNING, State.CANCELLED) and not past.question.in_batch
        if stopped and past.answer is None:
            await self._resume(past.question.text, past.question.run)
        else:
            await self._app.ask_screen.show_past(past)

    async def _show(self, run: str, question_id: str) -> None:
        from assistant.engine.errands import FindQuestion

        if (past := await self._found(FindQuestion(run=run, question_id=question_id))) is not None:
            await self._app.go_back()
            await self._app.ask_screen.show_past(past)

    async def _resume(self, text: str, run: str) -> None:
        await self._app.go_back()
        self._app.ask_screen.ask(text, resume=run)

    async def _found(self, errand: FindQuestion | FindNamedQuestion) -> PastAnswer | None:
        """Looks a question up; where there is none, a toast says so."""
        from assistant.failures import failed_of

        try:
            return (await self._app.engine.run(errand)).past
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            self._app.toast(f"{failed.message} {failed.hint}", error=True)
            return None
