"""The history in linear mode: past questions by number: told, gone on with, compared, exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from assistant.engine.errands import FindQuestion, FindQuestions, PastAnswer, PastQuestion, Rate
from tui.asked import ANSWERED, STATES, can_go_on, local_time, text_of
from tui.linear.listing import Listing, ListRoom
from tui.safe import shown_line
from tui.words import count_of

if TYPE_CHECKING:
    from tui.comparison import Sentence
    from tui.linear.session import Session

__all__ = ["HistoryRoom"]

_NUMBERED = ("open_question", "resume", "compare", "export_past", "past_helped", "past_no_help")


class HistoryRoom(ListRoom):
    """Words narrow the list; a number tells that question with its answer."""

    places = ("history",)
    name = "history"
    arguments: ClassVar[Mapping[str, str]] = {**dict.fromkeys(_NUMBERED, "NUMBER"), "search": "WORDS"}

    def __init__(self, session: Session, text: str = "") -> None:
        """Takes what to look for at first."""
        super().__init__(session, text)
        self._picked: PastQuestion | None = None
        """The first of two answers to compare."""
        self._questions: Listing[PastQuestion] = Listing(
            self.lines, self._fetch, _told, noun="question", nothing="No question fits."
        )

    async def enter(self) -> None:
        """Tells the list."""
        fitting = f" with “{self._text}”" if self._text else ""
        await self.listing.begin(f"{fitting}, newest first")

    @property
    def listing(self) -> Listing[PastQuestion]:
        """The questions."""
        return self._questions

    async def pick(self, number: str) -> None:
        """Tells the question with its answer."""
        await self.do_open_question(number)

    async def do_open_question(self, argument: str) -> None:
        """Tells the question with its answer, where questions are asked."""
        if (past := self.listing.item(argument)) is not None:
            found = await self._answer_of(past)
            self.session.go_to_desk()
            self.session.desk.show(found)

    async def do_search(self, argument: str) -> None:
        """Tells what has the words; nothing typed behind it means everything."""
        await self.narrow(argument)

    async def do_resume(self, argument: str) -> None:
        """Goes on with a question that was stopped."""
        if (past := self.listing.item(argument)) is None:
            return
        if not can_go_on(past):
            self.lines.say("Only a question that was stopped can go on.")
            return
        self.session.go_to_desk()
        await self.session.desk.ask(past.text, resume=past.run)

    async def do_compare(self, argument: str) -> None:
        """Picks an answer; the second one that is picked is compared with the first."""
        past = self.listing.item(argument)
        if past is None:
            return
        if past.state not in ANSWERED:
            self.lines.say("There is no answer to compare.")
        elif self._picked is None or (self._picked.run, self._picked.id) == (past.run, past.id):
            self._picked = past
            self.lines.say(f"Picked: {past.text}. /compare with another number compares both.")
        else:
            first, self._picked = self._picked, None
            self._tell_compared(await self._answer_of(first), await self._answer_of(past))

    async def do_export_past(self, argument: str) -> None:
        """Writes the answer to a file."""
        from tui.linear.desk import export

        if (past := self.listing.item(argument)) is None:
            return
        answer = (await self._answer_of(past)).answer
        if answer is None:
            self.lines.say("There is no answer to write.")
        else:
            await export(self.session, answer, "")

    async def do_past_helped(self, argument: str) -> None:
        """Notes that the answer helped; said again, it is taken back."""
        await self._rate(argument, True)

    async def do_past_no_help(self, argument: str) -> None:
        """Notes that the answer did not help; said again, it is taken back."""
        await self._rate(argument, False)

    async def _rate(self, argument: str, helped: bool) -> None:
        if (past := self.listing.item(argument)) is None:
            return
        said = None if past.helped is helped else helped
        await self.session.engine.run(Rate(run=past.run, question_id=past.id, helped=said))
        self.lines.say({True: "It helped", False: "It did not help", None: "Taken back"}[said] + ": noted.")
        await self.enter()

    async def _fetch(self, offset: int, limit: int) -> tuple[int, Sequence[PastQuestion]]:
        wanted = FindQuestions(text=self._text, offset=offset, limit=limit)
        page = (await self.session.engine.run(wanted)).page
        return page.total, page.questions

    async def _answer_of(self, past: PastQuestion) -> PastAnswer:
        return (await self.session.engine.run(FindQuestion(run=past.run, question_id=past.id))).past

    def _tell_compared(self, first: PastAnswer, second: PastAnswer) -> None:
        from tui.comparison import compared

        if first.answer is None or second.answer is None:
            self.lines.say("There is no answer to compare.")
            return
        found = compared(first.answer, second.answer)
        same = sum(sentence.in_both for sentence in found.first)
        self.lines.say(f"{count_of(same, 'sentence')} in the same words.")
        for past, sentences in ((first, found.first), (second, found.second)):
            self._tell_alone(past, sentences)

    def _tell_alone(self, past: PastAnswer, sentences: Sequence[Sentence]) -> None:
        self.lines.say(f"Only the answer to “{shown_line(text_of(past.question), 200)}” says:")
        alone = [each.text for each in sentences if not each.in_both]
        self.lines.say_all(f"  {text}" for text in alone or ["nothing else."])


def _told(past: PastQuestion) -> str:
    helped = {None: "", True: "helped", False: "did not help"}[past.helped]
    said = [local_time(past.asked), STATES[past.state], helped]
    return f"{shown_line(text_of(past), 300)} ({', '.join(part for part in said if part)})"
