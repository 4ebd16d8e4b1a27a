"""A question runs in linear mode: each event a line, each choice numbered, and Ctrl+C keeps what came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from assistant.cli.narrate import Narrator
from assistant.events import (
    Asked,
    AskEvent,
    Decided,
    Done,
    Drafted,
    EvidenceReady,
    Failed,
    FellBack,
    Retrying,
    Summarised,
    Token,
)
from assistant.failures import EngineDied, error_of
from assistant.render import to_text
from tui.commands import parse_slash
from tui.linear.choices import chosen, told_choices
from tui.stream import listening

if TYPE_CHECKING:
    from assistant.engine.protocol import Engine
    from tui.linear.lines import Lines
    from tui.linear.turn import Turn
    from tui.linear.typed import Typed

__all__ = ["Answering", "told_answer"]


class Answering:
    """Follows one question to its end."""

    def __init__(self, turn: Turn, engine: Engine, lines: Lines, typed: Typed) -> None:
        """Prepares.

        Args:
            turn: Takes what comes.
            engine: Is told what the person chooses.
            lines: Where everything is told.
            typed: What the person types meanwhile: `/cancel`, or a choice; anything else waits.
        """
        self._turn = turn
        self._engine = engine
        self._lines = lines
        self._typed = typed
        self._asked: Asked | None = None
        self._is_whole = False
        """The text is; a later fallback does not void it."""
        self._narrator = Narrator(write=lines.say)

    async def run(self, events: AsyncIterator[AskEvent]) -> None:
        """Tells what happens up to the answer; cancelled, it tells what had come of it.

        Raises:
            CarrelError: The question ended without an answer.
        """
        following = asyncio.create_task(self._follow(events))
        try:
            await self._listen_until(following)
        finally:
            following.cancel()
            await asyncio.wait([following])
            if following.cancelled():
                self._tell_stopped()
        following.result()

    async def _listen_until(self, following: asyncio.Task[None]) -> None:
        while not following.done():
            if self._typed.ended:
                await self._take(None)
                await asyncio.wait([following])
                return
            typing = asyncio.create_task(self._typed.fresh())
            try:
                await asyncio.wait([following, typing], return_when=asyncio.FIRST_COMPLETED)
                if typing.done() and await self._take(typing.result()):
                    following.cancel()
            finally:
                typing.cancel()

    async def _take(self, line: str | None) -> bool:
        """Takes what was typed while the question runs; returns whether it is to stop."""
        if line is not None and parse_slash(line) == ("cancel", ""):
            return True
        if self._asked is not None:
            await self._choose(self._asked, line)
        elif line is not None:
            self._typed.keep(line)
            if self._typed.is_person:
                self._lines.say("This waits until the answer is there; /cancel or Ctrl+C stops the question.")
        return False

    async def _follow(self, events: AsyncIterator[AskEvent]) -> None:
        async with listening(events) as heard:
            async for event in heard:
                self._narrator.tell(event)
                await self._receive(event)
        if self._turn.answer is None:
            raise EngineDied("The engine ended without an answer.")

    async def _receive(self, event: AskEvent) -> None:
        turn = self._turn
        match event:
            case Token(text=text):
                turn.text += text
            case FellBack() | Retrying() if not self._is_whole:
                turn.text = ""
            case Drafted(draft=draft):
                self._is_whole = True
                turn.text = draft.text
            case Summarised(evidence=evidence):
                others = [each for each in turn.evidence if each.id != evidence.id]
                turn.evidence = tuple(sorted([*others, evidence], key=lambda each: each.id))
            case EvidenceReady(evidence=evidence):
                turn.evidence = evidence
            case Asked():
                await self._open(event)
            case Decided():
                self._asked = None
            case Done(answer=answer):
                turn.answer, turn.evidence = answer, answer.evidence
                told_answer(turn, self._lines)
            case Failed():
                raise error_of(event)
            case _:
                pass

    # What the person is asked.

    async def _open(self, asked: Asked) -> None:
        self._lines.say_all(told_choices(asked.prompt, asked.choices, asked.default))
        self._lines.say(f"“{asked.default}” is taken in {asked.timeout_seconds:.0f} s.")
        self._asked = asked
        if self._typed.ended:
            await self._choose(asked, None)
        elif not self._typed.is_person and (line := self._typed.next_kept) is not None:
            if chosen(line, asked.choices, asked.default) is not None:
                self._typed.take_kept()
                await self._choose(asked, line)
            else:
                await self._choose(asked, None)

    async def _choose(self, asked: Asked, line: str | None) -> None:
        """Decides by what was typed; a script's line that is no choice is kept, and the default taken."""
        choice = asked.default if line is None else chosen(line, asked.choices, asked.default)
        if choice is None and self._typed.is_person:
            self._lines.say(f"Type a number from 1 to {len(asked.choices)}, or Enter for “{asked.default}”.")
            return
        if choice is None and line is not None:
            self._typed.keep(line)
        self._asked = None
        await self._engine.decide(asked.id, choice or asked.default)

    def _tell_stopped(self) -> None:
        self._lines.say("Cancelled.")
        if self._turn.text.strip():
            self._lines.say("What was written before is kept, unchecked:")
            self._lines.text(self._turn.text)


def told_answer(turn: Turn, lines: Lines) -> None:
    """Tells a whole answer with its sources and notes."""
    if turn.answer is None:
        return
    lines.say("")
    lines.say(f"Answer {turn.number}:")
    lines.text(to_text(turn.answer))
    lines.say("")
