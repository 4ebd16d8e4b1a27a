"""A piece of evidence on its page, as lines: the paper, the place, its check, the quote between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from assistant.events import CarrelError, Evidence
from tui.linear.papers import PaperRoom
from tui.opening import Place
from tui.safe import shown, shown_line
from tui.screens.passage import passage_only, where_in
from tui.widgets.evidence import place as place_in
from tui.words import count_of

if TYPE_CHECKING:
    from assistant.engine.protocol import Surroundings
    from tui.linear.session import Session
    from tui.linear.turn import Turn

__all__ = ["PageRoom", "told_evidence"]


class PageRoom(PaperRoom):
    """Steps through the evidence of one answer, or the passages of one paper."""

    places = ("page", "document")
    name = "page"

    def __init__(
        self, session: Session, evidence: Sequence[Evidence], checks: Mapping[int, str], *, start_at: int
    ) -> None:
        """Takes what there is to step through; see `tui.screens.passage.PassageScreen`."""
        super().__init__(session)
        self._evidence = evidence
        self._checks = checks
        self._position = [each.id for each in evidence].index(start_at)

    async def enter(self) -> None:
        """Tells the page, the quote between two lines of its own."""
        evidence = self._evidence[self._position]
        document = evidence.document
        self.lines.say(f"[{evidence.id}] {document.title or 'Untitled'}")
        known = [", ".join(document.authors), str(document.year or ""), where_in(evidence)]
        known.append(self._checks.get(evidence.id, ""))
        self.lines.say(". ".join(shown_line(part, 200) for part in known if part))
        self.lines.say(document.source)
        page = await self._page_of(evidence)
        for heading, text in (
            ("Before the quote:", page.text[: page.start]),
            ("The quote:", page.text[page.start : page.end] or evidence.quote),
            ("After the quote:", page.text[page.end :]),
        ):
            if shown(text).strip():
                self.lines.say(heading)
                self.lines.text(shown(text).strip())
        count = count_of(len(self._evidence), "piece")
        here = f"{self._position + 1} of {count}"
        self.lines.say(f"{here}. A number tells that one, /next the next, /back leaves.")

    async def take(self, text: str) -> None:
        """Tells another one by its number; a question is asked."""
        numbers = [str(each.id) for each in self._evidence]
        if text in numbers:
            self._position = numbers.index(text)
            await self.enter()
        elif text.isdecimal():
            self.lines.say(f"There is no [{text}].")
        else:
            await self.session.do_ask(text)

    async def do_previous_evidence(self, argument: str) -> None:
        """Tells the one before, round and round."""
        await self._step(-1)

    async def do_next_evidence(self, argument: str) -> None:
        """Tells the next one, round and round."""
        await self._step(1)

    async def place(self, number: str) -> Place | None:
        """The paper that is told, at its page."""
        evidence = self._evidence[self._position]
        return Place(evidence.document, evidence.page)

    async def _step(self, by: int) -> None:
        self._position = (self._position + by) % len(self._evidence)
        await self.enter()

    async def _page_of(self, evidence: Evidence) -> Surroundings:
        if evidence.document.origin == "web":
            return passage_only(evidence)
        end = evidence.quote_start + len(evidence.quote)
        try:
            return await self.session.engine.surroundings(
                evidence.document.id, start=evidence.quote_start, end=end
            )
        except CarrelError as error:
            self.lines.say(f"Only the passage is told: {error.message}")
            return passage_only(evidence)


def told_evidence(evidence: Evidence, turn: Turn) -> str:
    """A piece of evidence in one line: number, paper, place, check and quote."""
    title = shown_line(evidence.document.title, 160) or "Untitled"
    said = [f"[{evidence.id}] {title}", place_in(evidence), turn.checks.get(evidence.id, "")]
    return f"{', '.join(part for part in said if part)}: “{shown_line(evidence.quote, 500)}”"
