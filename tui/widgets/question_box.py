"""Where the question is typed: Enter sends, Ctrl+J breaks the line, Up brings back what was asked."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

__all__ = ["QuestionBox"]


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

    def action_send(self) -> None:
        """Sends the text; an empty box sends nothing."""
        text = self.text.strip()
        if not text:
            return
        self._asked.append(text)
        self._recalled = 0
        self.clear()
        self.post_message(self.Sent(text))

    def action_newline(self) -> None:
        """Breaks the line at the cursor."""
        self.insert("\n")

    def action_cursor_up(self, select: bool = False) -> None:
        """Moves up; from the first line, back to what was asked before."""
        if select or not self.cursor_at_first_line or self._recalled >= len(self._asked):
            super().action_cursor_up(select)
        elif self._recalled or not self.text:
            self._recall(self._recalled + 1)

    def action_cursor_down(self, select: bool = False) -> None:
        """Moves down; from the last line, forward to what was asked later."""
        if select or not self.cursor_at_last_line or not self._recalled:
            super().action_cursor_down(select)
        else:
            self._recall(self._recalled - 1)

    async def _on_key(self, event: events.Key) -> None:
        """Sends in the order of typing: a binding with priority would overtake letters that still wait."""
        if event.is_printable and event.key != "enter":
            return
        active = self.screen.active_bindings.get(event.key)
        if active is not None and active.binding.action == "send":
            event.stop()
            event.prevent_default()
            self.action_send()

    def put_back(self, text: str) -> None:
        """Returns a text that could not be sent now, unless something new has been typed."""
        if not self.text:
            self.load_text(text)
            self.move_cursor(self.document.end)

    async def _on_paste(self, event: events.Paste) -> None:
        from tui.safe import shown

        event.text = shown(event.text)
        await super()._on_paste(event)

    def _recall(self, back: int) -> None:
        self._recalled = back
        self.load_text(self._asked[-back] if back else "")
        self.move_cursor(self.document.end)
