"""What a library survives, tried for an hour: twelve kills at each point, every disk call, every damage."""

from __future__ import annotations

from benchmarks.durability import Effort, tried
from benchmarks.measure import Report

LONG = Effort(
    fast_rounds=12,
    index_rounds=12,
    disk_kills=39,
    full_disks=20,
    shapes=("emptied", "halved", "cut short", "flipped", "removed"),
    writers=20,
)


def run() -> Report:
    """Try each promise of `durability` more often."""
    return tried(LONG, "durability_long")
