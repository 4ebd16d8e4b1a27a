"""`carrel papers` and `carrel collections` over a real library, as a person or a script meets them."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.paths import find_paths
from tests.assistant.command_line import LIGHT, carrel_in_terminal, command, environment, light
from tests.indexes.registry_server import registry_server

HOSTILE = "\x1b]52;c;cm0gLXJm\x07\x1b[2J\x9b31m\u202eevil\u202c"


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Notes of two collections, and a home whose library holds them; tests use copies of it."""
    folder, home = tmp_path_factory.mktemp("my notes"), tmp_path_factory.mktemp("filled")
    (folder / "jitter.md").write_text(
        f"# Full jitter {HOSTILE}\n\nFull jitter spreads the retries of clients.\n"
    )
    (folder / "breaker.md").write_text(
        "# Breakers\n\nA circuit breaker stops calling a service that fails.\n"
    )
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "library.bib").write_text(
        "@article{b, title={Breakers}, author={Wide, 宽字符}, year={2019}, file={breaker.md}}\n"
    )
    other = tmp_path_factory.mktemp("other")
    (other / "owls.md").write_text("# Owls\n\nOwls hunt mice at night.\n")
    with Assistant(home, library__encoder="hashing") as assistant:
        assistant.add(folder)
        assistant.add(other, collection="birds")
    return folder, home


@pytest.fixture
def filled(filled_home: tuple[Path, Path], carrel_home: Path) -> Path:
    """The folder of the notes that the library holds."""
    folder, home = filled_home
    shutil.copytree(home, carrel_home, dirs_exist_ok=True)
    return folder


def test_papers_are_listed_as_a_table_that_no_title_can_spoil(filled: Path) -> None:
    ran = light("papers")
    assert ran.code == 0
    lines = ran.stdout.splitlines()
    assert lines[0].split() == ["id", "year", "author", "collection", "title"]
    assert [line.split("  ")[-1].strip() for line in lines[1:4]] == ["Breakers", "Full jitter evil", "Owls"]
    assert lines[4] == "3 papers."
    assert "\x1b" not in ran.stdout


def test_a_list_in_a_terminal_fits_it(filled: Path) -> None:
    shown = carrel_in_terminal("papers", "list", env={**LIGHT, "COLUMNS": "60"}).stdout
    assert "Breakers" in shown
    assert all(len(line) <= 60 for line in shown.splitlines())


def test_a_list_for_scripts_is_a_json_object_on_each_line(filled: Path) -> None:
    ran = light("papers", "list", "--json", "--year", "2019..2023")
    (holding,) = map(json.loads, ran.stdout.splitlines())
    assert holding["document"]["title"] == "Breakers"
    assert holding["files"] == [str(filled / "breaker.md")]
    assert json.loads(light("papers", "list", "--format", "json").stdout)["command"] == "papers list"


def test_a_year_that_is_none_is_wrong_usage(filled: Path) -> None:
    ran = light("papers", "list", "--year", "soon")
    assert ran.code == 2
    assert "'soon'" in ran.stderr


def test_one_paper_is_shown_with_all_that_is_known_of_it(filled: Path) -> None:
    ran = light("papers", "show", "breaker.md")
    assert ran.code == 0
    assert "Breakers" in ran.stdout
    assert str(filled / "breaker.md") in ran.stdout
    assert "2019" in ran.stdout


def test_a_name_of_several_papers_lists_them_and_exits_with_2(filled: Path) -> None:
    ran = light("papers", "show", "r", "--json")
    assert ran.code == 2
    assert "Breakers" in ran.stderr
    assert "Full jitter" in ran.stderr
    error = json.loads(ran.stdout)
    assert (error["command"], error["error"]["kind"]) == ("papers show", "NameAmbiguous")


def test_failed_files_are_listed_with_their_reasons(filled: Path) -> None:
    ran = light("papers", "failed")
    assert str(filled / "empty.pdf") in ran.stdout
    assert "1 file, 0 of them worth another try." in ran.stdout
    (record,) = map(json.loads, light("papers", "failed", "--json").stdout.splitlines())
    assert record["reason"]


def test_references_go_to_stdout_or_to_a_new_file(filled: Path, tmp_path: Path) -> None:
    written = light("papers", "export", "--collection", "papers").stdout
    assert written.count("@misc{") == 2
    file = tmp_path / "library.ris"
    assert light("papers", "export", "-o", str(file)).code == 0
    assert file.read_text().count("TY  - ") == 3
    again = light("papers", "export", "-o", str(file))
    assert again.code == 2
    assert "--force" in again.stderr


def test_collections_are_listed(filled: Path) -> None:
    ran = light("collections")
    assert [line.split() for line in ran.stdout.splitlines()] == [
        ["papers", "passages", "embedded", "name"],
        ["1", "1", "1", "birds"],
        ["2", "2", "2", "papers"],
    ]


def test_an_empty_library_says_so() -> None:
    assert light("papers").stdout == "No papers.\n"
    assert light("collections").stdout == "No collections: the library is empty.\n"
    assert light("papers", "failed").stdout == "No failed files.\n"


def test_removing_asks_first_and_takes_no_for_an_answer(filled: Path) -> None:
    refused = carrel_in_terminal("papers", "remove", "Owls", env=LIGHT, answers=[("[y/N]", "n\n")])
    assert refused.code == 1
    assert "Nothing was removed." in refused.stdout
    done = carrel_in_terminal("papers", "remove", "Owls", env=LIGHT, answers=[("[y/N]", "y\n")])
    assert done.code == 0
    assert "Removed 1 paper." in done.stdout
    assert "Owls" not in light("papers").stdout


def test_where_nobody_can_be_asked_removing_needs_a_yes(filled: Path) -> None:
    refused = light("papers", "remove", "Owls", "--json")
    assert refused.code == 2
    assert "--yes" in refused.stderr
    assert json.loads(refused.stdout)["error"]["kind"] == "Unconfirmed"
    done = light("papers", "remove", "Owls", "--yes", "--json")
    assert json.loads(done.stdout)["data"]["papers"] == 1


def test_removing_says_where_answers_stay_that_quote_what_was_removed(
    filled: Path, carrel_home: Path
) -> None:
    said = f"{find_paths(carrel_home).history} forgets all of them"
    assert said not in light("papers", "remove", "--gone", "--yes").stderr
    assert said in light("papers", "remove", "Owls", "--yes").stderr


def test_a_yes_does_not_take_out_a_whole_folder_that_may_only_be_away(
    carrel_home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "disk" / "papers"
    folder.mkdir(parents=True)
    for name in ("owls.md", "bees.md"):
        (folder / name).write_text(f"# About {name}\n\nThis is about {name}.\n")
    light("add", str(folder))
    shutil.rmtree(folder.parent)
    kept = light("papers", "remove", "--gone", "--yes")
    assert (kept.code, kept.stdout) == (0, "Removed 0 papers.\n")
    assert "--emptied" in kept.stderr
    assert light("papers", "remove", "--gone", "--yes", "--emptied").stdout == "Removed 2 papers.\n"


def test_failed_files_are_read_again(carrel_home: Path, tmp_path: Path) -> None:
    (tmp_path / "late.txt").write_bytes(b"")
    assert light("add", str(tmp_path / "late.txt")).code == 1
    (tmp_path / "late.txt").write_text("Now it says something.")
    ran = light("papers", "retry")
    assert ran.code == 0
    assert "Added 1 document" in ran.stdout


def test_a_library_is_checked_and_repaired_from_the_command_line(filled: Path, carrel_home: Path) -> None:
    sound = light("papers", "check")
    assert (sound.code, sound.stderr) == (0, "")
    assert sound.stdout.startswith("The library is sound: 3 documents, 3 passages, 3 vectors")
    (catalogue,) = carrel_home.rglob("catalogue.sqlite")
    with closing(sqlite3.connect(catalogue)) as connection, connection:
        connection.execute("INSERT INTO passages_fts (passages_fts) VALUES ('delete-all')")
    broken = light("papers", "check", "--json")
    assert broken.code == 1
    assert "carrel papers repair" in broken.stderr
    assert json.loads(broken.stdout)["data"]["findings"][0]["place"] == "keyword index"
    mended = light("papers", "repair")
    assert mended.code == 0
    assert mended.stdout.splitlines()[0] == "The keyword index was made anew from the passages."


def test_a_collection_is_renamed_and_removed_from_the_command_line(filled: Path) -> None:
    assert light("collections", "rename", "birds", "owls").stdout == "1 paper moved to owls.\n"
    assert light("collections", "remove", "owls").code == 2
    assert light("collections", "remove", "owls", "--yes").stdout == "Removed 1 paper.\n"
    assert [line.split()[-1] for line in light("collections").stdout.splitlines()] == ["name", "papers"]


def test_papers_are_enriched_after_a_yes_and_not_without(filled: Path) -> None:
    with registry_server() as server:
        setting = f"library.registry_url={server.url}"
        server.answers["/works"] = {"message": {"items": [{"title": ["Owls"], "DOI": "10.1000/owls"}]}}
        refused = light("papers", "enrich", "--set", setting)
        assert refused.code != 0
        assert "needs a yes" in refused.stderr
        assert server.asked == [], "nothing is sent without a yes"
        ran = light("papers", "enrich", "--yes", "--set", setting)
        assert ran.code == 0, ran.stderr
        assert "3 not known there" in ran.stdout, "titles as short as these may be those of many papers"
        failed = light(
            "papers", "enrich", "--yes", "--json", "--set", "library.registry_url=http://127.0.0.1:9"
        )
        assert failed.code == 0, "titles that are not asked about cannot fail"


def test_each_event_of_adding_is_a_json_line_if_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "owls.md").write_text("# Owls\n\nOwls hunt mice at night.\n")
    (tmp_path / "empty.pdf").write_bytes(b"")
    events = [json.loads(line) for line in light("add", "--json", str(tmp_path)).stdout.splitlines()]
    assert [event["type"] for event in events] == [
        "files_found",
        "file_done",
        "file_done",
        "embedded",
        "added",
    ]
    fates = {Path(event["path"]).name: event["fate"] for event in events if event["type"] == "file_done"}
    assert fates == {"owls.md": "indexed", "empty.pdf": "failed"}
    assert events[-1]["report"]["counts"] == {"indexed": 1, "failed": 1}


def test_a_folder_is_followed_until_ctrl_c_which_ends_well(tmp_path: Path) -> None:
    (tmp_path / "owls.md").write_text("# Owls\n\nOwls hunt mice at night.\n")
    process = subprocess.Popen(
        command("add", "--watch", str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(LIGHT),
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert process.stdout.readline().startswith("Added 1 document to papers")
        while "following:" not in process.stderr.readline():
            pass
        (tmp_path / "bees.md").write_text("# Bees\n\nBees dance.\n")
        assert process.stdout.readline().startswith("Added 1 document to papers")
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert rest.startswith("In all: Added 2 documents to papers")
    assert "Ended after 2 rounds." in said
