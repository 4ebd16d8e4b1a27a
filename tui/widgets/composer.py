"""The question box with what it offers: completions of papers, collections and filters, and pasted paths."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option

from tui.sturdy import Options
from tui.widgets.question_box import QuestionBox

if TYPE_CHECKING:
    from assistant.engine.protocol import Status
    from tui.app import CarrelApp
    from tui.completion import Offer, Wanted

__all__ = ["Composer"]

_PAUSE_SECONDS = 0.15
"""How long nothing is typed before the library is asked."""
_MOST_PAPERS = 12
_OLDER = 100
_TYPING = "Enter sends · Ctrl+J new line"
_OFFERING = "Tab takes it · ↑ ↓ choose · Esc leaves"


class Offers(Options):
    """What Tab would put into the box; the keyboard stays in the box."""

    can_focus = False

    class Shown(Message):
        """There is something to take, or nothing any more."""

        def __init__(self, anything: bool) -> None:
            super().__init__()
            self.anything = anything

    def __init__(self) -> None:
        super().__init__(id="offers", markup=False, compact=True)
        self.display = False
        self.offers: Sequence[Offer] = ()
        self.wanted: Wanted | None = None
        """What they would take the place of."""

    def show(self, wanted: Wanted | None, offers: Sequence[Offer]) -> None:
        """Lists the offers, or nothing."""
        self.wanted, self.offers = wanted, offers
        self.clear_options()
        self.add_options([Option(Content(offer.label)) for offer in offers])
        self.display = bool(offers)
        if offers:
            self.highlighted = 0
        self.post_message(self.Shown(self.display))

    @property
    def chosen(self) -> Offer | None:
        """The offer with the cursor; `None` when nothing is offered."""
        return self.offers[self.highlighted or 0] if self.display and self.offers else None


class Composer(Vertical):
    """Asks the library for completions beside the typing, and never makes it wait."""

    app: CarrelApp

    def __init__(self) -> None:
        super().__init__(id="composer")
        self._collections: tuple[str, ...] = ()
        self._older_known = False
        self._pasted = ""
        """The path or the DOI that was pasted and can be acted on."""

    def compose(self) -> ComposeResult:
        """The offers above, the box below."""
        yield Offers()
        yield QuestionBox()

    @property
    def box(self) -> QuestionBox:
        """Where the question is typed."""
        return self.query_one(QuestionBox)

    @property
    def offers(self) -> Offers:
        """What is offered at the moment."""
        return self.query_one(Offers)

    def tell(self, status: Status) -> None:
        """Takes in which collections there are."""
        self._collections = tuple(each.name for each in status.collections if each.documents)

    # Completing.

    @on(TextArea.SelectionChanged)
    @on(TextArea.Changed)
    def look(self) -> None:
        """Looks what could be completed at the cursor."""
        if self._pasted and self.box.text.strip() != self._pasted:
            self._pasted = ""
            self.offers.show(None, ())
        if not self._pasted:
            self._complete()

    @work(exclusive=True, group="complete", exit_on_error=False, description="complete")
    async def _complete(self) -> None:
        from tui.completion import authors_that_fit, known_offers, paper_offers, wanted_at

        row, column = self.box.cursor_location
        wanted = wanted_at(self.box.document.get_line(row), column)
        if wanted is None:
            self.offers.show(None, ())
            return
        if wanted.kind not in ("paper", "author"):
            self.offers.show(wanted, known_offers(wanted, self._collections))
            return
        await asyncio.sleep(_PAUSE_SECONDS)
        await self.app.ready()
        from assistant.engine.errands import FindPapers

        text = wanted.typed if wanted.kind == "paper" else f'author:"{wanted.typed}"' if wanted.typed else ""
        try:
            found = await self.app.engine.run(FindPapers(text=text, limit=_MOST_PAPERS))
        except Exception:  # noqa: BLE001 - an outer door: without an answer nothing is offered
            self.offers.show(None, ())
            return
        documents = [each.document for each in found.page.papers]
        offers = (
            paper_offers(documents) if wanted.kind == "paper" else authors_that_fit(wanted.typed, documents)
        )
        self.offers.show(wanted, offers)

    @on(Offers.Shown)
    def guide_keys(self, event: Offers.Shown) -> None:
        """Tab, Up, Down and Esc belong to the offers while there are any."""
        self.box.offering = event.anything
        self.box.border_subtitle = _OFFERING if event.anything else _TYPING

    @on(QuestionBox.OfferMoved)
    def move(self, event: QuestionBox.OfferMoved) -> None:
        """Another offer has the cursor."""
        count = len(self.offers.offers)
        self.offers.highlighted = ((self.offers.highlighted or 0) + event.by) % max(count, 1)

    @on(QuestionBox.OfferTaken)
    def take(self) -> None:
        """Puts the chosen offer in place of what was typed; a pasted path or DOI is acted on."""
        offer, wanted = self.offers.chosen, self.offers.wanted
        self.offers.show(None, ())
        if offer is None:
            return
        if wanted is None:
            self._act_on_pasted()
            return
        row, column = self.box.cursor_location
        self.box.replace(f"{offer.text} ", (row, wanted.start), (row, column))
        self.box.move_cursor((row, wanted.start + len(offer.text) + 1))

    @on(QuestionBox.OffersLeft)
    def leave(self) -> None:
        """Offers nothing until something else is typed."""
        self.offers.show(None, ())

    @on(OptionList.OptionSelected)
    def clicked(self, event: OptionList.OptionSelected) -> None:
        """A click takes an offer too."""
        event.stop()
        self.offers.highlighted = event.option_index
        self.take()
        self.box.focus()

    # Pasting.

    @on(QuestionBox.Pasted)
    def offer_pasted(self, event: QuestionBox.Pasted) -> None:
        """A path that is there, or a DOI, can be acted on with Tab."""
        self._see_what_was_pasted(event.text)

    @work(exclusive=True, group="pasted", exit_on_error=False, description="see what was pasted")
    async def _see_what_was_pasted(self, text: str) -> None:
        from tui.completion import Offer
        from tui.pastes import doi_in
        from tui.safe import shown_line

        if doi := doi_in(text):
            label = f"Tab opens {shown_line(doi, 80)} in your browser; a file of the paper can be added then"
        elif await asyncio.to_thread(_is_addable, text):
            label = f"Tab adds {shown_line(text, 80)} to the library"
        else:
            return
        if self.box.text.strip() == text.strip():
            self._pasted = text.strip()
            self.offers.show(None, [Offer(label, "")])

    def _act_on_pasted(self) -> None:
        from tui.pastes import doi_in

        text, self._pasted = self._pasted, ""
        self.box.clear()
        if doi := doi_in(text):
            self.post_message(self.box.DoiWanted(doi))
        else:
            self.run_worker(self.app.action_add(text), exit_on_error=False)

    # What was asked in earlier sessions.

    @on(QuestionBox.OlderWanted)
    def recall_older(self) -> None:
        """Up goes back beyond this session, once the history has been asked."""
        if not self._older_known:
            self._older_known = True
            self._recall_older()

    @work(exit_on_error=False, description="older questions")
    async def _recall_older(self) -> None:
        await self.app.ready()
        from assistant.engine.errands import FindQuestions

        try:
            found = await self.app.engine.run(FindQuestions(limit=_OLDER))
        except Exception:  # noqa: BLE001 - an outer door: without a history there is nothing older
            return
        self.box.remember([each.text for each in found.page.questions if not each.in_batch])

    # The person's own editor.

    def edit(self) -> None:
        """Leaves the screen to the person's editor, and takes the question back from it."""
        import os

        from tui.editor import editor_of, written_with
        from tui.safe import shown, shown_line

        command = editor_of(os.environ)
        if not command:
            self.app.toast("There is no editor here. EDITOR names yours.", error=True)
            return
        box = self.box
        try:
            with self.app.suspend():
                text = written_with(command, box.whole_text)
        except SuspendNotSupported:
            self.app.toast("An editor cannot be opened from here: this is not a terminal of its own.")
        except OSError as error:
            reason = shown_line(error.strerror or str(error), 120)
            self.app.toast(f"The question is as it was: {reason}.", error=True)
        else:
            box.put(shown(text))
        box.focus()


def _is_addable(text: str) -> bool:
    """Whether it is the path of something that is there, on one line."""
    from tui.screens.add import typed_path

    if "\n" in text.strip() or ("/" not in text and "\\" not in text):
        return False
    path = typed_path(text)
    try:
        return path is not None and path.exists()
    except (OSError, ValueError):
        return False
