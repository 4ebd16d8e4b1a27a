"""The desk of linear mode: questions are asked here, and their answers read, by number and by command."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from assistant.engine.errands import (
    ExportAnswer,
    ExportForm,
    FindNamedQuestion,
    ForgetMarks,
    PastAnswer,
    Rate,
    State,
)
from assistant.export import cited_papers, suggested_name
from assistant.question import goes_on
from assistant.render import to_text
from tui.linear.answering import Answering, told_answer
from tui.linear.finding import Finding
from tui.linear.page import PageRoom, told_evidence
from tui.linear.papers import PaperRoom
from tui.linear.turn import Turn
from tui.opening import Place
from tui.widgets.status_line import library_sentence, models_sentence, web_sentence
from tui.words import count_of

if TYPE_CHECKING:
    from assistant.engine.protocol import Status
    from assistant.events import Answer, Document, Evidence
    from tui.linear.session import Session

__all__ = ["Desk", "export", "status_lines"]

_NONE_YET = "There is no answer yet."


class Desk(PaperRoom):
    """Asks; the answer told last, or gone back to, is the one that commands are about."""

    places = ("asking", "reading", "document")

    def __init__(self, session: Session) -> None:
        """Begins without a question."""
        super().__init__(session)
        self._turns: list[Turn] = []
        self._turn: Turn | None = None
        self._finding = Finding(self.lines)

    async def take(self, text: str) -> None:
        """Tells a piece of evidence by its number; anything else is a question."""
        if text.isdecimal() and self._turn is not None:
            if (evidence := self._evidence(text)) is not None:
                await self.session.go_to(self._page(evidence))
            return
        follows = self._turn.answer if self._turn and goes_on(text) else None
        await self.ask(text, follows=follows)

    async def ask(
        self, text: str, *, resume: str = "", follows: Answer | None = None, again: str = ""
    ) -> None:
        """Asks and tells the answer; see `Engine.ask`."""
        turn = self._begin(Turn(len(self._turns) + 1, text, again))
        asking = self.session.engine.ask(text, resume=resume, follows=follows, again=again)
        await Answering(turn, self.session.engine, self.lines, self.session.typed).run(asking)
        if turn.evidence:
            self.lines.say(_what_next(turn))

    async def go_on_with(self, name: str) -> None:
        """Goes on with a past question that the person named: where it was stopped, or from its answer."""
        past = (await self.session.engine.run(FindNamedQuestion(name=name))).past
        stopped = past.question.state in (State.RUNNING, State.CANCELLED) and not past.question.in_batch
        if stopped and past.answer is None:
            await self.ask(past.question.text, resume=past.question.run)
        else:
            self.show(past)

    def show(self, past: PastAnswer) -> None:
        """Tells a past question and its answer as the newest one."""
        question = past.question
        turn = self._begin(Turn(len(self._turns) + 1, question.text, question.again))
        self.lines.say(f"Question {turn.number}: {question.text}")
        if past.answer is None:
            self.lines.say(past.said or "It was stopped before there was an answer.")
            self.lines.say("/history and /go-on with its number go on with it.")
            return
        turn.answer, turn.evidence = past.answer, past.answer.evidence
        told_answer(turn, self.lines)
        self.lines.say(_what_next(turn))

    # Asking.

    def do_evidence(self, argument: str) -> None:
        """Tells the evidence of the answer."""
        if self._turn is None or not self._turn.evidence:
            self.lines.say("There is no evidence yet.")
            return
        self.lines.say_all(told_evidence(each, self._turn) for each in self._turn.evidence)

    async def do_editor(self, argument: str) -> None:
        """Has the question written in the person's own editor, then asks it."""
        from tui.editor import editor_of, written_with

        command = editor_of(os.environ)
        if not (command and self.session.typed.is_person and self.lines.out.isatty()):
            self.lines.say("An editor cannot be opened from here." if command else "There is no editor here.")
            return
        try:
            text = written_with(command, "").strip()
        except OSError as error:
            self.lines.say(f"Nothing is asked: {error.strerror or error}.")
            return
        if text:
            self.lines.text(text)
            await self.take(text)
        else:
            self.lines.say("Nothing was written, so nothing is asked.")

    def do_steps(self, argument: str) -> None:
        """Tells the steps of the answer again."""
        from assistant.cli.narrate import Narrator
        from tui.past import told_again

        if (answer := self._answer()) is not None:
            narrator = Narrator(write=self.lines.say)
            for event in told_again(answer):
                narrator.tell(event)

    def do_trace(self, argument: str) -> None:
        """Tells what the answer took, span by span."""
        from assistant.events import trace_rows
        from tui.screens.trace import told_span

        if (answer := self._answer()) is None:
            return
        for number, row in enumerate(trace_rows(answer.trace), 1):
            self.lines.say(f"Span {number}:")
            self.lines.fields(told_span(row.span).plain)

    def do_cancel(self, argument: str) -> None:
        """Says that nothing runs: while something does, it is not this that hears of it."""
        self.lines.say("Nothing is running.")

    # Reading.

    async def do_copy(self, argument: str) -> None:
        """Copies the answer with its sources."""
        if (answer := self._answer()) is not None:
            await self.session.copy(to_text(answer), "The answer")

    async def do_export(self, argument: str) -> None:
        """Writes the answer to a file."""
        if (answer := self._answer()) is not None:
            await export(self.session, answer, argument)

    def do_find(self, argument: str) -> None:
        """Finds words in the answers."""
        self._finding.begin(argument, self._turns)

    def do_next(self, argument: str) -> None:
        """Goes to the next place that was found."""
        self._finding.step(1)

    def do_previous(self, argument: str) -> None:
        """Goes to the place before."""
        self._finding.step(-1)

    def do_before(self, argument: str) -> None:
        """Tells the answer before."""
        self._step(-1)

    def do_after(self, argument: str) -> None:
        """Tells the answer after."""
        self._step(1)

    async def do_deeper(self, argument: str) -> None:
        """Has the reasoning model answer from the same evidence."""
        await self._again("deeper")

    async def do_web(self, argument: str) -> None:
        """Asks again with what the web adds."""
        await self._again("web")

    async def do_model(self, argument: str) -> None:
        """Asks another model on the same evidence; which one is chosen from a list, unless it is named."""
        from tui.screens.pick import found

        if self._answer() is None:
            return
        models = _models(self.session.status)
        if not models:
            self.lines.say("No model is configured. /settings names some.")
        elif argument:
            await self._again(found(argument, models))
        else:
            await self._again(await self.session.choose("Which model?", models, models[0]))

    async def do_helped(self, argument: str) -> None:
        """Notes that the answer helped; said again, it is taken back."""
        await self._rate(True)

    async def do_unhelpful(self, argument: str) -> None:
        """Notes that the answer did not help; said again, it is taken back."""
        await self._rate(False)

    async def do_forget(self, argument: str) -> None:
        """Has the routes begin anew to learn from what was said of answers."""
        forgotten = await self.session.engine.run(ForgetMarks())
        self.lines.say(f"{count_of(forgotten.marks, 'mark')} forgotten; the history keeps what you said.")

    # Papers.

    async def place(self, number: str) -> Place | None:
        """The paper of a piece of evidence, at its page; without a number that of the first."""
        evidence = self._evidence(number)
        return Place(evidence.document, evidence.page) if evidence else None

    async def papers(self, number: str) -> Sequence[Document]:
        """The papers that the answer cites, or the one of a number."""
        if number:
            return await super().papers(number)
        answer = self._answer()
        papers = cited_papers(answer) if answer else ()
        if answer and not papers:
            self.lines.say("No paper is cited here.")
        return papers

    def _begin(self, turn: Turn) -> Turn:
        self._turns.append(turn)
        self._turn = turn
        return turn

    def _answer(self) -> Answer | None:
        if self._turn is None or self._turn.answer is None:
            self.lines.say(_NONE_YET)
            return None
        return self._turn.answer

    def _evidence(self, number: str) -> Evidence | None:
        evidence = self._turn.evidence if self._turn else ()
        found = next((each for each in evidence if str(each.id) == number.strip()), None)
        if not number.strip() and evidence:
            return evidence[0]
        if found is None:
            self.lines.say(f"There is no evidence [{number}]." if evidence else "There is no evidence yet.")
        return found

    def _page(self, evidence: Evidence) -> PageRoom:
        assert self._turn is not None
        return PageRoom(self.session, self._turn.evidence, self._turn.checks, start_at=evidence.id)

    def _step(self, by: int) -> None:
        if self._turn is None:
            self.lines.say(_NONE_YET)
            return
        place = self._turns.index(self._turn) + by
        if not 0 <= place < len(self._turns):
            self.lines.say("That is the first question." if by < 0 else "That is the last question.")
            return
        self._turn = self._turns[place]
        again = f" (again: {self._turn.again})" if self._turn.again else ""
        self.lines.say(f"Question {self._turn.number}: {self._turn.question}{again}")
        if self._turn.answer is None:
            self.lines.say("It has no answer.")
        told_answer(self._turn, self.lines)

    async def _again(self, how: str) -> None:
        turn, answer = self._turn, self._answer()
        if turn is not None and answer is not None:
            await self.ask(turn.question, follows=answer, again=how)

    async def _rate(self, helped: bool) -> None:
        turn, answer = self._turn, self._answer()
        if turn is None or answer is None:
            return
        turn.helped = None if turn.helped is helped else helped
        rate = Rate(run=answer.run, question_id=answer.question_id, helped=turn.helped)
        kept = answer.run and (await self.session.engine.run(rate)).kept
        said = {True: "It helped", False: "It did not help", None: "Taken back"}[turn.helped]
        self.lines.say(f"{said}: noted." if kept else "The history does not have this question.")


async def export(session: Session, answer: Answer, form: str) -> None:
    """Writes an answer to a file; asks for the form where none is named, and for the place.

    Raises:
        CarrelError: There is such a file already, or it cannot be written.
    """
    from tui.screens.add import typed_path
    from tui.screens.export import form_named

    forms = get_args(ExportForm)
    wanted = form_named(form) if form else await session.choose("Which form?", forms, "markdown")
    suggested = suggested_name(answer.query.for_library, form_named(wanted))
    path = typed_path(await session.ask_for(f"File (Enter for {suggested})") or "") or Path(suggested)
    errand = ExportAnswer(answer=answer, form=form_named(wanted), path=str(path.absolute()))
    session.lines.say(f"Written to {(await session.engine.run(errand)).path}")


def status_lines(status: Status) -> Iterator[str]:
    """What there is to ask, with which models, and whether the web may be searched."""
    for sentence in (library_sentence(status), models_sentence(status), web_sentence(status)):
        yield sentence[:1].upper() + sentence[1:]


def _models(status: Status | None) -> tuple[str, ...]:
    """The models that can be asked, each once."""
    return tuple(dict.fromkeys([*status.others, *status.models.values()])) if status else ()


def _what_next(turn: Turn) -> str:
    pieces = count_of(len(turn.evidence), "piece")
    return f"Evidence: {pieces}. A number tells that one on its page; /help tells what else can be done."
