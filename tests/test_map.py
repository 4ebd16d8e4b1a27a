"""The README's map of the code and the first line of each file are one text."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("indexes", "pipelines", "assistant", "tui", "benchmarks", "training")
BEGIN, END = "<!-- map: written by `python tests/test_map.py` -->", "<!-- end of map -->"


def first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return docstring.splitlines()[0] if docstring else ""


def source_files() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def the_map() -> str:
    """One heading a package, one line a file."""
    lines = [BEGIN]
    for folder in FOLDERS:
        package = ROOT / folder / "__init__.py"
        if not package.exists():
            continue
        lines += ["", f"### `{folder}`", "", first_line(package), ""]
        lines += [
            f"- `{path.relative_to(ROOT).as_posix()}`: {first_line(path)}"
            for path in sorted((ROOT / folder).rglob("*.py"))
            if path != package
        ]
    return "\n".join([*lines, "", END])


def written_map() -> str:
    match = re.search(
        f"{re.escape(BEGIN)}.*{re.escape(END)}", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    assert match, f"README.md has no {BEGIN}"
    return match.group()


def test_the_map_in_the_readme_is_the_first_line_of_each_file() -> None:
    assert written_map().splitlines() == the_map().splitlines()


def test_every_file_begins_with_one_sentence_that_says_what_it_owns() -> None:
    wrong = [
        path.relative_to(ROOT).as_posix()
        for path in source_files()
        if not re.fullmatch(r"[A-Z0-9`].{10,}[.?)`]", first_line(path))
    ]
    assert wrong == []


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in source_files()}
    assert {path.relative_to(ROOT).as_posix(): n for path, n in lengths.items() if n > 400} == {}


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(readme.read_text("utf-8").replace(written_map(), the_map()), encoding="utf-8")
    sys.exit()
