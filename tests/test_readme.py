"""What the README says to type works, over papers of the reader's own and without a model or a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from assistant.settings import ModelRole, load_settings

ROOT = Path(__file__).parents[1]
NOTES = ROOT / "assistant" / "demo" / "notes"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody with papers in `~/papers` and `carrel` on the path."""
    home = tmp_path_factory.mktemp("reader")
    shutil.copytree(NOTES, home / "papers")
    scripts = home / "bin"
    scripts.mkdir()
    command = scripts / "carrel"
    command.write_text(f"#!{sys.executable}\nfrom assistant.cli import main\nmain()\n", encoding="utf-8")
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CARREL_")}
    return kept | {
        "HOME": str(home),
        "CARREL_HOME": str(home / "carrel"),
        "PATH": f"{scripts}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }


def run(arguments: list[str], reader: dict[str, str], typed: str | None = None) -> str:
    """Run as the reader does, in the home folder; fails with what was said on stderr."""
    done = subprocess.run(
        arguments,
        input=typed or "",
        capture_output=True,
        text=True,
        env=reader,
        cwd=reader["HOME"],
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert set(re.findall(r"^```(\w*)$", README, re.MULTILINE)) - {""} == {"bash", "python", "toml"}


def test_the_first_two_blocks_install_with_the_tested_versions() -> None:
    for block in blocks("bash")[:2]:
        lines = block.splitlines()
        assert lines[:2] == ["python3 -m venv .venv", ". .venv/bin/activate"]
        assert lines[2].startswith("pip install -c constraints.txt ")
    assert blocks("bash")[0].splitlines()[3:] == ["carrel demo"]
    assert "python -m pytest" in blocks("bash")[1]


@pytest.mark.timeout(400)  # some twenty commands, each a fresh process
def test_the_shell_blocks_after_them_run_one_after_the_other(reader: dict[str, str]) -> None:
    """In one shell session each, as they stand; adding comes first, as in the text."""
    for block in blocks("bash")[2:]:
        assert run(["bash", "-euo", "pipefail", "-c", block], reader)


def test_the_python_blocks_run_in_one_session(reader: dict[str, str]) -> None:
    session = "\n".join(blocks("python"))
    printed = run([sys.executable, "-W", "error", "-c", session], reader)
    assert "Reciprocal rank fusion" in printed
    assert "done" in printed.splitlines()


def test_the_demo_needs_no_key_and_no_network(reader: dict[str, str]) -> None:
    printed = run(["carrel", "demo"], reader)
    assert "[1]" in printed
    assert "What to try next" in printed


@pytest.mark.parametrize("text", blocks("toml"))
def test_the_settings_blocks_are_settings(text: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.toml").write_text(text, encoding="utf-8")
    settings = load_settings(tmp_path, environ={}, folder=tmp_path)
    written = tomllib.loads(text)
    assert settings.models.reasoning.name == written.get("models", {}).get("reasoning", {}).get("name", "")
    assert list(settings.app.keys) == written.get("app", {}).get("keys", [])


def test_the_models_in_the_table_are_model_names_with_addresses() -> None:
    rows = re.findall(r"^\| [\w. ]+ \| `(\w+:[^`]+)` \| (?:`([^`]+)`)? ?\|", README, re.MULTILINE)
    assert len(rows) >= 9
    for name, base_url in rows:
        assert ModelRole(name=name, base_url=base_url or None).name == name


def test_the_picture_of_the_app_is_there() -> None:
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert (ROOT / picture).read_text(encoding="utf-8").lstrip().startswith("<svg")


def test_the_number_of_notes_is_the_number_named() -> None:
    assert len([*NOTES.iterdir()]) == 11
    assert "adds eleven short research notes" in README


def test_every_benchmark_in_the_table_exists() -> None:
    from benchmarks.__main__ import NAMES

    assert set(re.findall(r"`python -m benchmarks ([a-z_]+)`", README)) == set(NAMES)
