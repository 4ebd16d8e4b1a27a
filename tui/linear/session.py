"""The session of linear mode: a numbered prompt, and what is typed there done to its end."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from assistant.exit_codes import ExitCode
from tui.commands import COMMANDS, PLACES, Command, parse_slash
from tui.filters import FILTERS
from tui.linear.choices import chosen, told_choices
from tui.linear.lines import Lines
from tui.linear.rooms import LINEAR, Room, run_command, typed_name
from tui.linear.typed import Typed

if TYPE_CHECKING:
    from assistant.clipboard import Sent
    from assistant.engine.protocol import Engine, Status
    from tui.linear.desk import Desk
    from tui.opening import Opened

__all__ = ["Session", "run"]

_QUIT_SECONDS = 3.0
"""How soon the second Ctrl+C has to follow the first."""
_WORDS = "Carrel, in plain lines. Type a question, or /help. Ctrl+C stops what runs; twice, or /quit, leaves."
_EMPTY = "Your library is empty: /add ~/papers adds a folder of papers."


class Session:
    """One person, one engine, one room after another."""

    def __init__(self, engine: Engine, lines: Lines, typed: Typed) -> None:
        """Begins at the desk, where questions are asked.

        Args:
            engine: Is closed when the session ends.
            lines: Where everything is told.
            typed: What the person types.
        """
        from tui.linear.desk import Desk

        self.engine = engine
        self.lines = lines
        self.typed = typed
        self.status: Status | None = None
        """What there is to ask, once the engine has said it."""
        self.desk: Desk = Desk(self)
        self._rooms: list[Room] = [self.desk]
        self._number = 0
        self._prompt = ""
        """What is waited for at present."""
        self._quitting = False
        self._work: asyncio.Task[None] | None = None
        self._interrupted = -_QUIT_SECONDS
        self._main: asyncio.Task[object] | None = None

    @property
    def room(self) -> Room:
        """Where the person is."""
        return self._rooms[-1]

    async def run(self, resume: str = "") -> int:
        """Returns the exit code once the person leaves, or nothing more comes.

        Args:
            resume: The past question to begin with, as `carrel history` names it; empty for none.
        """
        self._main = asyncio.current_task()
        try:
            self.lines.say(_WORDS)
            await self._finish(self._begin(resume))
            while not self._quitting and (line := await self._next_line()) is not None:
                await self._finish(self._do(line))
        except asyncio.CancelledError:
            self.lines.say("")
            return ExitCode.INTERRUPTED
        finally:
            await self._close()
        return ExitCode.DONE

    def interrupt(self) -> None:
        """Ctrl+C: stops what runs; else asks for a second one, which leaves."""
        now = time.monotonic()
        if now - self._interrupted < _QUIT_SECONDS:
            if self._main is not None:
                self._main.cancel()
            return
        self._interrupted = now
        self.lines.say("")
        if self._work is not None and not self._work.done():
            self._work.cancel()
        else:
            self.lines.say("Ctrl+C again leaves.")
            self.lines.prompt(self._prompt)

    def leave(self) -> None:
        """Ends the session with a signal's exit code."""
        if self._main is not None:
            self._main.cancel()

    # What rooms need.

    async def go_to(self, room: Room) -> None:
        """Enters a room; one of its kind that was entered before is left, with all behind it."""
        kinds = [type(each) for each in self._rooms]
        if type(room) in kinds:
            del self._rooms[kinds.index(type(room)) :]
        self._rooms.append(room)
        await room.enter()

    def go_to_desk(self) -> None:
        """Back to where questions are asked."""
        del self._rooms[1:]

    async def refresh_status(self) -> None:
        """Finds out what there is to ask."""
        self.status = await self.engine.status()
        self.lines.draw_with(self.status.glyphs)

    async def copy(self, text: str, what: str) -> None:
        """Puts a text where it can be pasted from, and says where that is."""
        from assistant.clipboard import send
        from assistant.paths import find_paths

        terminal = self._to_terminal if self.lines.out.isatty() else None
        sent: Sent = await send(text, file=find_paths().clipboard, terminal=terminal)
        self.lines.say(sent.said(what))

    async def tell_opened(self, opened: Opened) -> None:
        """Says what opening a paper came to, and copies its name where nothing could open it."""
        if opened.to_copy:
            await self.copy(opened.to_copy, f"{opened.said} Its name")
        else:
            self.lines.say(opened.said)

    async def choose(self, prompt: str, choices: tuple[str, ...], default: str) -> str:
        """Asks the person for one of several; whoever cannot be asked again takes the default."""
        self.lines.say_all(told_choices(prompt, choices, default))
        while True:
            line = await self.ask_for("Number")
            choice = default if line is None else chosen(line, choices, default)
            if choice is None and self.typed.is_person:
                self.lines.say(f"Type a number from 1 to {len(choices)}, or Enter for “{default}”.")
                continue
            return choice or default

    async def ask_for(self, what: str) -> str | None:
        """Asks the person for a line; `None` when nothing more comes."""
        return await self._prompted(f"{what}> ")

    # What can be done anywhere.

    async def do_help(self, argument: str) -> None:
        """Tells what can be typed here."""
        for place in self.room.places:
            self._tell_commands(PLACES[place], tuple(each for each in COMMANDS if each.place == place))
        self._tell_commands(PLACES["anywhere"], _ANYWHERE)
        if self.room is self.desk:
            self.lines.say("A number tells that piece of evidence. A line that ends with \\ goes on below.")
            self.lines.say("Filters, in a question and in the library's list:")
            self.lines.say_all(f"  {written}: {what}" for written, what in FILTERS)
        else:
            self.lines.say("A number opens that one; words narrow a list.")

    async def do_add(self, argument: str) -> None:
        """Adds a folder or a file; asks for one where none is named."""
        from tui.linear.adding import add, asked_for
        from tui.screens.add import typed_path

        path = typed_path(argument or await asked_for(self))
        if path is not None:
            await add(self, self.engine.add([str(path)]), str(path))

    async def do_library(self, argument: str) -> None:
        """Tells the papers."""
        from tui.linear.library import LibraryRoom

        await self.go_to(LibraryRoom(self, argument))

    async def do_history(self, argument: str) -> None:
        """Tells what was asked before."""
        from tui.linear.history import HistoryRoom

        await self.go_to(HistoryRoom(self, argument))

    async def do_settings(self, argument: str) -> None:
        """Tells the settings."""
        from tui.linear.settings import SettingsRoom

        await self.go_to(SettingsRoom(self, argument))

    def do_theme(self, argument: str) -> None:
        """Says that there is nothing to choose."""
        self.lines.say("Plain lines have no colours. `carrel` without --linear has.")

    def do_quit(self, argument: str) -> None:
        """Ends the session."""
        self._quitting = True

    async def do_ask(self, argument: str) -> None:
        """Asks from wherever the person is."""
        if argument:
            self.go_to_desk()
            await self.desk.take(argument)
        else:
            self.lines.say("Write the question behind /ask.")

    def do_back(self, argument: str) -> None:
        """Leaves the list or the page."""
        if len(self._rooms) > 1:
            self._rooms.pop()
        else:
            self.lines.say("There is nothing to go back to. /quit leaves.")

    async def do_more(self, argument: str) -> None:
        """Tells the next of the list."""
        await self.room.more()

    # The loop.

    async def _begin(self, resume: str) -> None:
        from tui.linear.desk import status_lines

        await self.refresh_status()
        assert self.status is not None
        self.lines.say_all(status_lines(self.status))
        if not any(each.documents for each in self.status.collections):
            self.lines.say(_EMPTY)
        if resume:
            await self.desk.go_on_with(resume)

    async def _next_line(self) -> str | None:
        self._number += 1
        return await self._prompted(f"{self.room.name} {self._number}> ".lstrip())

    async def _prompted(self, prompt: str) -> str | None:
        """What is read from a pipe is shown as a terminal would; a backslash at the end goes on below."""
        whole: list[str] = []
        while True:
            self._prompt = prompt
            self.lines.prompt(prompt)
            line = await self.typed.line()
            if line is None or not self.typed.is_person:
                self.lines.say(line or "")
            if line is None:
                return "\n".join(whole) if whole else None
            if not line.endswith("\\"):
                return "\n".join([*whole, line])
            whole.append(line[:-1])
            prompt = "... "

    async def _finish(self, work: Coroutine[None, None, None]) -> None:
        """Runs it so that Ctrl+C stops it alone; what goes wrong is told."""
        self._work = asyncio.create_task(work)
        try:
            await asyncio.wait([self._work])
        except asyncio.CancelledError:
            self._work.cancel()
            await asyncio.wait([self._work], timeout=1)
            raise
        if self._work.cancelled():
            return
        if (error := self._work.exception()) is None:
            return
        if not isinstance(error, Exception) or isinstance(error, BrokenPipeError):
            raise error
        self.lines.problem(error)

    async def _do(self, line: str) -> None:
        text = line.strip()
        if not text:
            return
        slash = parse_slash(text)
        if slash is None:
            await self.room.take(text)
            return
        name, argument = slash
        for command in self.room.commands():
            if name in (command.name, typed_name(command)):
                await run_command(self.room, command, argument)
                return
        for command in _ANYWHERE:
            if name == command.name:
                await run_command(self, command, argument)
                return
        self.lines.say(self._unknown(name))

    def _unknown(self, name: str) -> str:
        here = any(name in (command.name, typed_name(command)) for command in COMMANDS)
        why = "does not work here" if here else "is no command"
        return f"/{name} {why}; /help tells what is{', /back leaves' if self.room is not self.desk else ''}."

    def _tell_commands(self, heading: str, commands: tuple[Command, ...]) -> None:
        self.lines.say(f"{heading.partition(':')[0]}:")
        for command in commands:
            usage = f"/{typed_name(command)} {self.room.argument_of(command)}".rstrip()
            self.lines.say(f"  {usage}: {command.summary}")

    def _to_terminal(self, sequence: str) -> None:
        self.lines.out.write(sequence)
        self.lines.out.flush()

    async def _close(self) -> None:
        if self._work is not None:
            self._work.cancel()
        await self.engine.close()


_ANYWHERE = (*(each for each in COMMANDS if each.place == "anywhere"), *LINEAR)


def run(resume: str = "") -> int:
    """Runs linear mode with an engine in a worker process and returns the exit code.

    Args:
        resume: The past question to begin with, as `carrel history` names it; empty for none.
    """
    from assistant.engine.process import EngineProcess

    async def session() -> int:
        typed = Typed(sys.stdin.fileno(), encoding=sys.stdin.encoding or "utf-8")
        here = Session(EngineProcess(), Lines(sys.stdout), typed)
        _on_signal(signal.SIGINT, here.interrupt)
        _on_signal(signal.SIGTERM, here.leave)
        return await here.run(resume)

    return asyncio.run(session())


def _on_signal(number: int, act: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, act)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(act))
