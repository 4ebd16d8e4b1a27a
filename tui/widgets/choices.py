"""A line of choices, one of them chosen: the collections of a library, the groups of the settings."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.safe import shown_line

__all__ = ["Choices"]

_LONGEST = 30
_GAP = 3


class Choices(Static):
    """Shows as many choices as there is room for, the chosen one always among them."""

    class Chosen(Message):
        """Another one is chosen; its place in the list, from 0."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self._labels: list[str] = []
        self._first = 0
        """The first choice that is shown; those before it did not fit."""
        self.chosen = 0

    def offer(self, labels: Sequence[str], *, chosen: int) -> None:
        """Shows these choices.

        Args:
            labels: Foreign text is made safe here.
            chosen: The place of the one that is chosen.
        """
        self._labels = [shown_line(label, _LONGEST) for label in labels]
        self.chosen = min(max(chosen, 0), max(len(labels) - 1, 0))
        self._draw()

    def choose(self, index: int) -> None:
        """Chooses another one, round and round."""
        if self._labels:
            self.chosen = index % len(self._labels)
            self._draw()
            self.post_message(self.Chosen(self.chosen))

    def on_resize(self) -> None:
        """Shows as many as there is room for."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Chooses what was clicked."""
        x = event.get_content_offset_capture(self).x
        for index, (start, end) in self._spans().items():
            if start <= x < end:
                self.choose(index)
                return

    def _spans(self) -> dict[int, tuple[int, int]]:
        """Where each shown choice stands, in cells; the last one may be cut."""
        spans: dict[int, tuple[int, int]] = {}
        x = 0
        for index in range(self._first, len(self._labels)):
            width = cell_len(self._labels[index]) + 2
            spans[index] = (x, x + width)
            x += width + _GAP - 2
        return spans

    def _draw(self) -> None:
        width = self.content_size.width
        self._first = min(self._first, self.chosen)
        while width and self._first < self.chosen and self._spans()[self.chosen][1] > width:
            self._first += 1
        parts = [
            Content.styled(
                f" {self._labels[index]} ", "bold reverse $primary" if index == self.chosen else ""
            )
            for index in self._spans()
        ]
        self.update(Content(" " * (_GAP - 2)).join(parts))
