"""The command `carrel`: its entry point, which imports a command only when it is run."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Runs the command line and exits with its code."""
    from assistant.garbage import collect_seldom

    collect_seldom()
    from assistant.cli.root import run

    sys.exit(run(sys.argv[1:]))
