"""What is installed: the wheel's contents, the tested versions and their hashes."""

from __future__ import annotations

import importlib.metadata
import itertools
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("assistant", "pipelines", "indexes", "tui")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in a wheel built from a copy, so that the tree keeps no build folder."""
    source = tmp_path_factory.mktemp("source")
    built = tmp_path_factory.mktemp("built")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*command, "-w", str(built), str(source)], check=True, capture_output=True, timeout=100)
    (path,) = built.glob("carrel-*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def pins(file_name: str) -> dict[str, str]:
    """Project name to version, as the file pins it."""
    text = (ROOT / file_name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


def is_installed(name: str) -> bool:
    return any(importlib.metadata.distributions(name=name))


def canonical(requirement: str) -> str:
    """The project's name in a requirement, as indexes write it."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return re.sub(r"[-_.]+", "-", match.group()).lower()


def source_files() -> set[str]:
    """Everything but the README's picture."""
    return {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".svg"
    }


def test_every_folder_of_python_files_is_a_listed_package(project: dict[str, Any]) -> None:
    folders = {
        Path(name).parent.as_posix().replace("/", ".") for name in source_files() if name.endswith(".py")
    }
    assert folders == set(project["tool"]["setuptools"]["packages"])


def test_the_wheel_holds_every_file_of_the_four_packages_and_no_other(wheel: set[str]) -> None:
    packed = {name for name in wheel if ".dist-info/" not in name}
    assert packed == source_files()


def test_the_wheel_carries_the_licence(wheel: set[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_the_command_prints_the_version_that_is_packaged(project: dict[str, Any]) -> None:
    if not is_installed("carrel"):
        pytest.skip("carrel is not installed here: pip install -c constraints.txt -e '.[test]'")
    command = [sys.executable, "-c", "from assistant.cli import main; main()", "--version"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=60).stdout
    assert printed.split()[-1] == project["project"]["version"]


@pytest.mark.parametrize("file_name", ["constraints.txt", "requirements.lock", "README.md", "pyproject.toml"])
def test_no_package_index_is_named(file_name: str) -> None:
    text = (ROOT / file_name).read_text(encoding="utf-8")
    assert not re.search(r"index-url|find-links|trusted-host|pypi\.|pythonhosted|/simple\b", text)


def test_every_requirement_is_pinned_to_a_tested_version(project: dict[str, Any]) -> None:
    extras = dict(project["project"]["optional-dependencies"])
    assert all("==" in line for line in extras.pop("training"))
    groups = [project["project"]["dependencies"], *extras.values()]
    wanted = {canonical(line) for group in groups for line in group}
    assert wanted - {"carrel"} <= pins("constraints.txt").keys()


def test_constraints_and_lock_pin_the_same_versions() -> None:
    assert pins("constraints.txt") == pins("requirements.lock")


def test_every_locked_version_has_hashes() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins("requirements.lock"))
    assert [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_chroma_is_pinned_exactly(project: dict[str, Any]) -> None:
    assert f"chromadb=={pins('constraints.txt')['chromadb']}" in project["project"]["dependencies"]


def test_each_dependency_says_what_it_is_for() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[project.scripts]")[0].splitlines()
    lines = lines[lines.index("dependencies = [") :]
    unexplained = [
        line.strip()
        for above, line in itertools.pairwise(lines)
        if re.match(r'    "', line) and not above.startswith("    # ")
    ]
    assert unexplained == []


def test_the_demo_pdf_is_what_the_repository_generates() -> None:
    from assistant.demo.make_pdf import NOTE_PATH, note_pdf

    assert NOTE_PATH.read_bytes() == note_pdf()


def test_the_demo_pdf_has_two_pages_a_title_and_an_author() -> None:
    from pypdf import PdfReader

    from assistant.demo.make_pdf import NOTE_PATH

    reader = PdfReader(NOTE_PATH, strict=True)
    assert len(reader.pages) == 2
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.author) == ("Verifying citations", "Carrel contributors")
    assert "Two measures of an answer" in reader.pages[1].extract_text()
