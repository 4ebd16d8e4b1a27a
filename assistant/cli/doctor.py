"""`carrel doctor`: what Carrel stands on, looked over, with what mends each thing that is wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from assistant.cli.options import format_option, overrides_of, setting_option
from assistant.cli.outlet import Command, put
from assistant.exit_codes import ExitCode

if TYPE_CHECKING:
    from assistant.conditions import Diagnosis

__all__ = ["command"]

_MARKS = {"good": "ok  ", "note": "note", "bad": "BAD "}


@click.command(
    "doctor",
    cls=Command,
    epilog="""\b
Examples:
  carrel doctor
  carrel doctor --json
  carrel doctor --set library.encoder=none
""",
)
@click.option("--ask-models", is_flag=True, help="Ask each model for one word; that may cost something.")
@format_option()
@setting_option
def command(ask_models: bool, format: str, set_: tuple[str, ...]) -> int:
    """Look over Python, terminal, settings, models, library, history and disk; exits with 1 if one is bad.

    Nothing is changed, and nothing leaves the machine without --ask-models.
    """
    from assistant.build import silence_libraries
    from assistant.doctor import diagnose
    from assistant.envelope import to_json
    from assistant.paths import find_paths

    silence_libraries(os.environ)
    found = diagnose(find_paths(), overrides_of(set_), ask_models=ask_models)
    put(to_json("doctor", found) if format == "json" else _in_words(found))
    return ExitCode.DONE if found.sound else ExitCode.FAILED


def _in_words(found: Diagnosis) -> str:
    from indexes.clean import clean_line

    lines: list[str] = []
    for each in found.conditions:
        lines.append(f"{_MARKS[each.state]}  {each.about:<15} {clean_line(each.said, 1000)}\n")
        if each.fix:
            lines.append(f"{'':<22}fix: {clean_line(each.fix, 1000)}\n")
    wrong = sum(each.state == "bad" for each in found.conditions)
    return "".join([*lines, "All is well.\n" if found.sound else f"{wrong} to mend.\n"])
