"""What commands write as JSON is what the shipped schema says, through a pipe and in a terminal alike."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest

from assistant.cli.root import root
from assistant.schemas import SchemaName, schema_text
from assistant.schemas.__main__ import written
from assistant.schemas.output import DOCUMENTS, LINES
from tests.assistant.command_line import LIGHT, QUESTION, Ran, carrel, carrel_in_terminal
from tests.indexes.evaluation.collection import write_collection

ASKED = ("ask", "--web", "never")
COMMANDS: dict[str, tuple[str, ...]] = {
    "add": ("add", "more"),
    "ask": (*ASKED, QUESTION),
    "collections list": ("collections", "list"),
    "collections remove": ("collections", "remove", "--yes", "papers"),
    "collections rename": ("collections", "rename", "papers", "thesis"),
    "config show": ("config", "show"),
    "config validate": ("config", "validate"),
    "doctor": ("doctor",),
    "eval metadata": ("eval", "metadata", "gold.jsonl"),
    "eval questions": ("eval", "questions", "own.jsonl"),
    "eval retrieval": ("eval", "retrieval", "judged"),
    "history list": ("history", "list"),
    "history search": ("history", "search", "jitter"),
    "history show": ("history", "show", "last"),
    "models": ("models",),
    "papers check": ("papers", "check"),
    "papers enrich": ("papers", "enrich", "--yes"),
    "papers failed": ("papers", "failed"),
    "papers list": ("papers", "list"),
    "papers remove": ("papers", "remove", "--yes", "jitter.md"),
    "papers repair": ("papers", "repair"),
    "papers retry": ("papers", "retry"),
    "papers show": ("papers", "show", "jitter.md"),
    "paths": ("paths",),
    "replay": ("replay", "recording.jsonl"),
    "search": ("search", "jitter"),
    "show": ("show", "last"),
}
EXIT_CODES = {"add": 3, "papers retry": 1}
"""Where it is not 0: one of the files is empty."""


@pytest.fixture(scope="module")
def prepared(filled_home: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a library, a past question and a failed file; the folder that commands run in, and its files."""
    place = tmp_path_factory.mktemp("prepared")
    shutil.copytree(filled_home[1], place, dirs_exist_ok=True)
    more = place / "more"
    more.mkdir()
    (more / "kiln.md").write_text("# Kilns\n\nA kiln is hot.\n")
    (more / "empty.pdf").write_bytes(b"")
    (place / "gold.jsonl").write_text('{"file": "more/kiln.md", "title": "Kilns"}\n')
    (place / "own.jsonl").write_text('{"question": "What is jitter?", "answers": ["jitter.md"]}\n')
    write_collection(place / "judged")
    env = {**LIGHT, "CARREL_HOME": str(place)}
    assert carrel("add", "-q", str(more / "empty.pdf"), env=env, folder=place).code == 1
    assert carrel(*ASKED, "--record", "recording.jsonl", QUESTION, env=env, folder=place).code == 0
    return place


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    return shutil.copytree(prepared, tmp_path / "home")


@cache
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(schema_text("output"))
    return loaded


def validate(document: object, part: str = "") -> None:
    """Against the schema, or against one of its `$defs`."""
    wanted = {"$ref": f"#/$defs/{part}", "$defs": schema()["$defs"]} if part else schema()
    jsonschema.Draft202012Validator(wanted).validate(document)


def run(command: str, format: str, home: Path, *, terminal: bool) -> Ran:
    env = {
        **LIGHT,
        "CARREL_HOME": str(home),
        "CARREL_LIBRARY__REGISTRY_URL": "http://127.0.0.1:9",
        "TMPDIR": str(home),
    }
    arguments = (*COMMANDS[command], "--format", format)
    if terminal:
        return carrel_in_terminal(*arguments, env=env, folder=home, stderr_too=False)
    return carrel(*arguments, env=env, folder=home)


def no_data_in(stderr: str) -> bool:
    return not any(line.lstrip().startswith(("{", "[{", '"')) for line in stderr.splitlines())


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_document_is_as_the_schema_says_and_nothing_else_is_on_stdout(
    command: str, terminal: bool, home: Path
) -> None:
    ran = run(command, "json", home, terminal=terminal)
    document = json.loads(ran.stdout)
    validate(document)
    assert document["command"] == command
    assert "data" in document
    assert ran.code == EXIT_CODES.get(command, 0)
    assert no_data_in(ran.stderr)


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("command", LINES)
def test_each_line_is_as_the_schema_says(command: str, terminal: bool, home: Path) -> None:
    ran = run(command, "jsonl", home, terminal=terminal)
    lines = ran.stdout.splitlines()
    assert lines
    for line in lines:
        validate(json.loads(line), f"line%20of%20{command.replace(' ', '%20')}")
    assert no_data_in(ran.stderr)


@pytest.mark.parametrize(
    "arguments", [("ask", " "), ("show", "nothing"), ("ask", "--set", "web=no", "x")], ids=" ".join
)
def test_an_error_is_as_the_schema_says(arguments: tuple[str, ...]) -> None:
    document = json.loads(carrel(*arguments, "--json").stdout)
    validate(document)
    assert set(document["error"]) == {"kind", "message", "hint", "stage"}


@pytest.mark.parametrize("name", ["settings", "output"])
def test_the_schemas_that_ship_are_made_from_the_types_as_they_are(name: SchemaName) -> None:
    """If not: `python -m assistant.schemas` writes them anew."""
    assert written(name) == schema_text(name)
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text(name)))


def test_every_command_that_can_write_json_is_in_the_schema() -> None:
    told = dict(_formats(root, ""))
    said_by_another = {"history export"}  # writes the document that `ask` has written
    assert (
        {name for name in told if "json" in told[name]} - said_by_another == set(DOCUMENTS) == set(COMMANDS)
    )
    assert {name for name in told if "jsonl" in told[name]} == set(LINES)


def test_the_schema_can_be_printed() -> None:
    assert carrel("schema").stdout == schema_text("output")


def _formats(command: click.Command, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each command's name with what its `--format` takes."""
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for child in command.list_commands(ctx):
            found = command.get_command(ctx, child)
            assert found is not None
            yield from _formats(found, f"{name} {child}".strip())
    for parameter in command.params:
        if parameter.name == "format" and isinstance(parameter.type, click.Choice):
            yield name, tuple(map(str, parameter.type.choices))
