"""The command: `python -m benchmarks NAME` prints one JSON object, `list` the names."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "cold_start",
    "cold_ask",
    "first_frame",
    "first_start",
    "app_scale",
    "app_stream",
    "app_keys",
    "embed",
    "encoder",
    "overhead",
    "own_time",
    "critical_path",
    "calls",
    "deadline",
    "faults",
    "durability",
    "durability_long",
    "bad_files",
    "fuzz",
    "fuzz_long",
    "kills",
    "batch_rate",
    "batch_memory",
    "reading",
    "metadata",
    "ingest",
    "first_question",
    "paper_qa",
    "retrieval",
    "unembedded",
    "robust",
    "scale",
    "cluster",
    "plan",
    "grading",
)


def main(arguments: list[str]) -> int:
    """Run the benchmarks named, or say what there is; returns the exit code."""
    if arguments == ["list"]:
        for name in NAMES:
            module = importlib.import_module(f"benchmarks.{name}")
            print(f"{name}: {(module.__doc__ or '').splitlines()[0]}")
        return 0
    if not arguments or not set(arguments) <= set(NAMES):
        print(f"usage: python -m benchmarks NAME\nnames: {', '.join(NAMES)}, or list", file=sys.stderr)
        return 2
    for name in arguments:
        print(importlib.import_module(f"benchmarks.{name}").run().as_json(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
