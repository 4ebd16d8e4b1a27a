"""What `conftest.py` promises to every test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

_PROBE = """
import socket, pytest

def test_the_probe():
    try:
        {reach}
    except Exception:
        pass  # as code does that copes with a missing network
"""


def test_every_test_has_an_empty_home_of_its_own(carrel_home: Path, tmp_path: Path) -> None:
    assert os.environ["CARREL_HOME"] == str(carrel_home)
    assert Path.home() == carrel_home.parent
    assert not any(carrel_home.iterdir())
    assert not any(tmp_path.iterdir())


def test_no_setting_key_or_tracing_of_the_person_reaches_a_test() -> None:
    ours = {name: value for name, value in os.environ.items() if name.startswith("CARREL_")}
    assert ours.keys() == {"CARREL_HOME", "CARREL_LIBRARY__ENCODER"}
    assert ours["CARREL_LIBRARY__ENCODER"] == "none"
    assert not [name for name in os.environ if name.endswith("_API_KEY")]
    # Carrel itself switches tracing off in its process, so "false" may stand there after other tests.
    tracing = [name for name in os.environ if name.startswith(("LANGSMITH_", "LANGCHAIN_"))]
    assert all(os.environ[name] == "false" for name in tracing)


def test_the_embedding_model_is_there_only_for_the_test_that_asks(models_folder: Path) -> None:
    assert Path(os.environ["CARREL_MODELS"]) == models_folder


def test_a_name_that_nobody_can_own_is_not_found_as_without_a_network() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("models.invalid", 443))


@pytest.mark.parametrize(
    "reach",
    ["socket.create_connection(('192.0.2.1', 80), timeout=1)", "socket.getaddrinfo('carrel.dev', 443)"],
)
def test_reaching_out_fails_the_test_even_when_the_code_copes(reach: str, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "conftest.py").write_text(
        "from tests.conftest import *\nfrom tests.conftest import _only_loopback\n"
    )
    (tmp_path / "test_probe.py").write_text(_PROBE.format(reach=reach))

    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root), "PYTEST_ADDOPTS": ""},
    )

    assert run.returncode == 1
    assert "only loopback is allowed" in run.stdout
