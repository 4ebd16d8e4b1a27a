"""One question and all that came of it: the steps, the answer, and what the reader should know about it."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from assistant.events import (
    Answer,
    AskEvent,
    Classified,
    Done,
    Drafted,
    Evidence,
    EvidenceReady,
    Failed,
    FellBack,
    Retrying,
    Summarised,
    Token,
)
from assistant.render import fallbacks_of
from tui.safe import shown, shown_line
from tui.widgets.answer import AnswerPart, AnswerText
from tui.widgets.evidence import checked, place
from tui.widgets.steps import Steps
from tui.words import FELL_BACK, count_of

__all__ = ["Turn"]


class Turn(Vertical):
    """A question, its steps, its answer."""

    class EvidenceChanged(Message):
        """There is more evidence, or it has been checked."""

        def __init__(self, turn: Turn) -> None:
            super().__init__()
            self.turn = turn

    class CitationOpened(Message):
        """A citation of this turn was clicked."""

        def __init__(self, turn: Turn, evidence_id: int) -> None:
            super().__init__()
            self.turn = turn
            self.evidence_id = evidence_id

    def __init__(self, question: str, clock: Callable[[], float], *, again: str = "") -> None:
        """Starts the clock.

        Args:
            question: As the person typed it.
            clock: Gives seconds; only differences matter.
            again: How the question of an earlier turn is asked again; empty for one that is new.
        """
        super().__init__()
        self.question = question
        self.again = again
        self._clock = clock
        self.over = False
        """Answered, failed or cancelled: nothing more comes."""
        self.streamed = False
        """The answer came word by word, so that the person has read along."""
        self._drafted = False
        """The text is whole; a later fallback does not void it."""
        self.evidence: tuple[Evidence, ...] = ()
        """What the answer is written from, as far as it is known."""
        self.answer: Answer | None = None
        """The verified answer; `None` until there is one."""
        self.helped: bool | None = None
        """What the person said of it."""

    def compose(self) -> ComposeResult:
        """The question, the steps, the answer and the remarks, from top to bottom."""
        yield Static(self._heading(), classes="question")
        yield Steps(self._clock)
        yield AnswerText()
        yield Static("", markup=False, classes="remarks -empty")

    def _heading(self, whole: str = "") -> Content:
        """The question as it was typed, how it is asked again, and what was made of a follow-up."""
        how = f" (again: {shown_line(self.again, 60)})" if self.again else ""
        asked = f"\n  asked as: {shown_line(whole, 500)}" if whole else ""
        return Content.assemble(
            ("❯ ", "$accent bold"), (shown(self.question), "bold"), (how + asked, "$secondary")
        )

    @property
    def steps(self) -> Steps:
        """The steps of this question."""
        return self.query_one(Steps)

    @property
    def checks(self) -> dict[int, str]:
        """Evidence number to what became of its check, in words; empty before the answer is checked."""
        return checked(self.evidence, self.answer.citations) if self.answer else {}

    def text_with_sources(self) -> str:
        """The answer as Markdown with the papers it cites; empty before there is one."""
        if self.answer is None:
            return ""
        sources = [f"[{each.id}] {shown_line(each.document.title)}, {place(each)}" for each in self.evidence]
        return "\n".join([shown(self.answer.text), "", *sources])

    async def receive(self, event: AskEvent) -> None:
        """Takes in one event of the question."""
        self.steps.apply(event)
        match event:
            case Classified(query=query) if query.said:
                self.query_one(".question", Static).update(self._heading(query.text))
            case Token():
                self.streamed = True
                self.steps.fold()
                self.query_one(AnswerText).stream(event.text)
            case FellBack() | Retrying() if not self._drafted:
                self.steps.unfold()
                await self.query_one(AnswerText).start_over()
            case Drafted():
                self._drafted = True
                await self.query_one(AnswerText).show(shown(event.draft.text))
            case Summarised():
                others = [each for each in self.evidence if each.id != event.evidence.id]
                self._show_evidence(tuple(sorted([*others, event.evidence], key=lambda each: each.id)))
            case EvidenceReady():
                self._show_evidence(event.evidence)
            case Done():
                await self._complete(event.answer)
            case Failed():
                await self.fail(event)
            case _:
                pass

    def wait(self, before: int) -> None:
        """It waits for its place.

        Args:
            before: Questions that come first.
        """
        self._remark([f"Waits for {count_of(before, 'question')} before it. Esc takes it out."])

    def wait_no_more(self) -> None:
        """It has its place."""
        self._remark([])

    async def cancel(self) -> None:
        """The person stopped it: what is written stays."""
        await self.query_one(AnswerText).stop()  # what has come and is not shown yet counts too
        written = "What was written before is kept, unchecked." if self.query_one(AnswerText).source else ""
        await self._stop("cancelled", f"Cancelled. {written}".rstrip())

    async def fail(self, failed: Failed) -> None:
        """It ended without an answer."""
        hint = f"\n{shown(failed.hint)}" if failed.hint else ""
        await self._stop("failed", f"Error: {shown(failed.message)}{hint}", error=True)

    async def never_answered(self, said: str) -> None:
        """It is from the history, which has no answer of it.

        Args:
            said: Why, as far as the history knows.
        """
        why = shown(said) or "It was stopped before there was an answer."
        await self._stop("not answered", f"{why}\nF6 goes on with it.", error=True)

    async def end(self) -> None:
        """Nothing more comes; without an answer that is a failure too."""
        if not self.over:
            await self.fail(
                Failed(kind="EngineDied", message="The engine ended without an answer.", hint="Ask again.")
            )

    @on(AnswerPart.CitationOpened)
    def _open_citation(self, event: AnswerPart.CitationOpened) -> None:
        event.stop()
        self.post_message(self.CitationOpened(self, event.evidence_id))

    async def _stop(self, ending: str, remark: str, *, error: bool = False) -> None:
        if self.over:
            return
        self.over = True
        self.steps.finish(ending)
        await self.query_one(AnswerText).stop()
        self._remark([remark], error=error)

    async def _complete(self, answer: Answer) -> None:
        self.over = True
        self.answer = answer
        self.steps.finish(seconds=answer.usage.seconds)
        await self.query_one(AnswerText).complete(answer)
        self._remark(_remarks(answer))
        self._show_evidence(answer.evidence)

    def _remark(self, sentences: list[str], *, error: bool = False) -> None:
        remarks = self.query_one(".remarks", Static)
        remarks.set_class(error, "error")
        remarks.set_class(not sentences, "-empty")
        remarks.update("\n".join(sentence for sentence in sentences if sentence))

    def _show_evidence(self, evidence: tuple[Evidence, ...]) -> None:
        self.evidence = evidence
        self.post_message(self.EvidenceChanged(self))


def _remarks(answer: Answer) -> list[str]:
    """What stands under the answer: the route, the fallbacks, the notes, who wrote it and what it cost."""
    why = shown_line(answer.route.why)
    route = f"Why this route: {why}" if why else ""
    notes = [f"Note: {shown_line(note)}" for note in answer.notes]
    fallbacks = [f"{FELL_BACK} {shown_line(fallback, 500)}" for fallback in fallbacks_of(answer)]
    return [route, *fallbacks, *notes, _signed(answer)]


def _signed(answer: Answer) -> str:
    """Nothing for an answer without a model: a note says that already."""
    if not answer.usage.calls:
        return ""
    usage = answer.usage
    parts = [
        f"Written by {shown_line(answer.author, 60)}" if answer.author else "",
        count_of(usage.calls, "model call"),
        count_of(usage.input_tokens + usage.output_tokens, "token"),
        "" if usage.cost_usd is None else f"${usage.cost_usd:.4f}",
    ]
    return " · ".join(part for part in parts if part)
