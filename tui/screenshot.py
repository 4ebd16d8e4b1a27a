"""Draws the README's picture: `python -m tui.screenshot OUT.svg`."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from tui.app import CarrelApp
from tui.example import QUESTION, example_engine
from tui.screens.ask import AskScreen
from tui.widgets.question_box import QuestionBox

__all__ = ["draw", "main"]

_SIZE = (128, 44)
_PATIENCE_SECONDS = 10.0
_FOREIGN = re.compile(r"<!--.*?-->|@font-face \{.*?\}", re.DOTALL)
"""What Textual adds: fonts fetched from a server, which a picture in a README cannot do."""


async def draw(size: tuple[int, int] = _SIZE) -> str:
    """Returns the app after the example's question as SVG, its steps shown; the same bytes each time.

    Args:
        size: Columns and lines of the terminal.
    """
    app = CarrelApp(example_engine, clock=lambda: 0.0)
    async with app.run_test(size=size) as pilot:
        await app.ready()
        screen = app.screen
        assert isinstance(screen, AskScreen)
        box = screen.query_one(QuestionBox)
        box.cursor_blink = False
        box.insert(QUESTION)
        await pilot.press("enter")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while screen.desk.turn is None or screen.desk.turn.answer is None or not screen.knows_status:
                await pilot.pause()
        await pilot.press("f4")
        await pilot.wait_for_animation()
        await pilot.pause()
        return _FOREIGN.sub("", app.export_screenshot(title="carrel"))


def main(arguments: list[str]) -> int:
    """Writes the picture to the one path given."""
    if len(arguments) != 1:
        sys.stderr.write("Usage: python -m tui.screenshot OUT.svg\n")
        return 2
    Path(arguments[0]).write_text(asyncio.run(draw()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
