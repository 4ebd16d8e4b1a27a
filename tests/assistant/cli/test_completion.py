"""What a shell completes, in the protocol of each of the four and in a real bash; and the manual page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from assistant.cli.roff import manual_page
from assistant.cli.root import COMMANDS, root
from assistant.exit_codes import MEANINGS
from tests.assistant.command_line import LIGHT, QUESTION, ROOT, carrel, environment
from tests.test_imports import HEAVY

TELL_IMPORTS = """
import sys
from assistant.cli import main
sys.argv = ["carrel"]
try:
    main()
finally:
    sys.stderr.write("\\n" + " ".join({name.partition(".")[0] for name in sys.modules}))
"""


def completed(typed: str, *, shell: str = "bash", env: dict[str, str] | None = None) -> list[str]:
    """The values that are offered for the last word of `typed`, which may be empty."""
    words = typed.split(" ")
    asked = {
        "_CARREL_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
    }
    said = carrel(env={**LIGHT, **asked, **(env or {})}).stdout.splitlines()
    match shell:
        case "bash":
            return [line.partition(",")[2] for line in said if line]
        case "fish":
            return [line.partition(",")[2].partition("\t")[0] for line in said]
        case _:
            return said[1::3]  # type, value and help, a line each


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_script_and_completes_a_command(shell: str) -> None:
    assert "_CARREL_COMPLETE" in carrel("completion", shell).stdout
    assert completed("carrel coll", shell=shell) == ["collections"]


def test_collections_are_those_of_the_library_and_the_catalogue_is_only_looked_at(filled: Path) -> None:
    assert completed("carrel ask --collection ") == ["papers"]
    assert completed("carrel collections rename pap") == ["papers"]
    assert completed("carrel --home /nonexistent search --collection ") == []


def test_a_damaged_catalogue_or_history_offers_nothing_and_says_nothing(
    filled: Path, carrel_home: Path
) -> None:
    (carrel_home / "data" / "library" / "catalogue.sqlite").write_bytes(b"not a database" * 500)
    ran = carrel(
        env={
            "_CARREL_COMPLETE": "bash_complete",
            "COMP_WORDS": "carrel ask --collection ",
            "COMP_CWORD": "3",
        }
    )
    assert (ran.stdout.strip(), ran.stderr) == ("", "")


def test_settings_and_their_choices_come_from_the_schema_that_ships() -> None:
    assert completed("carrel ask --set limits.pap") == ["limits.papers="]
    assert completed("carrel ask --set web=") == ["web=ask", "web=auto", "web=never"]
    assert completed("carrel ask --set library.ocr=t") == ["library.ocr=true"]
    assert "history.days" in completed("carrel config show history.")
    assert len(completed("carrel ask --set ")) >= 70


def test_profiles_are_those_of_the_settings_file(carrel_home: Path) -> None:
    (carrel_home / "config").mkdir()
    (carrel_home / "config" / "config.toml").write_text('[profiles.cheap]\nweb = "never"\n[profiles.empty]\n')
    assert completed("carrel ask --profile ") == ["cheap"]
    assert completed("carrel -p ch") == ["cheap"]


def test_past_questions_are_offered_by_name(filled: Path) -> None:
    carrel("ask", "-q", "--web", "never", QUESTION, env=LIGHT)
    offered = completed("carrel show ")
    assert offered[0] == "last"
    assert len(offered) == 2
    described = carrel(
        env={"_CARREL_COMPLETE": "fish_complete", "COMP_WORDS": "carrel show ", "COMP_CWORD": ""}
    ).stdout
    assert "What does full jitter" in described


@pytest.mark.parametrize(
    "typed", ["carrel ", "carrel ask --collection ", "carrel ask --set l", "carrel show "], ids=str.strip
)
def test_completing_imports_nothing_heavy(typed: str, filled: Path) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    ran = subprocess.run(
        [sys.executable, "-P", "-c", TELL_IMPORTS],
        capture_output=True,
        text=True,
        env=environment({"_CARREL_COMPLETE": "bash_complete", **words}),
        check=False,
    )
    assert ran.stdout
    assert set(ran.stderr.rpartition("\n")[2].split()) & set(HEAVY) == set()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_real_bash_completes(filled: Path, tmp_path: Path) -> None:
    script = tmp_path / "carrel"
    script.write_text(f"#!{sys.executable} -P\nfrom assistant.cli import main\nmain()\n")
    script.chmod(0o755)
    typed = (
        'eval "$(carrel completion bash)"; COMP_WORDS=(carrel search --collection ""); COMP_CWORD=3;'
        ' _carrel_completion carrel; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    env = environment({"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"})
    ran = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, env=env, check=True)
    assert ran.stdout == "papers\n"


def test_the_manual_has_every_command_and_every_exit_code() -> None:
    assert isinstance(root, click.Group)
    page = manual_page(root, "1.0")
    for name in COMMANDS:
        assert f".SS carrel {name}" in page
    for code in MEANINGS:
        assert f".B {int(code)}\n" in page
    assert page.count("\n.TP\n") > 100


def test_no_text_of_the_manual_is_a_request_or_an_escape() -> None:
    @click.group(help=".so /etc/passwd\n\n\\*[x] it's `here`")
    def hostile() -> None: ...

    page = manual_page(hostile, "1.0")
    assert "\n\\&.so" in page
    assert "\\e*[x]" in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
def test_the_manual_is_roff_without_a_fault() -> None:
    page = carrel("man").stdout
    ran = subprocess.run(
        ["groff", "-man", "-ww", "-z"], input=page, capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert ran.stderr == ""
