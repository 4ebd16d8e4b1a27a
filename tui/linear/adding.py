"""Papers are added in linear mode: each failure with its reason, how far it is, how it ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from assistant.cli.narrate import Narrator
from assistant.engine.errands import FindPlaces
from tui.adding import Adding
from tui.stream import listening
from tui.words import count_of

if TYPE_CHECKING:
    from assistant.events import AddEvent
    from tui.linear.session import Session

__all__ = ["add", "asked_for"]


async def asked_for(session: Session) -> str:
    """Returns the path that the person types, or the folder whose number; empty for none."""
    places = (await session.engine.run(FindPlaces())).places
    for number, place in enumerate(places, 1):
        session.lines.say(f"  {number}. {place.path}: {count_of(place.files, 'paper')}")
    typed = await session.ask_for("A folder or a file" + (", or its number" if places else ""))
    wanted = (typed or "").strip()
    if wanted.isdecimal() and 0 < int(wanted) <= len(places):
        return str(places[int(wanted) - 1].path)
    if not wanted:
        session.lines.say("Nothing is added.")
    return wanted


async def add(session: Session, events: AsyncIterator[AddEvent], what: str) -> None:
    """Tells what happens while papers are added, and how it ended; stopped, what was added stays.

    Raises:
        CarrelError: Nothing could be added.
    """
    adding = Adding(what)
    narrator = Narrator(write=session.lines.say)
    try:
        async with listening(events) as heard:
            async for event in heard:
                narrator.tell(event)
                adding.apply(event)
    finally:
        if not adding.ending:
            adding.stop()
        session.lines.say(adding.ending)
    session.lines.say_all(adding.notes)
    await session.refresh_status()
