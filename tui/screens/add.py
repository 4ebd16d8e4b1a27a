"""Where papers are added: a path, then how it goes, file by file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from assistant.events import SOURCES, ZOTERO
from tui.adding import Adding
from tui.safe import shown_line
from tui.widgets.adding import AddingProgress
from tui.widgets.line_box import LineBox

if TYPE_CHECKING:
    from tui.app import CarrelApp

__all__ = ["AddScreen", "typed_path"]


class AddScreen(ModalScreen[None]):
    """Closing it leaves the adding running."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Close", id="close_add"),
    ]

    def __init__(self, adding: Adding | None, path: str = "") -> None:
        """Shows what runs or ran last.

        Args:
            adding: What is being added, or was last.
            path: What to add at once; empty waits for the person to type it.
        """
        super().__init__()
        self._adding = adding
        self._path = path

    def compose(self) -> ComposeResult:
        """The path, what is wrong with it, and how it goes."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Esc closes"
            yield Static("Add papers", markup=False, classes="dialog-title")
            yield LineBox(
                self._path, placeholder="A folder or a file, such as ~/papers", id="path", compact=True
            )
            yield Static(
                f"{SOURCES}. Enter adds.",
                markup=False,
                id="path-remark",
            )
            yield AddingProgress()
            yield Button("Stop adding", id="stop", compact=True)

    async def on_mount(self) -> None:
        """Goes on with what runs, or begins with the path it was given."""
        self._show(self._adding)
        self.query_one(Input).focus()
        if self._path:
            self._add(self._path)

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """Adds what was typed."""
        self._add(event.value)

    @on(Button.Pressed, "#stop")
    def stop(self) -> None:
        """Stops; what was added stays."""
        self.app.stop_adding()

    def _add(self, typed: str) -> None:
        path = typed_path(typed)
        if path is None:
            self._remark("Type the path of a folder or a file.")
        elif str(path) != ZOTERO and not _stands(path):
            self._remark(f"No such file or folder: {shown_line(str(path))}", error=True)
        elif self._adding is not None and self._adding.running:
            self._remark("Papers are being added already; wait until that is done, or stop it.", error=True)
        else:
            self._remark(f"Adding {shown_line(str(path))}. Close this and ask meanwhile.")
            self._show(self.app.start_adding(path))

    def _show(self, adding: Adding | None) -> None:
        self._adding = adding
        self.query_one(AddingProgress).follow(adding)

    def _remark(self, sentence: str, *, error: bool = False) -> None:
        remark = self.query_one("#path-remark", Static)
        remark.set_class(error, "error")
        remark.update(sentence)

    @on(AddingProgress.RunningChanged)
    def offer_stop(self, event: AddingProgress.RunningChanged) -> None:
        """Stopping is offered while something runs."""
        self.query_one("#stop").display = event.running


def typed_path(typed: str) -> Path | None:
    """Returns the path a person meant: `~` expanded, a terminal's quotes and backslashes undone."""
    text = typed.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    if not text:
        return None
    if text == ZOTERO:
        return Path(ZOTERO)
    path = _expanded(text)
    if not _stands(path) and "\\ " in text:
        path = _expanded(text.replace("\\ ", " "))
    return path.absolute()


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody's home is called that
        return Path(text)


def _stands(path: Path) -> bool:
    """Whether there is such a file or folder; a name that cannot be one, such as a very long one, is not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
