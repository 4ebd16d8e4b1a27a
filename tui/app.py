"""The terminal app: holds the engine, the themes, the commands and what runs in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import constants
from textual.actions import SkipAction
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import TextArea
from textual.worker import Worker

from assistant.garbage import collect_seldom
from tui.commands import COMMANDS, spelled
from tui.copying import CopyingApp
from tui.going_on import GoingOn
from tui.screens.ask import AskScreen
from tui.theme import DARK, THEMES, wanted_theme

if TYPE_CHECKING:
    from assistant.engine.protocol import Engine, Status
    from assistant.events import Answer
    from tui.adding import Adding

__all__ = ["CarrelApp", "run"]

_LATER = (
    "assistant.failures",
    "tui.screens.add",
    "tui.screens.confirm",
    "tui.screens.help",
    "tui.screens.history",
    "tui.screens.library",
    "tui.screens.passage",
    "tui.screens.settings",
    "tui.stream",
    "tui.widgets.turn",
)
"""What the first frame does without; imported in a thread while the person begins to type."""
_LATER_CSS = Path(__file__).with_name("later.tcss")
_QUIT_SECONDS = 3.0
"""How soon the second Ctrl+C has to follow the first."""


class CarrelApp(CopyingApp, inherit_bindings=False):
    """Shows what an engine does.

    Textual's own Ctrl+Q is not taken over: terminals and multiplexers use it.
    """

    TITLE = "Carrel"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    COMMAND_PALETTE_DISPLAY = "^p"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-medium"), (120, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True, id="interrupt"),
        Binding("ctrl+p", "command_palette", "Commands", show=False, priority=True, id="palette"),
    ]

    def __init__(
        self,
        open_engine: Callable[[], Engine],
        *,
        clock: Callable[[], float] = time.monotonic,
        resume: str = "",
    ) -> None:
        """Prepares; nothing is opened before the first frame is painted.

        Args:
            open_engine: Gives the engine; called once, after the first frame.
            clock: Gives seconds; only differences matter.
            resume: The past question to begin with, as `carrel history` names it; empty for none.
        """
        super().__init__()
        collect_seldom()
        self._open_engine = open_engine
        self.clock = clock
        self._engine: Engine | None = None
        self._opened = asyncio.Event()
        self.ask_screen = AskScreen()
        """Where questions are asked; everything else lies over it."""
        self.going_on = GoingOn(self)
        self._resume = resume
        self._adding: Adding | None = None
        self._adding_worker: Worker[None] | None = None
        self._interrupted = -_QUIT_SECONDS
        self._keeps_history = True
        self.pdf_viewer = ""
        """The person's own viewer, as in `zathura -P {page} {file}`; empty takes the first that is there."""
        for theme in THEMES:
            self.register_theme(theme)
        if constants.DEFAULT_THEME == "textual-dark":
            self.theme = DARK.name

    def get_default_screen(self) -> Screen[None]:
        """Asking is what the app opens with."""
        return self.ask_screen

    def on_mount(self) -> None:
        """Leaves the rest until there is something to look at."""
        self.call_after_refresh(self._open_in_background)

    def push_screen(self, *screen: Any, **more: Any) -> Any:
        """Shows a screen over what is there, be it before the looks of all screens were read."""
        self._read_later_css()
        return super().push_screen(*screen, **more)

    async def on_unmount(self) -> None:
        """Ends the engine."""
        if self._engine is not None:
            await self._engine.close()

    @property
    def engine(self) -> Engine:
        """The engine; there is one once `ready` has returned."""
        assert self._engine is not None, "await ready() first"
        return self._engine

    async def ready(self) -> None:
        """Returns when the engine can be asked and what shows its answers is imported."""
        await self._opened.wait()

    def rate(self, answer: Answer, helped: bool | None) -> None:
        """Notes in the history whether an answer helped."""
        self.run_worker(self._rate(answer, helped), group="rate", exit_on_error=False)

    async def _rate(self, answer: Answer, helped: bool | None) -> None:
        from assistant.engine.errands import Rate
        from assistant.failures import failed_of

        said = {True: "It helped", False: "It did not help", None: "Taken back"}[helped]
        try:
            rate = Rate(run=answer.run, question_id=answer.question_id, helped=helped)
            kept = answer.run and (await self.engine.run(rate)).kept
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            self.toast(f"{failed.message} {failed.hint}", error=True)
        else:
            self.toast(f"{said}: noted." if kept else "The history does not have this question.")

    def refresh_status(self) -> None:
        """Asks the engine what there is to ask."""
        self.run_worker(self._refresh_status(), group="status", exclusive=True, exit_on_error=False)

    # Adding papers.

    def start_adding(self, path: Path) -> Adding:
        """Adds a file or a folder in the background and returns what is known of it, kept up to date."""
        from tui.adding import Adding

        self._adding = adding = Adding(str(path), clock=self.clock)
        self._adding_worker = self.run_worker(self._add(adding), group="add", exit_on_error=False)
        return adding

    def start_retrying(self, paths: Sequence[str] = ()) -> bool:
        """Reads failed files again in the background, all or those named; `False` while papers are added."""
        from tui.adding import Adding

        if self._adding is not None and self._adding.running:
            return False
        what = paths[0] if len(paths) == 1 else "what failed"
        self._adding = adding = Adding(what, again=tuple(paths), clock=self.clock)
        self._adding_worker = self.run_worker(self._add(adding), group="add", exit_on_error=False)
        return True

    def stop_adding(self) -> None:
        """Stops adding; what was committed stays."""
        if self._adding_worker is not None:
            self._adding_worker.cancel()

    async def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tells in the transcript how adding has ended."""
        if event.worker is not self._adding_worker or not event.worker.is_finished or self._adding is None:
            return
        if event.worker.is_cancelled:
            self._adding.stop()
        failures = ["F3 lists what failed, and why."] if self._adding.failures else []
        await self.ask_screen.desk.tell(self._adding.ending, hint="\n".join([*self._adding.notes, *failures]))
        self.refresh_status()
        from tui.screens.library import LibraryScreen

        for screen in self.screen_stack:
            if isinstance(screen, LibraryScreen):
                screen.refresh_all()

    async def _add(self, adding: Adding) -> None:
        from assistant.failures import failed_of
        from tui.stream import listening

        await self.ask_screen.follow(adding)
        try:
            engine = self.engine
            adds = engine.add([adding.path]) if adding.again is None else engine.retry(adding.again)
            async with listening(adds) as events:
                async for event in events:
                    adding.apply(event)
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            adding.fail(f"{failed.message} {failed.hint}".strip())
        else:
            adding.end()

    # Commands.

    def get_key_display(self, binding: Binding) -> str:
        """Spells keys as the help does, also those that the person has chosen."""
        return binding.key_display or spelled(binding.key)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette offers what can be done on the screen, and anywhere."""
        for command in COMMANDS:
            action = command.action
            here = action.startswith("app.") or hasattr(screen, f"action_{action.partition('(')[0]}")
            if here and screen.check_action(action.partition("(")[0], ()) is not False:
                run = partial(self.run_action, action, screen)
                yield SystemCommand(command.label, command.summary, run)

    async def action_help(self) -> None:
        """Shows the keys and the commands."""
        from tui.screens.help import HelpScreen

        await self.push_screen(HelpScreen())

    async def action_add(self, path: str = "") -> None:
        """Opens the dialog for adding papers; begins at once when there is a path."""
        await self.ready()
        from tui.screens.add import AddScreen

        await self.push_screen(AddScreen(self._adding, path))

    async def action_library(self, text: str = "") -> None:
        """Shows the papers, those that fit `text`."""
        from tui.screens.library import LibraryScreen

        await self._go_to(LibraryScreen(text))

    async def action_history(self, text: str = "") -> None:
        """Shows what was asked before, what has the words of `text`."""
        from tui.screens.history import HistoryScreen

        await self._go_to(HistoryScreen(text))

    async def action_settings(self, text: str = "") -> None:
        """Shows the settings, those that have the words of `text`."""
        from tui.screens.settings import SettingsScreen

        await self._go_to(SettingsScreen(text))

    def restart_engine(self) -> bool:
        """Starts the engine anew, for it reads the settings then; `False` while it is at work."""
        if self.ask_screen.is_answering or (self._adding is not None and self._adding.running):
            return False
        self.run_worker(self._restart_engine(), group="restart", exclusive=True, exit_on_error=False)
        return True

    async def _restart_engine(self) -> None:
        await self.engine.close()
        await self._refresh_status()

    async def go_back(self) -> None:
        """Closes what lies over the question."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    async def _go_to(self, screen: Screen[None]) -> None:
        """Shows a screen over the question; one of its kind that is open already is closed first."""
        await self.go_back()
        await self.push_screen(screen)

    def action_interrupt(self) -> None:
        """Ctrl+C: copies what is selected; else asks for a second one, which quits."""
        if self._has_selection():
            raise SkipAction
        now = self.clock()
        if now - self._interrupted < _QUIT_SECONDS:
            self.exit()
            return
        self._interrupted = now
        self.toast("Press Ctrl+C again to quit.")

    def _has_selection(self) -> bool:
        focused = self.focused
        if isinstance(focused, TextArea) and focused.selected_text:
            return True
        return bool(self.screen.get_selected_text())

    async def _close_all(self) -> None:
        """A part of an answer that was on its way out when the app is left does not make leaving an error."""
        try:
            await super()._close_all()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise

    # Crashing. Textual would print every variable of every function it came through: texts, and keys.

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        if self._exception is None:
            super()._print_error_renderables()
            return
        from tui.crash import told

        self._exit_renderables.clear()
        kept = self.ask_screen.has_asked and self._keeps_history
        self.error_console.print(told(self._exception, kept=kept), soft_wrap=True)

    # Starting.

    def _read_later_css(self) -> None:
        if not self.stylesheet.has_source(str(_LATER_CSS)):
            self.stylesheet.read(_LATER_CSS)
            self.stylesheet.parse()
            self.stylesheet.update(self)

    def _open_in_background(self) -> None:
        self._read_later_css()
        self.run_worker(self._open(), group="open")

    async def _open(self) -> None:
        await asyncio.to_thread(_import, _LATER)
        try:
            self._engine = self._open_engine()
        except Exception as error:  # noqa: BLE001 - an outer door: without an engine the app ends with a sentence
            self._end_without_engine(error)
            return
        self._opened.set()
        await self._refresh_status()
        if self._resume:
            await self.going_on.begin(self._resume)

    def _end_without_engine(self, error: Exception) -> None:
        from assistant.failures import failed_of
        from tui.safe import shown

        failed = failed_of(error)
        message = Text(shown(f"{failed.message}\n{failed.hint}".strip()))
        self.exit(return_code=failed.exit_code, message=message)

    async def _refresh_status(self) -> None:
        from assistant.failures import failed_of

        try:
            status = await self.engine.status()
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            self.ask_screen.show_problem(f"{failed.message} {failed.hint}")
        else:
            self.ask_screen.show_status(status)
            self._follow(status)

    def _follow(self, status: Status) -> None:
        """Takes over what the settings say of the app itself."""
        self.pdf_viewer, self._keeps_history = status.pdf_viewer, status.keeps_history
        names = {command.name for command in COMMANDS if command.key}
        if unknown := [name for name in status.keys if name not in names]:
            self.toast(f"app.keys names no command: {', '.join(unknown)}. F1 lists them.", error=True)
        self.set_keymap({name: key for name, key in status.keys.items() if name in names and key})
        self.draw_with(status.glyphs, still=status.motion == "reduced")
        if status.theme in self.available_themes:
            self.theme = status.theme
        elif status.theme:
            self.toast(f"app.theme: there are no colours {status.theme!r}; /theme lists them.", error=True)


def run(resume: str = "") -> int:
    """Runs the app with an engine in a worker process and returns the exit code.

    Args:
        resume: The past question to begin with, as `carrel history` names it; empty for none.
    """
    app = CarrelApp(_engine_process, resume=resume)
    if (theme := wanted_theme()) in app.available_themes:
        app.theme = theme
    app.run()
    return app.return_code or 0


def _engine_process() -> Engine:
    from assistant.engine.process import EngineProcess

    return EngineProcess()


def _import(modules: tuple[str, ...]) -> None:
    for module in modules:
        import_module(module)
