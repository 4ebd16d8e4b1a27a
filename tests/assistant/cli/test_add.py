"""`carrel add`: what it says of each file, what it keeps, and how it goes on."""

from __future__ import annotations

import json
import re
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.assistant.command_line import (
    begun,
    light,
)
from tests.indexes.readers.pdf_writer import pdf
from tests.indexes.readers.test_ocr import scan


@pytest.fixture
def notes(filled_home: tuple[Path, Path], tmp_path: Path) -> Path:
    """The same notes, not in the library yet."""
    return shutil.copytree(filled_home[0], tmp_path / "more notes")


def test_adding_says_the_result_on_stdout_and_the_rest_on_stderr(notes: Path) -> None:
    ran = light("add", str(notes))
    assert ran.code == 0
    assert re.fullmatch(r"Added 2 documents to papers \(2 pages, \d+ passages\)\.\n", ran.stdout)
    assert "found: 2 files" in ran.stderr


def test_adding_again_says_that_nothing_changed(filled: Path) -> None:
    assert "2 unchanged" in light("add", str(filled)).stdout


def test_adding_tells_each_failure_with_its_reason_goes_on_and_exits_3(notes: Path) -> None:
    (notes / "empty.pdf").write_bytes(b"")
    (notes / "binary.txt").write_bytes(bytes(range(256)) * 40)
    ran = light("add", str(notes))
    assert ran.code == 3
    assert "Added 2 documents" in ran.stdout
    assert "empty.pdf" in ran.stderr
    assert "binary.txt" in ran.stderr


def test_adding_only_what_cannot_be_read_exits_1(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").write_bytes(b"")
    ran = light("add", str(tmp_path / "empty.pdf"))
    assert ran.code == 1
    assert "empty.pdf" in ran.stderr


@pytest.mark.parametrize(("name", "code"), [("no such file.pdf", 2), ("empty folder", 4)])
def test_adding_nothing_names_it_and_says_what_to_do(name: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "empty folder").mkdir()
    ran = light("add", str(tmp_path / name))
    assert (ran.code, ran.stdout) == (code, "")
    assert name in ran.stderr
    assert len(ran.stderr.splitlines()) >= 2


def test_adding_zotero_without_a_zotero_says_where_it_looked() -> None:
    ran = light("add", "--zotero")
    assert ran.code == 2
    assert "There is no Zotero library in" in ran.stderr


def test_adding_with_a_reader_by_name_reads_what_carrel_does_not(tmp_path: Path) -> None:
    (tmp_path / "rows.rows").write_text('{"finding": "owls hear well"}')
    ran = light("add", str(tmp_path), "--reader", "llama_index.core.readers.json:JSONReader=.rows")
    assert ran.code == 0, ran.stderr
    assert "owls hear well" in light("search", "owls").stdout


def test_a_reader_that_is_not_installed_says_what_to_install(tmp_path: Path) -> None:
    ran = light("add", str(tmp_path), "--reader", "llama_index.readers.nowhere:Reader=.rows")
    assert ran.code == 2
    assert "pip install llama-index-readers-nowhere" in ran.stderr


def test_a_scan_is_read_by_ocr_where_that_is_asked_for(tmp_path: Path) -> None:
    scanned = tmp_path / "scanned.pdf"
    scanned.write_bytes(scan(pdf([(20, "Hearing in barn owls"), "Owls locate prey in the dark by ear."])))

    without = light("add", str(scanned))
    assert without.code == 1
    assert "--ocr" in without.stderr
    ran = light("add", "--ocr", str(scanned))
    if find_spec("rapidocr"):
        assert ran.code == 0
        assert "barn owls" in light("search", "prey in the dark").stdout
    else:
        assert ran.code == 1
        assert "pip install 'carrel[ocr]'" in ran.stderr


def test_adding_as_json_is_the_report(notes: Path) -> None:
    document = json.loads(light("add", "--format", "json", str(notes)).stdout)
    assert (document["command"], document["data"]["pages"]) == ("add", 2)


def test_ctrl_c_while_papers_are_added_keeps_them_and_says_how_to_go_on(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"note-{number}.md").write_text(f"# Note {number}\n\nKiln number {number} is hot.\n")
    with begun("add", "-v", str(tmp_path)) as adding:
        assert any(line.startswith("indexed") for line in adding.stderr)
        adding.process.send_signal(signal.SIGINT)
        said = adding.stderr.read()
        assert adding.stdout.read() == ""
    assert adding.process.returncode == 130
    assert said.endswith("Stopped. What was added stays; the same command goes on from there.\n")
    assert re.search(r"; [1-9]\d* unchanged", light("add", str(tmp_path)).stdout)


def test_a_library_made_by_another_encoder_is_named_with_the_way_on(
    filled: Path, models_folder: Path
) -> None:
    ran = light("add", str(filled), env={"CARREL_LIBRARY__ENCODER": "all-MiniLM-L6-v2"})
    told = ran.stdout + ran.stderr
    assert "hashing" in told.lower()
    assert "Traceback" not in told
