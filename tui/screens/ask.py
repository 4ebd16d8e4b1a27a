"""Where questions are asked: the transcript and the evidence above, the question box below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer
from textual.worker import Worker

from tui.commands import bindings, commands_of, find_command, parse_slash
from tui.questions import Questions
from tui.reading import PaperActions
from tui.widgets.composer import Composer
from tui.widgets.desk import Desk
from tui.widgets.question_box import QuestionBox
from tui.widgets.status_line import StatusLine
from tui.widgets.transcript import Welcome

if TYPE_CHECKING:
    from assistant.engine.protocol import Status
    from assistant.events import Answer, Document
    from assistant.past_question import PastAnswer
    from tui.adding import Adding
    from tui.app import CarrelApp
    from tui.opening import Place
    from tui.widgets.find_bar import FindBar
    from tui.widgets.turn import Turn

__all__ = ["AskScreen"]


_READING = {
    command.action.partition("(")[0] for place in ("reading", "document") for command in commands_of(place)
}


class AskScreen(PaperActions):
    """The first screen; what only a question needs is imported with the first one."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("asking", "reading", "document"),
        Binding("escape", "leave", "Between question and evidence", show=False, id="leave"),
        Binding("pageup", "scroll_transcript(-1)", "Scroll up", show=False, priority=True, id="scroll_up"),
        Binding(
            "pagedown", "scroll_transcript(1)", "Scroll down", show=False, priority=True, id="scroll_down"
        ),
        *(
            Binding(
                str(number), f"open({number})", f"Open evidence {number}", show=False, id=f"open_{number}"
            )
            for number in range(1, 10)
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._questions = Questions(self, self.refresh_bindings)
        self._welcomed = False

    def compose(self) -> ComposeResult:
        """The desk above, the question below."""
        yield Desk()
        yield Composer()
        yield StatusLine()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Typing is accepted from the first frame."""
        self.query_one(QuestionBox).focus()

    @property
    def has_asked(self) -> bool:
        """Whether a question was asked since the app was opened."""
        return self._questions.begun

    @property
    def is_answering(self) -> bool:
        """Whether a question runs or waits."""
        return bool(self._questions)

    @property
    def is_busy(self) -> bool:
        """Whether a question runs, or is being typed."""
        return self.is_answering or bool(self.query_one(QuestionBox).text)

    @property
    def desk(self) -> Desk:
        """The transcript and the evidence."""
        return self.query_one(Desk)

    @property
    def knows_status(self) -> bool:
        """Whether the engine has said what there is to ask."""
        return self.query_one(StatusLine).is_told

    def show_status(self, status: Status) -> None:
        """Shows the library and the models as they stand."""
        self.query_one(StatusLine).tell(status)
        self.query_one(Composer).tell(status)
        for welcome in self.query(Welcome):
            welcome.greet(status)
        if status.is_new:
            self._welcome()

    def _welcome(self) -> None:
        """Shows once how to begin; whoever has begun already, be it to type, is left alone."""
        from tui.screens.add import AddScreen

        has_begun = self.is_busy or len(self.app.screen_stack) > 1 or bool(self.query("AddingLine"))
        if not (self._welcomed or has_begun):
            self._welcomed = True
            self.app.push_screen(AddScreen(None, welcome=True))

    def show_problem(self, message: str) -> None:
        """Shows in the status line why there is no status."""
        self.query_one(StatusLine).tell_problem(message)

    async def follow(self, adding: Adding) -> None:
        """Shows a line about papers being added for as long as they are."""
        from tui.widgets.adding import AddingLine

        await self.mount(AddingLine(adding), before=self.query_one(Composer))

    # What the person does.

    @on(QuestionBox.Sent)
    async def send(self, event: QuestionBox.Sent) -> None:
        """Runs a slash command or asks; "and in mice?" is asked with the answer that it goes on from."""
        if (slash := parse_slash(event.text)) is not None:
            await self._run_slash(*slash)
            return
        from assistant.question import goes_on

        self.ask(event.text, follows=self._latest_answer() if goes_on(event.text) else None)

    def ask(self, text: str, *, resume: str = "", follows: Answer | None = None, again: str = "") -> None:
        """Asks; a few questions run side by side, and more wait for their place.

        Args:
            text: The question.
            resume: The run of a question that was stopped, to go on with.
            follows: The answer that it follows on.
            again: How the question of that answer is asked again; see `Engine.ask`.
        """
        self._questions.ask(text, resume=resume, follows=follows, again=again)

    def _latest_answer(self) -> Answer | None:
        """The answer in view; where there is none yet, the newest."""
        turns = [*self.query("Turn").results(), *([self.desk.turn] if self.desk.turn else [])]
        answers = [turn.answer for turn in cast("list[Turn]", turns) if turn.answer is not None]
        return answers[-1] if answers else None

    async def show_past(self, past: PastAnswer) -> None:
        """Shows a past question and its answer as the newest entry, its evidence beside it."""
        from tui.past import told_again
        from tui.widgets.turn import Turn

        turn = Turn(past.question.text, self.app.clock, again=past.question.again)
        await self.desk.begin(turn)
        if past.answer is not None:
            for event in told_again(past.answer):
                await turn.receive(event)
        else:
            await turn.never_answered(past.said)
        self.desk.transcript.show_top(turn)
        self.desk.focus_reading()

    def on_key(self, event: events.Key) -> None:
        """What is typed belongs into the question, wherever the keyboard was, unless it is a key."""
        if event.is_printable and event.character and event.key not in self.active_bindings:
            event.stop()
            box = self.query_one(QuestionBox)
            box.focus()
            box.insert(event.character)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Cancelling is offered while a question runs, reading once there is something to read."""
        if action == "cancel":
            return bool(self._questions) and self._questions.can_cancel(self.desk.turn)
        if action == "turn":
            return isinstance(self.focused, QuestionBox) or bool(self.query("Turn"))
        if action == "found":
            return bool(self.query("FindBar"))
        if action in _READING:
            return isinstance(self.focused, QuestionBox) or self._answered_any
        return True

    @property
    def _answered_any(self) -> bool:
        """Whether there is an answer, or evidence of one; before that, letters are only letters."""
        # Asked for every key: among the children, not in all that stands under them.
        turns = [desk.turn for desk in self.query_children(Desk) if desk.turn is not None]
        return any(turn.answer is not None or turn.evidence for turn in turns)

    def action_cancel(self) -> None:
        """Stops the question in view."""
        self._questions.cancel(self.desk.turn)

    def action_turn(self, step: int) -> None:
        """Goes to the answer before or after the one in view."""
        self.desk.step(step)
        self.refresh_bindings()

    def action_leave(self) -> None:
        """From the box to the evidence, where number keys work; from anywhere else back to the box."""
        if (bar := self._find_bar) is not None:
            bar.close()
            return
        box = self.query_one(QuestionBox)
        if box.has_focus:
            self.desk.focus_reading()
        else:
            box.focus()

    def action_editor(self) -> None:
        """Leaves the screen to the person's editor for the question."""
        self.query_one(Composer).edit()

    @on(QuestionBox.DoiWanted)
    def open_pasted_doi(self, event: QuestionBox.DoiWanted) -> None:
        """Opens a pasted DOI in the browser."""
        self.open_address_of_doi(event.doi)

    def action_evidence(self) -> None:
        """Shows or hides the evidence; what is hidden has no use for the keyboard."""
        if not self.desk.toggle_evidence():
            self.query_one(QuestionBox).focus()

    def action_open(self, number: int) -> None:
        """Opens the passage of a piece of evidence."""
        self.desk.open(number)

    def action_steps(self) -> None:
        """Shows or hides the steps of the answer whose evidence is shown."""
        if self.desk.turn is not None:
            self.desk.turn.steps.toggle()
            self.desk.transcript.show_top(self.desk.turn)

    # Reading.

    def place(self, number: str = "") -> Place | None:
        """The paper of a piece of evidence, at its page."""
        from tui.opening import Place

        evidence = self.desk.evidence(number)
        return Place(evidence.document, evidence.page) if evidence else None

    def cited(self) -> tuple[Document, ...]:
        """The papers that the answer cites."""
        from assistant.export import cited_papers

        turn = self.desk.turn
        return cited_papers(turn.answer) if turn and turn.answer else ()

    def action_copy(self) -> None:
        """Copies the answer with its sources."""
        if (turn := self._answered_turn()) is not None:
            self.app.copy(turn.text_with_sources(), "The answer")

    def action_export(self, form: str = "") -> None:
        """Asks where the answer is written to."""
        from tui.screens.export import ExportScreen, form_named

        if (turn := self._answered_turn()) is not None and turn.answer is not None:
            self.app.push_screen(ExportScreen(turn.answer, form_named(form)))

    def action_trace(self) -> None:
        """Shows what the answer took."""
        from tui.screens.trace import TraceScreen

        if (turn := self._answered_turn()) is not None and turn.answer is not None:
            self.app.push_screen(TraceScreen(turn.answer))

    def action_again(self, how: str) -> None:
        """Asks the question of the answer in view again, on its evidence."""
        if (turn := self._answered_turn()) is not None and turn.answer is not None:
            self.ask(turn.question, follows=turn.answer, again=how)

    def action_another_model(self, name: str = "") -> None:
        """Asks another model; which one is chosen from a list, unless it is named."""
        from tui.screens.pick import PickScreen, found

        if self._answered_turn() is None:
            return
        models = self.query_one(StatusLine).models
        if name:
            self.action_again(found(name, models))
        elif models:
            self.app.push_screen(PickScreen("Which model?", models), self._ask_model)
        else:
            self.app.toast("No model is configured. F8 names some.")

    def _ask_model(self, name: str | None) -> None:
        if name is not None:
            self.action_again(name)

    def action_forget(self) -> None:
        """Has the routes begin anew to learn from + and -."""
        self.run_worker(self._forget(), group="rate", exit_on_error=False)

    async def _forget(self) -> None:
        from assistant.engine.errands import ForgetMarks
        from assistant.failures import failed_of
        from tui.words import count_of

        try:
            await self.app.ready()
            forgotten = await self.app.engine.run(ForgetMarks())
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            self.app.toast(f"{failed.message} {failed.hint}", error=True)
        else:
            self.app.toast(f"{count_of(forgotten.marks, 'mark')} forgotten; the history keeps what you said.")

    def action_rate(self, helped: bool) -> None:
        """Notes in the history whether the answer helped; said again, it is taken back."""
        if (turn := self._answered_turn()) is not None and turn.answer is not None:
            turn.helped = None if turn.helped is helped else helped
            self.app.rate(turn.answer, turn.helped)

    def _answered_turn(self) -> Turn | None:
        turn = self.desk.turn
        if turn is None or turn.answer is None:
            self.app.toast("There is no answer yet.")
            return None
        return turn

    @property
    def _find_bar(self) -> FindBar | None:
        """The line that finds, while it is there."""
        return cast("FindBar | None", next(iter(self.query("FindBar")), None))

    async def action_find(self, words: str = "") -> None:
        """Shows the line that finds words in the transcript."""
        from tui.widgets.find_bar import FindBar

        if (bar := self._find_bar) is None:
            bar = FindBar(self.desk.transcript, words)
            await self.mount(bar, before=self.query_one(Composer))
        bar.take(words)
        self.refresh_bindings()

    def action_found(self, step: int) -> None:
        """Goes to the next place that was found, or the one before."""
        if (bar := self._find_bar) is not None:
            bar.step(step)

    def action_scroll_transcript(self, pages: int) -> None:
        """Scrolls the transcript while the keyboard stays in the box."""
        self.desk.transcript.scroll_pages(pages)

    @on(Desk.PassageWanted)
    def open_passage(self, event: Desk.PassageWanted) -> None:
        """Opens the page that a piece of evidence is from."""
        from tui.screens.passage import PassageScreen

        self.app.push_screen(
            PassageScreen(event.turn.evidence, event.turn.checks, start_at=event.evidence.id)
        )

    @on(Desk.NothingThere)
    def explain(self, event: Desk.NothingThere) -> None:
        """Says why nothing happened."""
        self.app.toast(event.reason)

    # What the engine says.

    async def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A question has ended: with an answer, without one, or stopped."""
        if event.worker.is_finished and await self._questions.ended(event.worker):
            self.app.refresh_status()

    async def _run_slash(self, name: str, argument: str) -> None:
        command = find_command(name)
        if command is None:
            self.app.toast(f"There is no command /{name}; /help lists them.")
            return
        with_argument = f"{command.action}({argument!r})" if argument and command.argument else command.action
        await self.run_action(with_argument)
