"""One value changed in a settings file: every other line stays, and what is not understood is not touched."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.paths import Paths, find_paths
from assistant.settings import SettingsError, load_settings
from assistant.settings_file import change_setting, with_setting
from assistant.settings_sheet import changed, problem_of, rows_of

FILE = """\
# Mine.
web = "never"   # for now

[models.small]
name = "ollama:qwen3:8b"  # small enough

# Limits, after some thought.
[limits]
papers = 8
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("limits.papers", 4, "papers = 4"),
        ("limits.hits", 20, "hits = 20"),
        ("web", "ask", 'web = "ask"'),
        ("searxng_url", "http://localhost", 'searxng_url = "http://localhost"'),
        ("models.small.base_url", "http://localhost:1/v1", 'base_url = "http://localhost:1/v1"'),
        ("models.reasoning.name", "openai:gpt", '[models.reasoning]\nname = "openai:gpt"'),
        ("history.keep", False, "[history]\nkeep = false"),
        ("app.keys", ("library=f9", "history=f10"), '[app]\nkeys = ["library=f9", "history=f10"]'),
    ],
)
def test_a_value_is_changed_or_added_where_it_belongs(key, value, line):
    text = with_setting(FILE, key, value)
    assert line in text
    kept = [each for each in FILE.splitlines() if each and not each.startswith(f"{key.rpartition('.')[2]} =")]
    assert [each for each in text.splitlines() if each in kept] == kept


def test_a_value_that_is_taken_out_leaves_the_rest():
    assert with_setting(FILE, "limits.papers", None) == FILE.replace("papers = 8\n", "")
    assert with_setting(FILE, "history.days", None) == FILE
    assert with_setting("", "web", None) == ""


@pytest.mark.parametrize(
    "text",
    [
        "limits = {papers = 8}\n",
        "limits.papers = 8\n",
        '[limits]\n"papers" = 8\n',
        "[limits]\npapers = [\n1,\n2]\n",
        "not toml",
    ],
)
def test_a_file_in_another_form_is_left_alone(text):
    with pytest.raises(ValueError, match=r".*"):
        with_setting(text, "limits.papers", 4)


@given(st.text())
def test_any_text_can_be_a_value(text):
    if any("\ud800" <= character <= "\udfff" for character in text):
        return
    assert tomllib.loads(with_setting(FILE, "app.theme", text))["app"]["theme"] == text


def test_a_new_file_is_readable_by_its_owner_only(paths: Paths):
    change_setting(paths.settings_file, "web", "never")
    assert stat.S_IMODE(paths.settings_file.stat().st_mode) == 0o600
    assert load_settings(paths).web == "never"


def test_a_link_to_the_file_stays_one_and_the_ends_of_lines_stay_as_they_are(tmp_path: Path):
    kept, link = tmp_path / "dotfiles" / "carrel.toml", tmp_path / "config.toml"
    kept.parent.mkdir()
    kept.write_bytes(FILE.replace("\n", "\r\n").encode())
    link.symlink_to(kept)
    change_setting(link, "limits.papers", 4)
    assert link.is_symlink()
    assert (
        kept.read_bytes() == FILE.replace("papers = 8\n", "").replace("\n", "\r\n").encode() + b"papers = 4\n"
    )


def test_a_file_that_is_not_understood_is_named_with_what_to_do(paths: Paths):
    paths.settings_file.parent.mkdir(parents=True)
    paths.settings_file.write_text("limits.papers = 8\n")
    with pytest.raises(SettingsError, match="does not change by itself") as told:
        change_setting(paths.settings_file, "limits.papers", 4)
    assert "with an editor" in told.value.hint
    assert paths.settings_file.read_text() == "limits.papers = 8\n"


def test_what_is_typed_is_checked_as_a_setting_is(paths: Paths):
    assert problem_of(paths, "limits.papers", "4") == ""
    assert "limits.papers is wrong" in problem_of(paths, "limits.papers", "many")
    assert "does not name its provider" in problem_of(paths, "models.small.name", "qwen")
    with pytest.raises(SettingsError):
        changed(paths, "web", "perhaps")
    assert not paths.settings_file.exists()


def test_what_is_typed_is_written_as_what_it_is_and_emptied_again(paths: Paths):
    assert changed(paths, "limits.papers", " 4 ").limits.papers == 4
    assert changed(paths, "history.keep", "no").history.keep is False
    assert changed(paths, "app.keys", "library=f9; history=f10").app.keys == ("library=f9", "history=f10")
    assert tomllib.loads(paths.settings_file.read_text())["limits"]["papers"] == 4
    assert changed(paths, "limits.papers", "").origins["limits.papers"] == "default"


def test_every_setting_has_a_row_with_its_origin_and_most_say_what_they_mean(paths: Paths):
    changed(paths, "web", "never")
    rows = {row.key: row for row in rows_of(load_settings(paths))}
    assert set(rows) == set(load_settings(paths).origins)
    assert rows["web"].choices == ("ask", "auto", "never")
    assert rows["web"].value == "never"
    assert "config.toml, line 1" in rows["web"].origin
    assert rows["history.keep"].choices == ("true", "false")
    assert rows["app.pdf_viewer"].meaning.startswith("Opens papers, as in zathura")
    assert sum(bool(row.meaning) for row in rows.values()) > 0.8 * len(rows)
