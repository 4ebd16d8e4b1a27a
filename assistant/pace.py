"""How fast work goes on and how long it will take, in a few words that fit a narrow terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Pace"]

_REMEMBERED = 40
"""Steps that the rate is taken from: the first files start slowly, and the last ones may be large."""
_FIRST_SECONDS = 1.0
"""No rate is told before: it would be a guess."""


class Pace:
    """Counts steps of a known or growing number."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steps: deque[tuple[float, int]] = deque([(clock(), 0)], maxlen=_REMEMBERED)

    def words(self, done: int, total: int, noun: str, *, failed: int = 0) -> str:
        """Returns for example `37/212 files, 3 failed, 4.1 a second, 43 s left`."""
        said = [f"{done:,}/{total:,} {noun}"]
        if failed:
            said.append(f"{failed:,} failed")
        return ", ".join(said + self.going(done, total))

    def going(self, done: int, total: int) -> list[str]:
        """Returns the rate and the time left, `["4.1 a second", "43 s left"]`, as far as they are known."""
        if done < self._steps[-1][1]:
            self._steps.clear()  # another round has begun
        if not self._steps or done != self._steps[-1][1]:
            self._steps.append((self._clock(), done))
        said: list[str] = []
        (began, first), (now, last) = self._steps[0], self._steps[-1]
        if now - began >= _FIRST_SECONDS and last > first:
            rate = (last - first) / (now - began)
            said.append(f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.1f} a second")
            if total > done:
                said.append(f"{_duration((total - done) / rate)} left")
        return said


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
