"""`carrel config`: shown with origins, validated, begun as a file of comments, edited and checked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import pytest

from assistant.settings import Settings, load_settings
from assistant.settings_template import settings_template
from tests.assistant.command_line import carrel


def settings_file(home: Path) -> Path:
    return home / "config" / "config.toml"


def test_each_setting_is_shown_with_where_it_comes_from(carrel_home: Path, tmp_path: Path) -> None:
    settings_file(carrel_home).parent.mkdir()
    settings_file(carrel_home).write_text('[models.small]\nname = "ollama:own"\n')
    (tmp_path / "carrel.toml").write_text('web = "never"\n')
    ran = carrel(
        *("config", "show", "--json", "--changed", "--set", "limits.papers=3"),
        env={"CARREL_HISTORY__DAYS": "7", "CARREL_LIBRARY__ENCODER": ""},
        folder=tmp_path,
    )
    rows = {row["key"]: row["origin"] for row in map(json.loads, ran.stdout.splitlines())}
    assert rows == {
        "models.small.name": f"user settings {settings_file(carrel_home)}, line 2",
        "web": "project settings carrel.toml, line 1",
        "history.days": "environment CARREL_HISTORY__DAYS",
        "limits.papers": "--set limits.papers",
    }


def test_every_setting_is_shown_unless_words_choose() -> None:
    whole = carrel("config", "--help").code, carrel("config").stdout
    assert whole[0] == 0
    assert whole[1].count("\n    ") >= 70
    few = carrel("config", "show", "limits.papers").stdout
    assert few.startswith("limits.papers = ")
    assert few.count(" = ") == 1


def test_validating_names_what_is_wrong_and_exits_78(carrel_home: Path) -> None:
    right = carrel("config", "validate", "--format", "json")
    assert json.loads(right.stdout)["data"]["changed"] == ["library.encoder"]
    settings_file(carrel_home).parent.mkdir()
    settings_file(carrel_home).write_text("[limits]\npapers = -1\n")
    wrong = carrel("config", "validate", "--json")
    assert wrong.code == 78
    assert json.loads(wrong.stdout)["error"]["stage"] == "settings"
    assert "line 2" in wrong.stderr


def test_the_file_to_begin_with_changes_nothing_and_never_replaces_one(carrel_home: Path) -> None:
    begun = carrel("config", "init")
    path = settings_file(carrel_home)
    assert (begun.code, begun.stdout) == (0, f"{path}\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_settings(carrel_home, environ={}).origins["web"] == "default"
    again = carrel("config", "init")
    assert (again.code, "--force" in again.stderr) == (2, True)


def test_with_every_sign_taken_away_the_file_says_the_defaults(carrel_home: Path) -> None:
    path = settings_file(carrel_home)
    path.parent.mkdir()
    lines = settings_template().replace("#: ", "").splitlines()
    path.write_text("\n".join(line for line in lines if not line.endswith("=")))
    written = load_settings(carrel_home, environ={}, folder=carrel_home)
    assert written.model_dump(exclude={"origins"}) == Settings().model_dump(exclude={"origins"})
    assert sum(origin != "default" for origin in written.origins.values()) >= 50


@pytest.mark.parametrize(("saved", "code"), [('web = "never"', 0), ('web = "perhaps"', 78)])
def test_what_is_saved_in_the_editor_is_checked_and_stays(
    saved: str, code: int, carrel_home: Path, tmp_path: Path
) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(f"import sys; open(sys.argv[1], 'w').write({saved!r})")
    ran = carrel("config", "edit", env={"VISUAL": f"{sys.executable} {editor}"})
    assert ran.code == code
    assert settings_file(carrel_home).read_text() == saved


def test_the_schema_knows_the_settings_and_refuses_others() -> None:
    schema = json.loads(carrel("config", "schema").stdout)
    check = jsonschema.Draft202012Validator(schema)
    assert check.is_valid({"web": "never", "limits": {"papers": 3}})
    assert not check.is_valid({"web": "perhaps"})
    assert not check.is_valid({"limits": {"paper": 3}})
    assert "library has no answer" in schema["properties"]["web"]["description"]


def test_a_profile_is_chosen_by_option_or_variable_and_shown_as_the_origin(carrel_home: Path) -> None:
    path = settings_file(carrel_home)
    path.parent.mkdir()
    path.write_text("[profiles.cheap.limits]\npapers = 2\n")
    for arguments, env in (
        (("config", "show", "limits.papers", "--profile", "cheap"), {}),
        (("-p", "cheap", "config", "show", "limits.papers"), {"CARREL_PROFILE": "another"}),
        (("config", "show", "limits.papers"), {"CARREL_PROFILE": "cheap"}),
    ):
        ran = carrel(*arguments, env=env)
        assert ran.stdout.splitlines()[0] == "limits.papers = 2", ran.stderr
        assert f"profile cheap in {path}, line 2" in ran.stdout
    assert carrel("config", "show", "-p", "dear").code == 78


def test_validating_looks_at_every_profile(carrel_home: Path) -> None:
    path = settings_file(carrel_home)
    path.parent.mkdir()
    path.write_text("[profiles.cheap.limits]\npapers = 2\n[profiles.wrong.limits]\npapers = -2\n")
    wrong = carrel("config", "validate")
    assert wrong.code == 78
    assert f"profile wrong in {path}, line 4" in wrong.stderr
    path.write_text(path.read_text().replace("-2", "4"))
    right = carrel("config", "validate", "--json")
    assert json.loads(right.stdout)["data"]["profiles"] == ["cheap", "wrong"]


def test_the_schema_knows_profiles_and_what_stands_in_them(carrel_home: Path) -> None:
    schema = json.loads(carrel("config", "schema").stdout)
    jsonschema.validate({"profiles": {"cheap": {"web": "never", "limits": {"papers": 2}}}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"profiles": {"cheap": {"web": "perhaps"}}}, schema)
