"""Where the question is typed: Enter sends, Ctrl+J breaks the line, Up goes back; long pastes are folded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from tui.pastes import Pastes

__all__ = ["QuestionBox"]

_BURST_SECONDS = 0.01
_BURST_KEYS = 24
"""So many letters, each so soon after the one before, are a paste that the terminal does not mark as one."""


class QuestionBox(TextArea):
    """A text box that grows with the question."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", show=False, id="send"),
        Binding("ctrl+j", "newline", "New line", show=False, priority=True, id="newline"),
    ]

    class Sent(Message):
        """The person sent what is in the box; it is empty now."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Pasted(Message):
        """Something short was pasted into an empty box."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class DoiWanted(Message):
        """A pasted DOI is to be opened."""

        def __init__(self, doi: str) -> None:
            super().__init__()
            self.doi = doi

    class OfferMoved(Message):
        """Another offer is to have the cursor."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class OfferTaken(Message):
        """The offer with the cursor is wanted."""

    class OffersLeft(Message):
        """Nothing that is offered is wanted."""

    class OlderWanted(Message):
        """Up was pressed beyond what was asked in this session."""

    def __init__(self) -> None:
        super().__init__(
            id="question-box",
            show_line_numbers=False,
            highlight_cursor_line=False,
            placeholder="Ask your papers a question, or type /help",
        )
        for key in ("f6", "f7"):  # Textual selects with them; here they are the app's, wherever one types
            self._bindings.key_to_bindings.pop(key, None)
        self.border_title = "Question"
        self.border_subtitle = "Enter sends · Ctrl+J new line"
        self._asked: list[str] = []
        self._recalled = 0
        """How far back in `_asked` the box is; 0 is what is being typed."""
        self.offering = False
        """Whether Tab, Up, Down and Esc are for what is offered above the box."""
        self._pastes = Pastes()
        self._letters_in_a_row = 0
        self._last_letter = 0.0

    @property
    def whole_text(self) -> str:
        """What is in the box, folded pastes in full."""
        return self._pastes.unfolded(self.text)

    def action_send(self) -> None:
        """Sends the text; an empty box sends nothing."""
        text = self.text.strip()
        if not text:
            return
        self._asked.append(text)
        self._recalled = 0
        self.clear()
        self.post_message(self.Sent(self._pastes.unfolded(text).strip()))

    def action_newline(self) -> None:
        """Breaks the line at the cursor."""
        self.insert("\n")

    def action_cursor_up(self, select: bool = False) -> None:
        """Moves up; from the first line, back to what was asked before."""
        if select or not self.cursor_at_first_line or (self.text and not self._recalled):
            super().action_cursor_up(select)
        elif self._recalled < len(self._asked):
            self._recall(self._recalled + 1)
        else:
            self.post_message(self.OlderWanted())

    def action_cursor_down(self, select: bool = False) -> None:
        """Moves down; from the last line, forward to what was asked later."""
        if select or not self.cursor_at_last_line or not self._recalled:
            super().action_cursor_down(select)
        else:
            self._recall(self._recalled - 1)

    async def _on_key(self, event: events.Key) -> None:
        """Sends in the order of typing: a binding with priority would overtake letters that still wait."""
        if event.is_printable and event.key != "enter":
            in_a_row = event.time - self._last_letter < _BURST_SECONDS
            self._letters_in_a_row = self._letters_in_a_row + 1 if in_a_row else 1
            self._last_letter = event.time
            return
        if self._takes_offer(event):
            event.stop()
            event.prevent_default()
            return
        if event.key == "enter" and self._is_in_a_burst(event):
            event.stop()
            event.prevent_default()
            self._last_letter = event.time
            self.insert("\n")
            return
        active = self.screen.active_bindings.get(event.key)
        if active is not None and active.binding.action == "send":
            event.stop()
            event.prevent_default()
            self.action_send()

    def put_back(self, text: str) -> None:
        """Returns a text that could not be sent now, unless something new has been typed."""
        if not self.text:
            self.put(text)

    def put(self, text: str) -> None:
        """Puts a text in place of what is in the box; a long one is folded."""
        self.load_text(self._pastes.folded(text))
        self.move_cursor(self.document.end)

    def remember(self, older: Sequence[str]) -> None:
        """Takes in what was asked in earlier sessions, newest first, and brings back the newest of it."""
        known = set(self._asked)
        before = len(self._asked)
        new = [text for text in dict.fromkeys(older) if text and text not in known]
        self._asked = [self._pastes.folded(text) for text in reversed(new)] + self._asked
        if new and self._recalled == before:
            self._recall(before + 1)

    async def _on_paste(self, event: events.Paste) -> None:
        """Takes a paste in, made safe and folded where it is long; Textual would add it once more."""
        from tui.safe import shown

        event.stop()
        event.prevent_default()
        was_empty = not self.text
        text = shown(event.text)
        folded = self._pastes.folded(text)
        self.move_cursor(self.replace(folded, *self.selection, maintain_selection_offset=False).end_location)
        if was_empty and folded == text:
            self.post_message(self.Pasted(text))

    def _recompute_cursor_offset(self) -> None:
        """Lets go of a line that is not wrapped yet: a scroll bar that comes or goes asks for it too soon."""
        with suppress(ValueError):
            super()._recompute_cursor_offset()  # type: ignore[no-untyped-call]

    def _takes_offer(self, event: events.Key) -> bool:
        """Whether the key is one for what is offered above the box, which it is then told."""
        if not self.offering:
            return False
        match event.key:
            case "tab":
                self.post_message(self.OfferTaken())
            case "up" | "down":
                self.post_message(self.OfferMoved(-1 if event.key == "up" else 1))
            case "escape":
                self.post_message(self.OffersLeft())
            case _:
                return False
        return True

    def _is_in_a_burst(self, event: events.Key) -> bool:
        """Enter inside a paste breaks the line, also where the terminal sends a paste as if it were typed."""
        return self._letters_in_a_row >= _BURST_KEYS and event.time - self._last_letter < _BURST_SECONDS

    def _recall(self, back: int) -> None:
        self._recalled = back
        self.load_text(self._asked[-back] if back else "")
        self.move_cursor(self.document.end)
