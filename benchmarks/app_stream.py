"""An answer of 20,000 characters at 500 tokens a second: none lost, keys echoed meanwhile, the app's CPU."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from typing import Any

from assistant.engine.scripted import ScriptedEngine
from assistant.events import AskEvent, StepStarted, Token
from benchmarks.measure import Report, Target
from tui.app import CarrelApp
from tui.screens.ask import AskScreen
from tui.widgets.answer import AnswerText
from tui.widgets.question_box import QuestionBox

TOKENS_PER_SECOND = 500
CHARACTERS = 20_000
SIZE = (120, 36)
PATIENCE_SECONDS = 120.0
KEY_EVERY_SECONDS = 0.05

_SENTENCES = (
    "Begin with **the kind of the error**, not with a number of attempts [1]. ",
    "A dropped connection, a time-out or a `429` may pass; a refused key will not [2].\n\n",
    "1. *Back off with full jitter*, and draw each wait at random.\n2. Obey the deadline [3].\n\n",
    "| what | how long |\n|---|---|\n| wait | 0.4 s |\n\n",
    "```python\nwait = random.uniform(0, limit)\n```\n\n",
    "Retries belong in one layer only; three attempts inside three make nine calls. ",
)


def run() -> Report:
    """Stream one long answer and type into the question box all the while."""
    measured = asyncio.run(measure())
    return Report(
        benchmark="app_stream",
        claim="a fast, long answer loses nothing and never holds up the typing",
        targets=(
            Target("characters of the stream that are not in the answer", measured["lost"], "==", 0),
            Target("95th percentile from a key to its echo, seconds", measured["echo_p95"], "<=", 0.1),
        ),
        repeats=1,
        numbers=measured,
    )


async def measure(characters: int = CHARACTERS) -> dict[str, float]:
    """Returns what was lost, how long keys took, and what share of a core the app used.

    Args:
        characters: How long the answer is.
    """
    text = text_of(characters)
    engine = Streaming(text)
    app = CarrelApp(lambda: engine)
    async with app.run_test(size=SIZE) as pilot:
        await app.ready()
        screen = app.screen
        assert isinstance(screen, AskScreen)
        box = screen.query_one(QuestionBox)
        box.insert("Why?")
        await pilot.press("enter")
        await asyncio.wait_for(engine.asked.wait(), PATIENCE_SECONDS)
        engine.begin.set()
        computed, began = time.process_time(), time.perf_counter()
        echoes = await _echoes(app, box, engine.ended)
        streamed = time.perf_counter() - began
        answer = screen.query_one(AnswerText)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(answer.source) < len(text):  # noqa: ASYNC110 - the last flush is still to come
                await asyncio.sleep(0.01)
        shown = time.perf_counter() - began
        computed = time.process_time() - computed
        lost = _missing(text, answer.source)
        engine.finish.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while screen.is_answering:  # noqa: ASYNC110 - the question ends with the stream
                await asyncio.sleep(0.01)
    return {
        "lost": lost,
        "characters": len(text),
        "echo_median": statistics.median(echoes),
        "echo_p95": sorted(echoes)[int(0.95 * (len(echoes) - 1))],
        "echo_max": max(echoes),
        "keys": len(echoes),
        "seconds_streamed": streamed,
        "seconds_until_all_was_shown": shown,
        "share_of_a_core": computed / shown,
    }


def text_of(characters: int) -> str:
    """Paragraphs, lists, tables and code, as answers have them."""
    whole = "".join(_SENTENCES) * (characters // sum(map(len, _SENTENCES)) + 1)
    return whole[:characters]


async def _echoes(app: CarrelApp, box: QuestionBox, ended: asyncio.Event) -> list[float]:
    """Seconds from each key until a frame with it is painted, while the answer streams."""
    painted = asyncio.Event()
    app.post_display_hook = painted.set  # type: ignore[method-assign]
    seconds: list[float] = []
    while not ended.is_set():
        painted.clear()
        began, before = time.perf_counter(), len(box.text)
        app.simulate_key("x")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                await painted.wait()
                painted.clear()
                if len(box.text) > before:
                    break
        seconds.append(time.perf_counter() - began)
        await asyncio.sleep(KEY_EVERY_SECONDS)
    return seconds


def _missing(sent: str, kept: str) -> int:
    """Characters at the first difference and after it; 0 when the texts are the same."""
    if sent == kept:
        return 0
    same = next(
        (at for at, pair in enumerate(zip(sent, kept, strict=False)) if pair[0] != pair[1]), len(kept)
    )
    return len(sent) - same


class Streaming(ScriptedEngine):
    """Says its text in tokens of four characters by the clock, catching up where it is late."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._tokens = [text[start : start + 4] for start in range(0, len(text), 4)]
        self.asked, self.begin = asyncio.Event(), asyncio.Event()
        self.ended, self.finish = asyncio.Event(), asyncio.Event()

    async def ask(self, text: str, **more: Any) -> AsyncIterator[AskEvent]:
        """Yields a step, the tokens when told to begin, and ends when told that all was seen."""
        yield StepStarted(span_id=1, step="reason", rung="by reasoning model")
        self.asked.set()
        await self.begin.wait()
        began = time.perf_counter()
        for number, token in enumerate(self._tokens):
            early = began + number / TOKENS_PER_SECOND - time.perf_counter()
            if early > 0:
                await asyncio.sleep(early)
            yield Token(text=token)
        self.ended.set()
        await self.finish.wait()
