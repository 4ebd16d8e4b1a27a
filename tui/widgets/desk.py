"""The transcript and the evidence of one of its turns, beside each other or stacked as the width allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message

from tui.widgets.transcript import Notice, Transcript

if TYPE_CHECKING:
    from assistant.events import Evidence
    from tui.widgets.evidence import EvidencePane
    from tui.widgets.turn import Turn

__all__ = ["Desk"]

_WIDE = 120
_NARROW = 80


class Desk(Container):
    """Shows the evidence of the latest turn, or of an older one whose citation was clicked.

    What only a turn needs is imported with the first one, so that the first frame is early; its messages
    are handled by name (`on_turn_...`) for the same reason.
    """

    class PassageWanted(Message):
        """A citation or a piece of evidence was chosen."""

        def __init__(self, turn: Turn, evidence: Evidence) -> None:
            super().__init__()
            self.turn = turn
            self.evidence = evidence

    class NothingThere(Message):
        """What was asked for does not exist; the reason is a sentence."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self) -> None:
        super().__init__(id="desk")
        self._turn: Turn | None = None
        self._pane: EvidencePane | None = None
        self._wanted: bool | None = None
        """Whether the person wants to see the evidence; `None` leaves it to the width."""

    def compose(self) -> ComposeResult:
        """The transcript; the evidence joins it with the first question."""
        yield Transcript()

    @property
    def turn(self) -> Turn | None:
        """The turn whose evidence is shown."""
        return self._turn

    @property
    def transcript(self) -> Transcript:
        """The questions and answers so far."""
        return self.query_one(Transcript)

    async def begin(self, turn: Turn) -> None:
        """Appends a turn and shows its evidence from now on."""
        await self.transcript.add(turn)
        await self._mount_pane()
        self._select(turn)

    async def tell(self, sentence: str, *, hint: str = "", error: bool = False) -> None:
        """Puts a sentence of the app itself into the transcript."""
        await self.transcript.add(Notice(sentence, hint=hint, error=error))

    def toggle_evidence(self) -> bool:
        """Shows or hides the evidence; returns whether it is shown now."""
        if self._pane is None:
            self.post_message(self.NothingThere("There is no evidence before the first question."))
            return False
        self._wanted = not self._pane.display
        self._arrange()
        return self._wanted

    def open(self, evidence_id: int) -> None:
        """Asks for the passage of a piece of evidence of the turn that is shown."""
        found = [each for each in self._turn.evidence if each.id == evidence_id] if self._turn else []
        if self._turn is None or not found:
            self.post_message(self.NothingThere(f"There is no evidence [{evidence_id}]."))
            return
        self.post_message(self.PassageWanted(self._turn, found[0]))

    def evidence(self, number: str = "") -> Evidence | None:
        """The evidence of that number; without one, that with the cursor, and the only one otherwise."""
        found = self._turn.evidence if self._turn else ()
        if number:
            return next((each for each in found if str(each.id) == number.strip("[] ")), None)
        return (self._pane.current if self._pane is not None else None) or (found[0] if found else None)

    def step(self, step: int) -> None:
        """Shows the evidence of the turn before or after, from its beginning on."""
        turns = cast("list[Turn]", [*self.transcript.query("Turn")])
        if self._turn is None or self._turn not in turns:
            self.post_message(self.NothingThere("There is no answer yet."))
            return
        wanted = turns.index(self._turn) + step
        if not 0 <= wanted < len(turns):
            self.post_message(self.NothingThere(f"This is the {'first' if step < 0 else 'last'} answer."))
            return
        self._select(turns[wanted])
        self.transcript.show_entry(turns[wanted])

    def focus_reading(self) -> None:
        """Puts the keyboard on the evidence, or on the transcript where there is none."""
        if self._pane is not None and self._pane.display and self._turn is not None and self._turn.evidence:
            self._pane.focus_list()
        else:
            self.transcript.focus()

    def on_resize(self) -> None:
        """Shows as much of the evidence as there is room for."""
        self._arrange()

    def on_evidence_pane_opened(self, event: EvidencePane.Opened) -> None:
        """A piece of evidence was chosen in the list."""
        self.open(event.evidence_id)

    def on_turn_citation_opened(self, event: Turn.CitationOpened) -> None:
        """A citation was clicked; its turn's evidence is shown from now on."""
        self._select(event.turn)
        self.open(event.evidence_id)

    def on_turn_evidence_changed(self, event: Turn.EvidenceChanged) -> None:
        """There is more evidence, or it has been checked."""
        if event.turn is self._turn:
            self._select(event.turn)

    async def _mount_pane(self) -> None:
        from tui.widgets.evidence import EvidencePane

        if self._pane is None:
            self._pane = EvidencePane()
            await self.mount(self._pane)

    def _select(self, turn: Turn) -> None:
        self._turn = turn
        if self._pane is not None:
            latest = turn is self.transcript.query("Turn").last()
            self._pane.show(turn.evidence, turn.checks, note="" if latest else "of an earlier answer")
            self._arrange()

    def _arrange(self) -> None:
        if self._pane is None or self._turn is None:
            return
        width = self.size.width
        by_width = width >= _WIDE or (width >= _NARROW and bool(self._turn.evidence))
        self._pane.display = by_width if self._wanted is None else self._wanted
        self._pane.set_quotes(width >= _WIDE)
