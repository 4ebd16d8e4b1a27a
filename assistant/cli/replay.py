"""`carrel replay`: a recorded question once more, without model, library or network."""

from __future__ import annotations

import click

from assistant.cli.answers import Colour, answer_options, put_answer
from assistant.cli.options import open_assistant, talk_options
from assistant.cli.outlet import Command

__all__ = ["command"]


@click.command(
    "replay",
    cls=Command,
    epilog="""\b
Examples:
  carrel ask --record question.jsonl "When does a circuit breaker open?"
  carrel replay question.jsonl
  carrel replay --speed 1 --format json question.jsonl
""",
)
@click.argument("file", type=click.Path())
@click.option(
    "--speed", type=click.FloatRange(min=0), default=0.0, help="1 takes as long as it took, 0 no time."
)
@answer_options()
@talk_options
def command(file: str, speed: float, format: str | None, color: Colour, quiet: bool, verbose: bool) -> int:
    """Play a question again that `carrel ask --record` has recorded in FILE.

    Every model, search and page is answered from the file.
    """
    from assistant.cli.narrate import Narrator
    from assistant.failures import last_answer

    with open_assistant() as assistant, Narrator(quiet=quiet, verbose=verbose) as narrator:
        events = []
        for event in assistant.stream_replay(file, speed=speed):
            narrator.tell(event)
            events.append(event)
        narrator.clear()
        put_answer(last_answer(events), format, color)
    return 0
