"""Ten thousand spoilt examples through each of our parsers: what `fuzz` does in seconds, for some minutes."""

from __future__ import annotations

from benchmarks.fuzz import fuzzed
from benchmarks.measure import Report

EXAMPLES = 10_000


def run() -> Report:
    """Spoil each good example more often."""
    return fuzzed(EXAMPLES, "fuzz_long")
