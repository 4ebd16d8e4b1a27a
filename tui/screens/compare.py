"""Two answers beside each other: what only one says is marked, and papers that only one cites are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from assistant.events import Document
from assistant.past_question import PastAnswer
from tui.comparison import Sentence, compared
from tui.safe import shown_line
from tui.words import count_of

__all__ = ["CompareScreen"]


class CompareScreen(Screen[None]):
    """One under the other where the screen is narrow; Tab goes between them, Esc back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "Back", key_display="Esc", id="leave_comparison"),
        Binding("tab,left,right", "app.focus_next", "Other side", id="other_side"),
    ]

    def __init__(self, first: PastAnswer, second: PastAnswer) -> None:
        """Takes two questions that were answered."""
        super().__init__()
        assert first.answer is not None
        assert second.answer is not None
        self._first, self._second = first, second
        self._comparison = compared(first.answer, second.answer)

    def compose(self) -> ComposeResult:
        """What both cite, then the answers."""
        found = self._comparison
        yield Static("Two answers", markup=False, classes="screen-title")
        same = sum(sentence.in_both for sentence in found.first)
        both = f"both cite {count_of(len(found.both_cite), 'paper')}{_named(found.both_cite)}"
        yield Static(
            f"{count_of(same, 'sentence')} in the same words · {both}", markup=False, classes="list-remark"
        )
        with Container(id="sides"):
            yield _side(self._first, found.first, found.only_first_cites)
            yield _side(self._second, found.second, found.only_second_cites)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The first answer scrolls by key."""
        self.query(VerticalScroll).first().focus()


def _side(past: PastAnswer, sentences: Sequence[Sentence], alone: Sequence[Document]) -> VerticalScroll:
    answer = past.answer
    assert answer is not None
    again = f" (again: {past.question.again})" if past.question.again else ""
    heading = Content.styled(shown_line(past.question.text + again, 300), "bold $primary")
    author = Content.styled(
        f"{shown_line(answer.author, 60)} · {shown_line(past.question.asked, 16)}", "$secondary"
    )
    lines = [
        Content.styled(each.text, "$secondary")
        if each.in_both
        else Content.assemble(("▎", "$accent"), each.text)
        for each in sentences
    ]
    cites = Content.styled(
        f"Only this one cites {count_of(len(alone), 'paper')}{_named(alone)}", "$secondary"
    )
    text = Content("\n\n").join([Content("\n").join([heading, author]), *lines, cites])
    return VerticalScroll(Static(text, markup=False), classes="side")


def _named(papers: Sequence[Document]) -> str:
    return f": {'; '.join(shown_line(paper.title, 60) for paper in papers)}" if papers else ""
