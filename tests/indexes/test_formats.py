"""Every text that says what can be read says the same, and all of it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from click.testing import CliRunner

from assistant.cli.add import command
from indexes.errors import NothingToRead
from indexes.formats import READABLE, SOURCES, Format
from indexes.readers.sniff import _BY_SUFFIX


def test_every_format_has_a_name_a_suffix_and_a_reader() -> None:
    assert READABLE.replace(" and ", ", ").count(", ") == len(Format) - 1
    assert set(_BY_SUFFIX.values()) == set(Format)
    assert all(hasattr(import_module(f"indexes.readers.{format}"), "read") for format in Format)


def test_help_hint_and_readme_quote_the_one_list() -> None:
    readme = " ".join(Path(__file__).parents[2].joinpath("README.md").read_text("utf-8").split())
    shown = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert SOURCES in NothingToRead("nothing").hint
    assert READABLE in readme
    assert SOURCES in shown
    assert SOURCES.startswith(READABLE)
