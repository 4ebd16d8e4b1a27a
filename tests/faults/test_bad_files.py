"""A folder with every kind of bad file: each has the fate it should have, with a reason, and the good ones are there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from indexes.clean import clean, count_unsafe
from indexes.content import stored_path
from indexes.events import AddEvent, FileDone
from indexes.library import Library
from tests.faults.corpus.bad_files import BOMBS, CORRUPT, GOOD, LOCKED, NAMES, ODD, SCANS, BadFile

_QUICK = {"circular-pages.pdf", "recursive-form.pdf", "laughs.xml", "deep.xml", "loop.tex", "deep.ipynb"}


def _written(folder: Path, files: tuple[BadFile, ...]) -> dict[str, Path]:
    folder.mkdir()
    for file in files:
        (folder / file.name).write_bytes(file.make())
    return {file.name: folder.resolve() / file.name for file in files}


async def _added(library: Library, folder: Path, files: tuple[BadFile, ...]) -> Mapping[str, FileDone]:
    paths = _written(folder, files)
    outcomes: dict[str, FileDone] = {}

    def note(event: AddEvent) -> None:
        if isinstance(event, FileDone):
            outcomes[event.path] = event

    # By name: a file whose name says nothing is read if the person names it.
    await library.add(list(paths.values()), emit=note)
    return {name: outcomes[stored_path(path)] for name, path in paths.items()}


@pytest.mark.parametrize(
    "files",
    [CORRUPT, LOCKED + SCANS, ODD, NAMES, tuple(bomb for bomb in BOMBS if bomb.name in _QUICK)],
    ids=["E1 corrupt", "E2 and E8 locked and scanned", "E5 and E6 odd", "E9 names", "E3 quick bombs"],
)
async def test_each_bad_file_has_a_fate_with_a_reason(tmp_path: Path, files: tuple[BadFile, ...]) -> None:
    async with Library.open(tmp_path / "library") as library:
        outcomes = await _added(library, tmp_path / "files", files + GOOD[:3])
        wrong = {
            file.name: (outcomes[file.name].fate, outcomes[file.name].reason)
            for file in files + GOOD[:3]
            if outcomes[file.name].fate not in file.fates
        }
        assert wrong == {}
        for outcome in outcomes.values():
            assert outcome.reason or outcome.passages
            assert count_unsafe(outcome.reason) == 0
        for document in await library.documents():
            text = await library.text(document.id)
            assert text == clean(text)
            assert text.strip()
            assert count_unsafe(document.title) == 0
        for number in range(3):
            assert len((await library.search(f"owl{number}")).hits) == 1


async def test_locked_and_scanned_files_are_typed(tmp_path: Path) -> None:
    async with Library.open(tmp_path / "library") as library:
        outcomes = await _added(library, tmp_path / "files", LOCKED + SCANS)
    assert "needs a password" in outcomes["user-password.pdf"].reason
    assert "no text layer" in outcomes["scan.pdf"].reason


async def test_clean_quotes_are_found_in_text_that_was_full_of_invisible_characters(tmp_path: Path) -> None:
    odd = {file.name: file for file in ODD}
    async with Library.open(tmp_path / "library") as library:
        await _added(library, tmp_path / "files", (odd["invisible.txt"], odd["rtl.txt"]))
        texts = {Path(d.source).name: await library.text(d.id) for d in await library.documents()}
    assert texts["invisible.txt"] == "Owls hear well."
    assert texts["rtl.txt"] == "Owls gnp.exe hear well."
