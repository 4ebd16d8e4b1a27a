"""A running app under its pilot, with a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension
from textual.pilot import Pilot
from textual.widget import Widget

from assistant.engine.protocol import Engine
from tui.app import CarrelApp
from tui.screens.ask import AskScreen
from tui.widgets.question_box import QuestionBox
from tui.widgets.turn import Turn

_PATIENCE_SECONDS = 10.0

# The plugin names this attribute as older versions of syrupy did.
SVGImageExtension.file_extension = "svg"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """What a person at the terminal does and sees."""

    def __init__(self, app: CarrelApp, pilot: Pilot[None], clock: Clock) -> None:
        self.app = app
        self.pilot = pilot
        self.clock = clock

    async def until(self, happened: Callable[[], Any]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not happened():
                    await self.pilot.pause(0.01)
        except TimeoutError:
            raise AssertionError(f"It never happened. The screen:\n{self.text}") from None
        await self.pilot.pause()

    async def sees(self, *words: str) -> None:
        await self.until(lambda: all(word in self.text for word in words))

    async def type(self, text: str) -> None:
        self.app.query_one(QuestionBox).insert(text)

    async def ask(self, text: str = "Why?") -> None:
        await self.type(text)
        await self.pilot.press("enter")

    async def answered(self) -> Turn:
        await self.until(lambda: self.turns and self.turns[-1].answer is not None)
        return self.turns[-1]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def turns(self) -> list[Turn]:
        return list(self.ask_screen.query(Turn))

    @property
    def ask_screen(self) -> AskScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, AskScreen)
        return screen

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(
            "".join(segment.text for segment in strip).rstrip()
            for strip in self.app.screen._compositor.render_strips()
        )

    def shows(self, kind: type[Widget]) -> bool:
        return any(widget.display for widget in self.app.screen.query(kind))


@pytest.fixture
def sit_down() -> Callable[..., Any]:
    """Opens the app over an engine: `async with sit_down(engine) as desk`."""

    @asynccontextmanager
    async def running(engine: Engine, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Desk]:
        clock = Clock()
        app = CarrelApp(lambda: engine, clock=clock)
        async with app.run_test(size=size, notifications=True) as pilot:
            await app.ready()
            yield Desk(app, pilot, clock)

    return running
