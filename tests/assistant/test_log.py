"""The log: readable by its owner only, and without keys."""

from __future__ import annotations

import stat

import pytest

from assistant.log import log_error, redacted


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("openai refused sk-proj-4f9a8b7c6d5e4f3a.", "openai refused sk-…."),
        ("Authorization: Bearer eyJhbGciOi.eyJzdWIi.abc", "Authorization: Bearer …"),
        ("https://ada:lovelace1815@proxy.example/x", "https://…@proxy.example/x"),
        ("GET /v1?api_key=4f9a8b7c6d5e&limit=3", "GET /v1?api_key=…&limit=3"),
        ("{'x-api-key': '4f9a8b7c6d5e'}", "{'x-api-key': '…'}"),
        ("a key insight: task-based tokens are cheap", "a key insight: task-based tokens are cheap"),
    ],
)
def test_what_looks_like_a_key_is_taken_out_and_nothing_else(text, kept):
    assert redacted(text) == kept


def test_the_environments_secrets_are_taken_out_whatever_they_look_like(monkeypatch, carrel_home):
    monkeypatch.setenv("DESK_PASSWORD", "correct horse battery")
    monkeypatch.setenv("LIBRARY_CARD", "no. 4711 of 1887")
    config = carrel_home / "config"
    config.mkdir()
    (config / "config.toml").write_text('[models.small]\nname = "openai:m"\napi_key_env = "LIBRARY_CARD"\n')
    assert redacted("<correct horse battery> <no. 4711 of 1887>") == "<…> <…>"


def test_an_error_is_written_with_its_place_for_the_owner_only(carrel_home):
    log = carrel_home / "state" / "carrel.log"
    log.parent.mkdir()
    log.touch(mode=0o644)
    with pytest.raises(LookupError) as failed:
        raise LookupError("no such shelf")
    assert log_error(failed.value, "A command failed.") == log
    assert "LookupError: no such shelf" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_log_that_grew_too_long_is_begun_anew(carrel_home):
    log = carrel_home / "state" / "carrel.log"
    log.parent.mkdir()
    log.write_text("old\n" * 400_000)
    log_error(LookupError("new"), "A command failed.")
    assert "old" not in log.read_text()


def test_without_a_place_for_the_log_nothing_more_fails(carrel_home):
    (carrel_home / "state").write_text("a file where a folder belongs")
    log_error(LookupError("lost"), "A command failed.")
