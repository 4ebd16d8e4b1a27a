"""A list told by numbered lines, a few at a time; a number means an item for as long as the list is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tui.linear.lines import Lines
from tui.linear.rooms import Room
from tui.words import count_of

if TYPE_CHECKING:
    from tui.linear.session import Session

__all__ = ["AT_ONCE", "ListRoom", "Listing"]

T = TypeVar("T")
AT_ONCE = 20
"""Items that are told before the person asks for more."""


class Listing(Generic[T]):
    """What was fetched of a list so far."""

    def __init__(
        self,
        lines: Lines,
        fetch: Callable[[int, int], Awaitable[tuple[int, Sequence[T]]]],
        told: Callable[[T], str],
        *,
        noun: str,
        nothing: str,
    ) -> None:
        """Prepares.

        Args:
            lines: Where it is told.
            fetch: Gives the length of the list and its items from an offset on, so many at most.
            told: An item in one line.
            noun: What an item is.
            nothing: What is said of an empty list.
        """
        self._lines = lines
        self._fetch = fetch
        self._told = told
        self._noun = noun
        self._nothing = nothing
        self._items: list[T] = []
        self._total = 0

    async def begin(self, how: str = "") -> None:
        """Tells how long it is, and the first items.

        Args:
            how: In what order, or of what, behind the count.
        """
        self._items = []
        self._total, items = await self._fetch(0, AT_ONCE)
        self._lines.say(f"{count_of(self._total, self._noun)}{how}" if items else self._nothing)
        self._tell(items)

    async def more(self) -> None:
        """Tells the next items."""
        if len(self._items) >= self._total:
            self._lines.say("That was all of it.")
            return
        self._total, items = await self._fetch(len(self._items), AT_ONCE)
        self._tell(items)

    def item(self, number: str) -> T | None:
        """The item of a number that was told; says so where there is none."""
        wanted = number.strip()
        if wanted.isdecimal() and 0 < int(wanted) <= len(self._items):
            return self._items[int(wanted) - 1]
        if not self._items:
            self._lines.say(self._nothing)
        elif wanted:
            self._lines.say(f"There is no {self._noun} {wanted}: they go from 1 to {len(self._items)}.")
        else:
            self._lines.say(f"Which {self._noun}? Write its number behind the command.")
        return None

    def _tell(self, items: Sequence[T]) -> None:
        for item in items:
            self._items.append(item)
            self._lines.say(f"{len(self._items)}. {self._told(item)}")
        if (left := self._total - len(self._items)) > 0:
            self._lines.say(f"{count_of(left, 'more', 'more')}: /more tells them.")


class ListRoom(Room):
    """A room of one list at a time: a number picks an item of it, words narrow it."""

    def __init__(self, session: Session, text: str = "") -> None:
        """Takes what to look for at first."""
        super().__init__(session)
        self._text = text

    @property
    def listing(self) -> Listing[Any]:
        """The list that was told last."""
        raise NotImplementedError

    async def pick(self, number: str) -> None:
        """Does with an item what is done with it most."""
        raise NotImplementedError

    async def narrow(self, words: str) -> None:
        """Tells what has the words; no words mean everything."""
        self._text = words
        await self.enter()

    async def take(self, text: str) -> None:
        """A number picks, words narrow."""
        await (self.pick(text) if text.isdecimal() else self.narrow(text))

    async def more(self) -> None:
        """Tells the next of the list."""
        await self.listing.more()
