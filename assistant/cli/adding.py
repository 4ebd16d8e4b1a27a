"""What `carrel add` says while it adds, once or for as long as a folder is followed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from assistant.cli.outlet import put, say
from assistant.counting import counted

if TYPE_CHECKING:
    from assistant.events import AddReport
    from indexes.watch import WatchEvent

__all__ = ["Telling", "add_once", "exit_code", "follow"]


class Telling:
    """Turns events into the result on stdout and the narration on stderr."""

    def __init__(self, collection: str, format: str, *, quiet: bool, verbose: bool) -> None:
        from assistant.cli.narrate import Narrator

        self.format = format
        self.narrator = Narrator(quiet=quiet, verbose=verbose)
        self._collection = collection

    def tell(self, event: WatchEvent) -> AddReport | None:
        """Says what the event says; returns the report of a round that is over."""
        from assistant.envelope import to_json_line
        from assistant.events import Added
        from indexes.watch import FilesGone, Watching

        if self.format == "jsonl":
            put(to_json_line(event))
        match event:
            case Watching(paths=paths):
                self.narrator.line(f"following: {', '.join(paths)} (Ctrl+C ends)")
            case FilesGone(paths=paths):
                for path in paths:
                    self.narrator.line(f"gone, but kept in the library: {path}")
            case Added(report=report):
                self.narrator.tell(event)
                self.narrator.clear()
                return report
            case _:
                self.narrator.tell(event)
        return None

    def put_report(self, report: AddReport) -> None:
        """Writes a report to stdout, unless each event went there already."""
        from assistant.envelope import to_json
        from assistant.render import report_text

        if self.format != "jsonl":
            put(to_json("add", report) if self.format == "json" else report_text(report, self._collection))


def add_once(events: Iterable[WatchEvent], telling: Telling) -> int:
    """Tells what happens up to the report; returns the exit status."""
    code = 1
    try:
        with telling.narrator:
            for event in events:
                if (report := telling.tell(event)) is not None:
                    telling.put_report(report)
                    code = exit_code(report)
    except KeyboardInterrupt as stop:
        from indexes.errors import Interrupted

        raise Interrupted("Stopped. What was added stays; the same command goes on from there.") from stop
    return code


def follow(events: Iterable[WatchEvent], telling: Telling) -> int:
    """Tells what happens until Ctrl+C, which is how it is meant to end; returns the exit status."""
    from assistant.events import AddReport, Fate
    from indexes.retry import together

    total, rounds = AddReport(), 0
    try:
        with telling.narrator:
            for event in events:
                if (report := telling.tell(event)) is None:
                    continue
                # In each round files are met again that bring nothing new.
                told = {fate: count for fate, count in report.counts.items() if fate is not Fate.UNCHANGED}
                total = together(total, report.model_copy(update={"counts": told} if rounds else {}))
                rounds += 1
                if telling.format == "text" and (told or rounds == 1):
                    telling.put_report(report)
    except KeyboardInterrupt:
        say(f"Ended after {counted(rounds, 'round')}.")
        if telling.format == "json":
            telling.put_report(total)
        elif telling.format == "text" and rounds > 1:
            put("In all: ")
            telling.put_report(total)
    return 0


def exit_code(report: AddReport) -> int:
    """3 when files failed and others are in the library, 1 when not one is there."""
    from assistant.events import Fate

    there = sum(report.counts.get(fate, 0) for fate in (Fate.INDEXED, Fate.EMBEDDED, Fate.UNCHANGED))
    failed = sum(report.counts.get(fate, 0) for fate in (Fate.FAILED, Fate.FAILED_FOR_NOW))
    if not failed:
        return 0
    return 3 if there else 1
