"""Settings: which source wins, where a value came from, and what is said when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from assistant.paths import find_paths
from assistant.settings import Settings, SettingsError, load_settings


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def own(home: Path, text: str) -> Path:
    return write(home / "config" / "config.toml", text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The current folder of the person, without a project's file."""
    return tmp_path


def test_without_any_source_every_value_is_a_default(folder: Path) -> None:
    settings = load_settings(environ={}, folder=folder)
    assert settings.model_copy(update={"origins": {}}) == Settings()
    assert set(settings.origins.values()) == {"default"}
    assert "models.small.name" in settings.origins


def test_each_source_beats_the_ones_below_and_says_so(carrel_home: Path, folder: Path) -> None:
    user = own(carrel_home, 'web = "auto"\n[limits]\nhits = 10\npapers = 3\nsentences = 2\n')
    project = write(folder / "carrel.toml", "[limits]\npapers = 4\nsentences = 3\n")
    environ = {"CARREL_LIMITS__SENTENCES": "4", "CARREL_WEB": "ask"}
    settings = load_settings(environ=environ, folder=folder, overrides={"web": "never"})
    limits = settings.limits
    assert (settings.web, limits.hits, limits.papers, limits.sentences) == ("never", 10, 4, 4)
    assert settings.origins["web"] == "set as web"
    assert settings.origins["limits.hits"] == f"user settings {user}, line 3"
    assert settings.origins["limits.papers"] == f"project settings {project}, line 2"
    assert settings.origins["limits.sentences"] == "environment CARREL_LIMITS__SENTENCES"
    assert settings.origins["limits.passages_per_paper"] == "default"


def test_the_plain_variables_of_carrel_are_not_settings(folder: Path) -> None:
    environ = {"CARREL_MODELS": "/models", "CARREL_HOME": "/home", "CARREL_DATA": "/data"}
    assert set(load_settings(environ=environ, folder=folder).origins.values()) == {"default"}


def test_a_nested_variable_reaches_its_leaf(folder: Path) -> None:
    settings = load_settings(environ={"CARREL_MODELS__SMALL__NAME": "openai:small"}, folder=folder)
    assert settings.models.small.name == "openai:small"
    assert settings.origins["models.small.name"] == "environment CARREL_MODELS__SMALL__NAME"


def test_short_forms_stand_for_their_settings(folder: Path) -> None:
    settings = load_settings(
        environ={"CARREL_BASE_URL": "http://localhost:11434/v1"},
        folder=folder,
        overrides={"small": "openai:a", "reasoning": "openai:b"},
    )
    assert (settings.models.small.name, settings.models.reasoning.name) == ("openai:a", "openai:b")
    assert settings.models.small.base_url == settings.models.reasoning.base_url == "http://localhost:11434/v1"


def test_a_setting_without_a_group_is_read_from_the_environment(folder: Path) -> None:
    settings = load_settings(environ={"CARREL_SEARXNG_URL": "http://localhost:8888"}, folder=folder)
    assert settings.searxng_url == "http://localhost:8888"


def test_the_long_form_in_the_environment_beats_the_short_one(folder: Path) -> None:
    environ = {"CARREL_SMALL": "openai:short", "CARREL_MODELS__SMALL__NAME": "openai:long"}
    assert load_settings(environ=environ, folder=folder).models.small.name == "openai:long"


@pytest.mark.parametrize(
    "overrides",
    [
        {"limits.hits": "7"},
        {"limits__hits": 7},
        {"limits": {"hits": 7}},
    ],
)
def test_overrides_may_be_dotted_underscored_or_nested(overrides: dict[str, object], folder: Path) -> None:
    assert load_settings(environ={}, folder=folder, overrides=overrides).limits.hits == 7


def test_a_broken_file_is_named_with_its_line(carrel_home: Path, folder: Path) -> None:
    path = own(carrel_home, 'web = "ask"\nthis is not TOML\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={}, folder=folder)
    assert str(path) in caught.value.message
    assert "line 2" in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 78


def test_an_unknown_key_is_named_with_the_nearest_known_one(carrel_home: Path, folder: Path) -> None:
    path = own(carrel_home, "[limits]\nhit = 3\n")
    with pytest.raises(SettingsError, match=r"limits\.hit'") as caught:
        load_settings(environ={}, folder=folder)
    assert f"{path}, line 2" in caught.value.message
    assert caught.value.hint == "Did you mean limits.hits?"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("web", "maybe", "'ask', 'auto' or 'never'"),
        ("limits.hits", "0", "greater than or equal to 1"),
        ("limits.hits", "many", "valid integer"),
        ("models.small.name", "gpt-5-mini", "provider:model"),
        ("models.reasoning.name", "openai:", "provider:model"),
        ("models.small.base_url", "localhost:1234", "web address"),
        ("models.small.base_url", "http://localhost:model", "web address"),
        ("searxng_url", "http://[::1", "web address"),
        ("library.chroma", "http://localhost:99999", "web address"),
        ("library.registry_url", "https://", "names no host"),
        ("models.small.api_key_env", "sk-abc def", "environment variable"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_origin(
    key: str, value: str, said: str, folder: Path
) -> None:
    variable = f"CARREL_{key.upper().replace('.', '__')}"
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={variable: value}, folder=folder)
    assert key in caught.value.message
    assert variable in caught.value.message
    assert said in caught.value.message


def test_a_key_put_where_its_variables_name_belongs_is_not_shown(folder: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={}, folder=folder, overrides={"models.small.api_key_env": "sk-secret-value"})
    assert "secret" not in caught.value.message + caught.value.hint


def test_a_secret_under_an_unknown_key_is_not_shown(carrel_home: Path, folder: Path) -> None:
    own(carrel_home, '[models.small]\napi_key = "sk-secret-value"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={}, folder=folder)
    assert "secret" not in caught.value.message + caught.value.hint
    assert caught.value.hint == "Did you mean models.small.api_key_env?"


@pytest.mark.parametrize(
    "line",
    [
        'models.small.base_url = "http://evil.invalid/v1"',
        'models.reasoning.base_url = "http://evil.invalid/v1"',
        'models.small.api_key_env = "AWS_SECRET_ACCESS_KEY"',
        'models.small.name = "ollama:evil"',
        'web = "auto"',
        'searxng_url = "http://evil.invalid"',
        'library.encoder = "../../evil"',
        "limits.supported = 0.0",
        "limits.reason_seconds = 100000",
    ],
)
def test_a_projects_file_may_not_choose_hosts_keys_paths_or_proof(
    line: str, carrel_home: Path, folder: Path
) -> None:
    path = write(folder / "carrel.toml", f"{line}\n")
    with pytest.raises(SettingsError, match="may not set") as caught:
        load_settings(environ={}, folder=folder)
    assert line.partition(" =")[0] in caught.value.message
    assert f"{path}, line 1" in caught.value.message
    assert str(carrel_home) in caught.value.hint or "--web" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 100_000,
        "x = 1\n" * 400_000,
        "\x00\x01",
        'a = "\ud800"'.encode("utf-8", "surrogatepass").decode("latin-1"),
        "proxy = 'http://evil.invalid'",
        "[hooks]\non_start = 'rm -rf ~'",
        "!!python/object/apply:os.system ['id']",
        "include = '/etc/passwd'",
    ],
)
def test_a_hostile_projects_file_ends_in_a_sentence(text: str, folder: Path) -> None:
    write(folder / "carrel.toml", text)
    with pytest.raises(SettingsError):
        load_settings(environ={}, folder=folder)


def test_a_projects_file_may_change_how_much_is_read(folder: Path) -> None:
    write(folder / "carrel.toml", 'web = "never"\n[limits]\npapers = 2\n')
    settings = load_settings(environ={}, folder=folder)
    assert (settings.web, settings.limits.papers) == ("never", 2)


def test_a_settings_file_that_is_not_text_is_named(carrel_home: Path, folder: Path) -> None:
    path = carrel_home / "config" / "config.toml"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        load_settings(environ={}, folder=folder)
    assert str(path) in caught.value.message


def test_the_home_holds_four_folders_that_only_their_owner_reads(tmp_path: Path) -> None:
    paths = find_paths(tmp_path / "home")
    paths.create()
    folders = (paths.config, paths.data, paths.state, paths.cache)
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700] * 4
    assert paths.settings_file == tmp_path / "home" / "config" / "config.toml"


def test_without_a_home_the_platforms_folders_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARREL_HOME")
    paths = find_paths()
    assert all("carrel" in str(folder) for folder in (paths.config, paths.data, paths.state, paths.cache))
    assert len({paths.config, paths.data, paths.state, paths.cache}) == 4


def test_an_error_names_the_flag_as_it_is_typed() -> None:
    with pytest.raises(SettingsError, match=r"wrong \(--reasoning\)"):
        load_settings(overrides={"reasoning": "gpt"}, environ={}, flags=True)
    with pytest.raises(SettingsError, match=r"wrong \(--set limits\.papers\)"):
        load_settings(overrides={"limits.papers": "many"}, environ={}, flags=True)


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("paperz", "limits.papers"),
        ("limit.paper", "limits.papers"),
        ("timeout_seconds", "person.timeout_seconds"),
        ("encoder", "library.encoder"),
        ("reasonin", "reasoning"),
    ],
)
def test_an_unknown_setting_is_answered_with_the_nearest_one(key: str, near: str) -> None:
    with pytest.raises(SettingsError, match="There is no setting") as caught:
        load_settings(overrides={key: "1"}, environ={})
    assert caught.value.hint == f"Did you mean {near}?"


_LINES = st.sampled_from(
    [
        'web = "never"',
        "web = 3",
        "[limits]",
        "papers = 4",
        "papers = [1, 2]",
        "papers = 1979-05-27",
        "[models.small]",
        'name = "openai:small"',
        'base_url = "http://localhost:1"',
        '"limits.papers" = 4',
        "limits = 1",
        "[[models]]",
        "models = {small = {}}",
        "= = =",
        "\ufeff[library]",
        "encoder = \x00",
    ]
)


@examples(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.lists(_LINES, max_size=6).map("\n".join))
@example("[limits]\npapers = " + "1" * 5_000)
@example("web = " + "[" * 5_000)
@example("a" * 100 + "." + "b." * 1_500 + "c = 1")
def test_whatever_a_file_says_there_are_settings_or_a_sentence(folder: Path, text: str) -> None:
    (folder / "carrel.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    said = ""
    try:
        load_settings(environ={}, folder=folder)
    except SettingsError as error:
        said = error.message
    assert said == "" or said.endswith(".")


@examples(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(
            ["WEB", "LIMITS__PAPERS", "MODELS__SMALL__NAME", "LIMITS", "SMALL", "X__Y", "__"]
        ).map("CARREL_".__add__),
        st.text(max_size=30),
    )
)
def test_whatever_the_environment_says_there_are_settings_or_a_sentence(
    folder: Path, environ: dict[str, str]
) -> None:
    said = ""
    try:
        load_settings(environ=environ, folder=folder)
    except SettingsError as error:
        said = error.message
    assert said == "" or said.endswith(".")


PROFILES = """\
web = "never"

[profiles.cheap]
web = "ask"

[profiles.cheap.limits]
papers = 2

[profiles.thorough]
limits.papers = 20
"""


def test_a_profile_goes_before_file_and_environment_and_after_what_is_typed(
    carrel_home: Path, folder: Path
) -> None:
    user = own(carrel_home, PROFILES)
    environ = {"CARREL_LIMITS__PAPERS": "4", "CARREL_PROFILE": "thorough"}
    cheap = load_settings(environ=environ, folder=folder, profile="cheap")
    assert (cheap.web, cheap.limits.papers) == ("ask", 2)
    assert cheap.origins["web"] == f"profile cheap in {user}, line 4"
    assert cheap.origins["limits.papers"] == f"profile cheap in {user}, line 7"
    assert load_settings(environ=environ, folder=folder).limits.papers == 20
    typed = load_settings(environ=environ, folder=folder, overrides={"limits.papers": 9})
    assert (typed.limits.papers, typed.web) == (9, "never")
    assert load_settings(environ=environ, folder=folder, profile="").limits.papers == 4


def test_a_profile_that_is_not_there_is_answered_with_those_that_are(carrel_home: Path, folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[profiles\.NAME\]|no profile 'cheap'") as none_there:
        load_settings(environ={"CARREL_PROFILE": "cheap"}, folder=folder)
    assert "[profiles.NAME]" in none_there.value.hint
    own(carrel_home, PROFILES)
    with pytest.raises(SettingsError, match="no profile 'chaep'") as others:
        load_settings(environ={}, folder=folder, profile="chaep")
    assert others.value.hint == "It has: cheap, thorough."


def test_a_mistake_in_a_profile_is_found_although_it_is_not_chosen(carrel_home: Path, folder: Path) -> None:
    own(carrel_home, "[profiles.cheap.limits]\npaper = 2\n")
    with pytest.raises(SettingsError, match=r"no setting 'limits.paper' .*line 2") as unknown:
        load_settings(environ={}, folder=folder)
    assert unknown.value.hint == "Did you mean limits.papers?"


def test_a_projects_file_has_no_profiles(folder: Path) -> None:
    write(folder / "carrel.toml", '[profiles.cheap]\nweb = "never"\n')
    with pytest.raises(SettingsError, match=r"may not set profiles\.cheap\.web"):
        load_settings(environ={}, folder=folder)
