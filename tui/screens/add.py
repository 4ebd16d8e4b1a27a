"""Where papers are added: a path, then how it goes, file by file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from assistant.engine.errands import FindPlaces, LookOver, Place
from assistant.events import SOURCES, ZOTERO
from assistant.failures import failed_of
from tui.adding import Adding
from tui.safe import shown_line
from tui.sturdy import Options
from tui.widgets.adding import AddingProgress
from tui.widgets.line_box import LineBox
from tui.widgets.preview import Preview
from tui.words import count_of

if TYPE_CHECKING:
    from tui.app import CarrelApp

__all__ = ["AddScreen", "typed_path"]

_WELCOME = """\
Carrel answers questions from the papers on your disk. Every citation opens the page it is from; nothing \
leaves this machine unless you allow it, and no model is needed to begin.

Pick where your papers are, see what would be read, and ask while they are being added."""


class AddScreen(ModalScreen[None]):
    """Closing it leaves the adding running; nothing is read before it was shown what that is."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Close", id="close_add"),
    ]

    def __init__(self, adding: Adding | None, path: str = "", *, welcome: bool = False) -> None:
        """Shows what runs or ran last.

        Args:
            adding: What is being added, or was last.
            path: What to add at once; empty waits for the person to type it.
            welcome: Whether it is the first thing that a person sees of Carrel.
        """
        super().__init__()
        self._adding = adding
        self._path = path
        self._welcome = welcome
        self._seen: Path | None = None
        """What was looked over last: Enter adds it."""

    def compose(self) -> ComposeResult:
        """The places, the path, what is wrong with it or lies there, and how it goes."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Esc closes"
            title = "Welcome to Carrel" if self._welcome else "Add papers"
            yield Static(title, markup=False, classes="dialog-title")
            if self._welcome:
                yield Static(_WELCOME, markup=False, classes="prompt", id="welcome")
            yield Options(id="places", markup=False, compact=True)
            yield LineBox(
                self._path, placeholder="A folder or a file, such as ~/papers", id="path", compact=True
            )
            yield Static(f"{SOURCES}. Enter shows what is there.", markup=False, id="path-remark")
            yield Preview()
            yield AddingProgress()
            yield Button("Stop adding", id="stop", compact=True)

    async def on_mount(self) -> None:
        """Goes on with what runs, or begins with the path it was given."""
        self._show(self._adding)
        self.query_one("#places").display = False
        self.query_one(Input).focus()
        if self._path:
            self._add_typed(self._path)
        elif self._adding is None or not self._adding.running:
            self._offer_places()

    @on(Input.Changed)
    def forget(self, event: Input.Changed) -> None:
        """Another path has to be looked at first."""
        if self._seen is not None and self._seen != typed_path(event.value):
            self._seen = None
            self.query_one(Preview).clear()
            self._make_room(False)

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """Looks at what was typed; what was looked at already is added."""
        path = typed_path(event.value)
        if path is not None and path == self._seen:
            self._add(path)
        elif self._may_be_added(path):
            assert path is not None
            self._look_over(path)

    @on(OptionList.OptionSelected, "#places")
    def take_place(self, event: OptionList.OptionSelected) -> None:
        """A place that was picked is looked at; Enter in the box then adds it."""
        box = self.query_one(Input)
        box.value = str(event.option.id)
        box.focus()
        self._look_over(Path(box.value))

    @on(Button.Pressed, "#stop")
    def stop(self) -> None:
        """Stops; what was added stays."""
        self.app.stop_adding()

    @work(exclusive=True, group="look", exit_on_error=False, description="look")
    async def _look_over(self, path: Path) -> None:
        self._remark(f"Looking at {shown_line(str(path))}…")
        try:
            found = await self.app.engine.run(LookOver(path=str(path)))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            self._remark(f"{failed.message} {failed.hint}".strip(), error=True)
            return
        self.query_one(Preview).show(found.survey)
        self._make_room(True)
        if found.survey.files:
            self._seen = path
            self._remark("Enter adds it; nothing of it has been read yet. Or type another path.")
        else:
            self._remark(f"There is nothing to read in {shown_line(str(path))}.", error=True)

    @work(exclusive=True, group="places", exit_on_error=False, description="places")
    async def _offer_places(self) -> None:
        try:
            found = await self.app.engine.run(FindPlaces())
        except Exception:  # noqa: BLE001 - a path can be typed all the same, and then whatever is wrong is told
            return
        names = self.query_one("#places", OptionList)
        names.add_options([Option(_place(place), id=place.path) for place in found.places])
        names.display = bool(found.places)
        if found.places and self._welcome and not self.query_one(Input).value:
            names.highlighted = 0
            names.focus()

    def _make_room(self, wanted: bool) -> None:
        """Hides what has been read and picked from, so that a small screen has room for what lies there."""
        for welcome in self.query("#welcome"):
            welcome.display = not wanted
        places = self.query_one("#places", OptionList)
        places.display = not wanted and places.option_count > 0

    def _may_be_added(self, path: Path | None) -> bool:
        if path is None:
            self._remark("Type the path of a folder or a file.")
        elif str(path) != ZOTERO and not _stands(path):
            self._remark(f"No such file or folder: {shown_line(str(path))}", error=True)
        elif self._adding is not None and self._adding.running:
            self._remark("Papers are being added already; wait until that is done, or stop it.", error=True)
        else:
            return True
        return False

    def _add_typed(self, typed: str) -> None:
        path = typed_path(typed)
        if self._may_be_added(path):
            assert path is not None
            self._add(path)

    def _add(self, path: Path) -> None:
        if not self._may_be_added(path):
            return
        self._seen = None
        self.query_one(Preview).clear()
        self._remark(f"Adding {shown_line(str(path))}. Close this and ask meanwhile.")
        self._show(self.app.start_adding(path))
        if self._welcome:
            self.app.pop_screen()

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


def _place(place: Place) -> str:
    return f"{shown_line(place.path, 60)} · {count_of(place.files, 'file')} that can be read"


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
