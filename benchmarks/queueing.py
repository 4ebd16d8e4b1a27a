"""A small discrete simulation: jobs pass through stations one after another, first come, first served."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Passed", "Station", "simulated"]


@dataclass(frozen=True)
class Station:
    """Something that several servers do at the same time."""

    name: str
    servers: int
    services: Sequence[float]
    """Seconds that one job takes a server, by job; fewer than there are jobs are gone through again."""


@dataclass(frozen=True)
class Passed:
    """What came of all jobs."""

    left: list[float]
    """When each job had passed the last station, in seconds."""
    busy: dict[str, float]
    """Share of its servers' time that each station worked, until the last job had left."""

    @property
    def seconds(self) -> float:
        """Until the last job had left."""
        return max(self.left)


def simulated(stations: Sequence[Station], arrivals: Sequence[float]) -> Passed:
    """Returns when each job leaves.

    With one queue for each station, served in order, a job begins when it has come and a server is free: no
    event but that one has to be kept (Kiefer and Wolfowitz 1955, on queues with many servers).

    Args:
        stations: In the order that jobs pass them.
        arrivals: When each job comes to the first, ascending.
    """
    times = list(arrivals)
    worked: dict[str, float] = {}
    for station in stations:
        free = [0.0] * station.servers
        order = sorted(range(len(times)), key=times.__getitem__)
        spent = 0.0
        for job in order:
            service = station.services[job % len(station.services)]
            began = max(times[job], heapq.heappop(free))
            times[job] = began + service
            heapq.heappush(free, times[job])
            spent += service
        worked[station.name] = spent / station.servers
    end = max(times)
    return Passed(times, {name: spent / end for name, spent in worked.items()})
