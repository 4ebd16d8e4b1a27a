"""Errors as data and back, and the exit code that each of them ends a command with."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from assistant.cli.outlet import Command
from assistant.failures import EngineDied, RemoteFailure, error_of, failed_of
from assistant.settings import SettingsError
from indexes.errors import CarrelError, LibraryBusy, NothingToRead, PathMissing, QuestionRefused
from pipelines.errors import ModelAuth, ModelTimeout, ModelUnreachable, NothingRelevant, StepFailed
from pipelines.events import Failed

EXIT_CODES = {
    CarrelError: 1,
    StepFailed: 1,
    LibraryBusy: 1,
    EngineDied: 1,
    QuestionRefused: 2,
    PathMissing: 2,
    ModelAuth: 3,
    ModelUnreachable: 3,
    NothingToRead: 4,
    NothingRelevant: 4,
    SettingsError: 78,
    ModelTimeout: 124,
}


@pytest.mark.parametrize("kind", EXIT_CODES, ids=lambda kind: kind.__name__)
def test_an_error_survives_as_data_with_its_class_words_and_exit_code(kind: type[CarrelError]) -> None:
    failed = failed_of(kind("It broke.", hint="Mend it."))
    error = error_of(Failed.model_validate_json(failed.model_dump_json()))
    assert type(error) is kind
    assert (error.message, error.hint, error.exit_code) == ("It broke.", "Mend it.", EXIT_CODES[kind])


def test_an_unknown_class_keeps_its_name_and_exit_code() -> None:
    error = error_of(Failed(kind="FromTheFuture", message="It broke.", exit_code=3))
    assert isinstance(error, RemoteFailure)
    assert (error.kind, error.exit_code) == ("FromTheFuture", 3)


def test_an_error_that_is_not_ours_is_named_on_one_clean_line() -> None:
    failed = failed_of(ValueError("first\nsecond \x1b[31mred"))
    assert failed.kind == "Internal"
    assert "ValueError: first second red" in failed.message


@pytest.mark.parametrize("kind", EXIT_CODES, ids=lambda kind: kind.__name__)
def test_a_command_ends_with_the_errors_exit_code_and_one_sentence(kind: type[CarrelError]) -> None:
    def fail() -> None:
        raise kind("It broke \x1b[31mred.", hint="Mend it.")

    command = Command("test", callback=fail)
    result = CliRunner().invoke(command, [], standalone_mode=False)
    assert result.return_value == EXIT_CODES[kind]
    assert result.stdout == ""
    assert result.stderr == "carrel: It broke red.\n        Mend it.\n"


def test_a_crash_is_exit_1_and_a_sentence() -> None:
    def crash() -> None:
        raise ZeroDivisionError("nothing to divide by")

    result = CliRunner().invoke(Command("test", callback=crash), [], standalone_mode=False)
    assert result.return_value == 1
    assert "ZeroDivisionError: nothing to divide by" in result.stderr
    assert "carrel.log" in result.stderr
