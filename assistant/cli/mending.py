"""`carrel papers check` and `carrel papers repair`: is the library sound, and what can be mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from assistant.cli.options import format_option, open_assistant, setting_option
from assistant.cli.outlet import Command, put, say

if TYPE_CHECKING:
    from indexes.check import CheckReport

__all__ = ["check", "repair"]


@click.command("check", cls=Command, short_help="Look the library over.")
@format_option()
@setting_option
def check(format: str, set_: tuple[str, ...]) -> int:
    """Look the library over: its file, its rows, and both of its indexes.

    Nothing is changed. Exits with 1 when something is wrong.
    """
    from assistant.envelope import to_json

    with open_assistant(set_) as assistant:
        report = assistant.papers.check()
    put(to_json("papers check", report) if format == "json" else _checked(report))
    if not report.sound:
        say("`carrel papers repair` mends this; the papers themselves are untouched.")
    return 0 if report.sound else 1


@click.command("repair", cls=Command, short_help="Mend what `check` finds.")
@format_option()
@setting_option
def repair(format: str, set_: tuple[str, ...]) -> int:
    """Mend what `check` finds, with what is in the library itself.

    No file is read again and nothing is embedded. A damaged catalogue is kept under another name. Exits with
    1 when something is still wrong.
    """
    from assistant.envelope import to_json
    from indexes.clean import clean_line

    with open_assistant(set_) as assistant:
        report = assistant.papers.repair()
    if format == "json":
        put(to_json("papers repair", report))
    elif report.before.sound:
        put(f"Nothing to mend. {_checked(report.after)}")
    else:
        for finding in report.before.findings:
            say(f"found: {clean_line(finding.sentence, 500)}")
        put("".join(f"{clean_line(sentence, 500)}\n" for sentence in report.done) + _checked(report.after))
    return 0 if report.after.sound else 1


def _checked(report: CheckReport) -> str:
    from indexes.clean import clean_line

    if not report.sound:
        return "".join(f"{clean_line(finding.sentence, 500)}\n" for finding in report.findings)
    index = f"{report.in_generation:,} of them in the dense index" if report.generation else "no dense index"
    held = (
        f"{report.documents:,} documents, {report.passages:,} passages, {report.vectors:,} vectors, {index}"
    )
    notes = "".join(f"{clean_line(note, 500)}\n" for note in report.notes)
    return f"The library is sound: {held}.\n{notes}"
