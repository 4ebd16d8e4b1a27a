"""How adding papers goes: one line over the question box, and all of it in the dialog."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import ProgressBar, Static

from tui.adding import Adding
from tui.words import FAILED, count_of

__all__ = ["AddingLine", "AddingProgress"]

_REDRAW_SECONDS = 0.2
"""Both look at the same `Adding` this often; thousands of files do not mean thousands of redraws."""


class AddingLine(Static):
    """Stands over the question box until the adding is over."""

    def __init__(self, adding: Adding) -> None:
        super().__init__("", markup=False)
        self._adding = adding

    def on_mount(self) -> None:
        """Looks now and then."""
        self.set_interval(_REDRAW_SECONDS, self._draw)
        self._draw()

    def _draw(self) -> None:
        if self._adding.running:
            self.update(f"Adding papers: {self._adding.sentence()} · F3 shows more")
        else:
            self.remove()


class AddingProgress(Vertical):
    """A bar, the counts, the current file and every failure with its reason."""

    class RunningChanged(Message):
        """The adding has begun or is over."""

        def __init__(self, running: bool) -> None:
            super().__init__()
            self.running = running

    def __init__(self) -> None:
        super().__init__()
        self._adding: Adding | None = None
        self._was_running: bool | None = None
        self._failures_shown = 0

    def compose(self) -> ComposeResult:
        """From the whole to the details."""
        yield Static("", markup=False, id="adding-sentence")
        yield ProgressBar(show_eta=False, id="adding-bar")
        yield Static("", markup=False, id="adding-file")
        with VerticalScroll(id="adding-failures"):
            yield Static("", markup=False, id="adding-failure-list")

    def on_mount(self) -> None:
        """Looks now and then."""
        self.set_interval(_REDRAW_SECONDS, self._draw)

    def follow(self, adding: Adding | None) -> None:
        """Shows how `adding` goes from now on."""
        self._adding = adding
        self._was_running = None
        self._failures_shown = -1
        self._draw()

    def _draw(self) -> None:
        adding = self._adding
        self.display = adding is not None
        self._tell_running(adding is not None and adding.running)
        if adding is None:
            return
        self.query_one("#adding-sentence", Static).update(adding.sentence())
        bar = self.query_one("#adding-bar", ProgressBar)
        bar.display = adding.running
        fraction = adding.fraction
        bar.update(total=None if fraction is None else 1.0, progress=fraction or 0.0)
        self.query_one("#adding-file", Static).update(adding.current if adding.running else "")
        self._draw_failures(adding)

    def _draw_failures(self, adding: Adding) -> None:
        if len(adding.failures) == self._failures_shown:
            return
        self._failures_shown = len(adding.failures)
        self.query_one("#adding-failures").display = bool(adding.failures)
        lines = [
            Content.assemble((f"{FAILED} ", "$error"), failure.path, (f": {failure.reason}", "$secondary"))
            for failure in adding.failures
        ]
        heading = Content.styled(f"{count_of(len(lines), 'file')} failed", "bold")
        self.query_one("#adding-failure-list", Static).update(Content("\n").join([heading, *lines]))

    def _tell_running(self, running: bool) -> None:
        if running != self._was_running:
            self._was_running = running
            self.post_message(self.RunningChanged(running))
