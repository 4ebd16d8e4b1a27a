"""Random keys, pastes, clicks and resizes while answers stream: 10,000 events, and the app is still there."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from textual import events
from textual.pilot import Pilot

from assistant.events import AskEvent, Token
from benchmarks.measure import Report, Target, upper_bound
from tests.tui.setting_rows import Configurable
from tests.tui.shelves import Shelves
from tui.app import CarrelApp
from tui.example import example_events

SEED = 1
EVENTS = 10_000
TOGETHER = 25
"""Events that are sent before the app is given the time to take them in."""
TOKEN_SECONDS = 0.002
SIZES = ((60, 20), (80, 24), (120, 36), (160, 48), (40, 12), (200, 60), (20, 5))
KEYS = (
    *("up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "shift+tab"),
    *("enter", "escape", "enter", "escape", "ctrl+j", "ctrl+p", "backspace", "delete", "space", "ctrl+z"),
    *("f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "ctrl+o"),
    *"abcdeghjklmnoprstwxyz0123456789[]/?+-@#:\"'",
)
PASTES = (
    "Why?",
    "two\nlines",
    "[/bold] [1] \x1b]52;c;AAAA\x07 \u202e",
    "@jitter",
    "author:ng",
    "10.1000/jitter",
    "/tmp",
    "A line of a paper.\n" * 60,
    "論文 👩‍🔬 e\u0301",
    "/history jitter",
    "/nonsense",
)


@dataclass
class Pressed:
    """What came of it."""

    crashes: list[str] = field(default_factory=list)
    """Each error that ended an app."""
    screens: Counter[str] = field(default_factory=Counter)
    """Name of a screen to how often it was uppermost when the app had taken everything in."""
    seconds: float = 0.0


def run() -> Report:
    """Press, paste, click and resize, in an app over a scripted library, history and settings."""
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "VISUAL", "EDITOR"):
        os.environ.pop(variable, None)  # nothing is to be opened in another program
    pressed = asyncio.run(press(EVENTS, seed=SEED))
    for crash in pressed.crashes:
        print(crash, flush=True)
    return Report(
        benchmark="app_keys",
        claim="whatever is pressed, pasted or clicked while answers stream, the app stays",
        targets=(
            Target("events after which the app was gone", len(pressed.crashes), "==", 0),
            Target("kinds of screens that were reached", len(pressed.screens), ">=", 10),
        ),
        repeats=1,
        numbers={
            "events": EVENTS,
            "events_per_second": EVENTS / pressed.seconds,
            "share_at_most": upper_bound(len(pressed.crashes), EVENTS),
            "screens": dict(pressed.screens.most_common()),
            "seed": SEED,
        },
    )


async def press(count: int, *, seed: int) -> Pressed:
    """Sends random events; an app that has ended, by a command or an error, is opened again.

    Args:
        count: How many events.
        seed: The same events for the same seed, though not at the same moments of the stream.
    """
    chance = random.Random(seed)
    pressed = Pressed()
    began = time.perf_counter()
    left = count
    while left > 0:
        app = CarrelApp(_engine)
        try:
            async with app.run_test(size=SIZES[1]) as pilot:
                await app.ready()
                while left > 0 and app.is_running:
                    together = min(TOGETHER, left)
                    left -= together
                    for _ in range(together):
                        await _send(pilot, chance)
                    await asyncio.sleep(0)
                    await pilot.pause()
                    if app.is_running:
                        pressed.screens[type(app.screen).__name__] += 1
        except asyncio.CancelledError:  # a pilot's way to leave an app that has quit by a command
            if app.return_code != 0:
                pressed.crashes.append("the app was cancelled, and nothing had quit it")
        except Exception as error:  # noqa: BLE001 - what is counted
            pressed.crashes.append(f"{type(error).__name__}: {error}")
    pressed.seconds = time.perf_counter() - began
    return pressed


async def _send(pilot: Pilot[Any], chance: random.Random) -> None:
    """One event as a terminal's driver sends it, none of them waited for but a new size."""
    app, kind = pilot.app, chance.random()
    if kind < 0.005:
        await pilot.resize_terminal(*chance.choice(SIZES))
    elif kind < 0.02:
        app.post_message(events.Paste(chance.choice(PASTES)))
    elif kind < 0.12:
        _click(pilot, chance)
    else:
        key = chance.choice(KEYS)
        app.simulate_key(key)


def _click(pilot: Pilot[Any], chance: random.Random) -> None:
    width, height = pilot.app.size
    x, y = chance.randrange(max(width, 1)), chance.randrange(max(height, 1))
    where: tuple[Any, ...] = (None, x, y, 0, 0, chance.choice((1, 1, 1, 3)), False, False, False, x, y)
    kinds: Sequence[type[events.MouseEvent]] = chance.choice(
        (
            (events.MouseMove, events.MouseDown, events.MouseUp),
            (events.MouseScrollDown,),
            (events.MouseScrollUp,),
            (events.MouseDown, events.MouseMove),
        )
    )
    for kind in kinds:
        pilot.app.post_message(kind(*where))


class _Streaming(Shelves):
    """Answers word by word, so that keys come in between."""

    async def ask(self, text: str, **more: Any) -> AsyncIterator[AskEvent]:
        async for event in super().ask(text, **more):
            if isinstance(event, Token):
                await asyncio.sleep(TOKEN_SECONDS)
            yield event


def _engine() -> Shelves:
    """Everything that a screen can ask for, and an answer to any question."""
    return _Streaming(3_000, 40, 2_000, events=example_events(), found=Configurable().scripted)
