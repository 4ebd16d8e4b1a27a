"""Files into the library: every one has its own fate, and nothing done is lost or done twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexes.database import Database
from indexes.errors import Damaged, LibraryBusy, NothingToRead, PathMissing
from indexes.events import Added, AddEvent, FileDone, FilesFound
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.lock import WriterLock
from indexes.types import Fate, ParsedDocument
from indexes.vectors import PassageVectors


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library") as library:
        yield library


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Three readable files in two formats."""
    folder = tmp_path / "papers"
    (folder / "old").mkdir(parents=True)
    (folder / "owls.txt").write_text("Owls hunt at night. They hear very well.")
    (folder / "bees.md").write_text("# Bees\n\nBees dance to tell where flowers are.")
    (folder / "old" / "ants.txt").write_text("Ants follow trails of scent.")
    return folder


async def _found(library: Library, text: str) -> list[str]:
    return [Path(hit.document.source).name for hit in (await library.search(text)).hits]


async def test_a_folder_is_searchable_after_adding_it(library: Library, papers: Path) -> None:
    report = await library.add([papers])
    assert report.counts == {Fate.INDEXED: 3}
    assert (report.pages, report.failures, report.notes) == (3, (), ())
    assert report.passages == 3
    assert report.seconds > 0
    assert await _found(library, "where do bees dance") == ["bees.md"]
    (bees,) = await library.documents([(await library.search("bees")).hits[0].document.id])
    assert (bees.title, bees.media_type) == ("Bees", "text/markdown")
    assert Path(bees.source).is_absolute()
    assert Path(bees.source).name == "bees.md"


async def test_each_event_comes_in_its_turn(library: Library, papers: Path) -> None:
    events: list[AddEvent] = []
    (papers / "song.mp3").write_bytes(b"ID3")
    report = await library.add([papers], emit=events.append)
    assert events[0] == FilesFound(total=4)
    assert events[-1] == Added(report=report)
    done = [event for event in events if isinstance(event, FileDone)]
    assert [(event.done, event.total) for event in done] == [(n, 4) for n in (1, 2, 3, 4)]
    assert {(Path(event.path).name, event.fate) for event in done} == {
        ("song.mp3", Fate.SKIPPED),
        ("owls.txt", Fate.INDEXED),
        ("bees.md", Fate.INDEXED),
        ("ants.txt", Fate.INDEXED),
    }


async def test_a_file_is_found_before_the_others_are_done(library: Library, papers: Path) -> None:
    """Whatever has been announced can be searched at that moment."""
    checked: list[asyncio.Task[list[str]]] = []

    def check(event: AddEvent) -> None:
        if isinstance(event, FileDone):
            checked.append(asyncio.create_task(_found(library, "owls bees ants")))

    await library.add([papers], emit=check)
    assert [len(await found) >= n for n, found in enumerate(checked, 1)] == [True, True, True]


async def test_adding_again_costs_no_work_and_writes_nothing(library: Library, papers: Path) -> None:
    await library.add([papers])
    before = _snapshot(library.folder)
    report = await library.add([papers])
    assert report.counts == {Fate.UNCHANGED: 3}
    assert _snapshot(library.folder) == before


async def test_one_bad_file_never_stops_the_others(library: Library, papers: Path) -> None:
    (papers / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really")
    (papers / "empty.txt").write_bytes(b"")
    (papers / "binary.txt").write_bytes(bytes(range(256)) * 40)
    (papers / "blank.md").write_text("  \n\n ")
    report = await library.add([papers])
    assert report.counts[Fate.INDEXED] == 3
    failed = {Path(path).name: reason for path, reason in report.failures}
    assert set(failed) == {"broken.pdf", "empty.txt", "binary.txt", "blank.md"}
    assert all(reason.endswith(".") and len(reason) > 20 for reason in failed.values())
    recorded = {Path(record.path).name: record for record in await library.failures()}
    assert all(recorded[name].reason == failed[name] for name in recorded)
    assert recorded["empty.txt"].fate is Fate.FAILED


async def test_what_failed_for_good_is_reported_again_but_read_only_when_asked(
    library: Library, papers: Path
) -> None:
    (papers / "empty.txt").write_bytes(b"")
    first = await library.add([papers])
    second = await library.add([papers])
    assert second.failures == first.failures
    assert (await library.failures())[0].attempts == 1
    await library.add([papers], again=True)
    assert (await library.failures())[0].attempts == 2
    (papers / "empty.txt").write_text("Words at last.")
    assert (await library.add([papers])).counts == {Fate.UNCHANGED: 3, Fate.INDEXED: 1}
    assert await library.failures() == ()


async def test_a_changed_file_replaces_its_old_text(library: Library, papers: Path) -> None:
    await library.add([papers])
    (papers / "owls.txt").write_text("Owls now sleep.")
    os.utime(papers / "owls.txt", (0, 0))  # identity is the content, not the time
    report = await library.add([papers])
    assert report.counts == {Fate.UNCHANGED: 2, Fate.INDEXED: 1}
    assert await _found(library, "hunt at night") == []
    assert await _found(library, "sleep") == ["owls.txt"]
    assert len(await library.documents()) == 3


async def test_a_file_whose_new_version_cannot_be_read_answers_with_its_old_one(
    library: Library, papers: Path
) -> None:
    await library.add([papers])
    (papers / "owls.txt").write_bytes(bytes(range(256)) * 40)
    report = await library.add([papers])
    assert len(report.failures) == 1
    assert await _found(library, "hunt at night") == ["owls.txt"]
    (papers / "owls.txt").write_text("Owls hunt at night. They hear very well.")
    assert (await library.add([papers])).failures == ()
    assert await library.failures() == ()


async def test_the_same_content_twice_is_one_document_until_both_files_change(
    library: Library, papers: Path
) -> None:
    (papers / "twin.txt").write_bytes((papers / "owls.txt").read_bytes())
    await library.add([papers])
    assert len(await library.documents()) == 3
    (papers / "owls.txt").write_text("Something else.")
    await library.add([papers])
    assert await _found(library, "hunt at night") == ["twin.txt"]
    (papers / "twin.txt").write_text("Something else again.")
    await library.add([papers])
    assert await _found(library, "hunt at night") == []
    assert len(await library.documents()) == 4


async def test_the_same_file_in_two_collections_is_two_documents(library: Library, papers: Path) -> None:
    await library.add([papers / "owls.txt"], collection="birds")
    await library.add([papers / "owls.txt"], collection="hunters")
    assert [(c.name, c.documents) for c in await library.collections()] == [("birds", 1), ("hunters", 1)]
    assert len((await library.search("owls", collections=["birds"])).hits) == 1


async def test_a_missing_path_is_named_and_nothing_is_added(library: Library, papers: Path) -> None:
    with pytest.raises(PathMissing, match="nowhere"):
        await library.add([papers, papers / "nowhere"])
    assert await library.documents() == ()


async def test_a_folder_without_a_readable_file_says_what_was_skipped(
    library: Library, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    with pytest.raises(NothingToRead, match=r"music.*no files") as told:
        await library.add([folder])
    assert "PDF" in told.value.hint
    (folder / "a.mp3").write_bytes(b"ID3")
    (folder / "b.mp3").write_bytes(b"ID3")
    with pytest.raises(NothingToRead, match=r"2 × a kind that is not read \(\.mp3\)"):
        await library.add([folder])


async def test_a_vanished_file_is_mentioned_and_its_paper_kept(library: Library, papers: Path) -> None:
    await library.add([papers])
    (papers / "old" / "ants.txt").unlink()
    report = await library.add([papers])
    assert len(report.notes) == 1
    assert "ants.txt" in report.notes[0]
    assert await _found(library, "trails of scent") == ["ants.txt"]


async def test_names_that_are_not_unicode_are_added_too(library: Library, tmp_path: Path) -> None:
    (tmp_path / "names").mkdir()
    for name in (b"bad\xff.txt", b"new\nline.txt", b"-rf.txt", "\u202egnp.txt".encode()):
        try:
            (tmp_path / "names" / os.fsdecode(name)).write_bytes(b"Words of " + name.hex().encode())
        except OSError:
            pytest.skip("this disk refuses such names")
    report = await library.add([tmp_path / "names"])
    assert report.counts == {Fate.INDEXED: 4}
    assert (await library.add([tmp_path / "names"])).counts == {Fate.UNCHANGED: 4}
    assert all("\u202e" not in document.title for document in await library.documents())


async def test_a_reader_of_ones_own_takes_its_kind_of_file(library: Library, papers: Path) -> None:
    class Shouting:
        suffixes = frozenset({".shout"})

        def read(self, path: Path) -> ParsedDocument:
            if path.stem == "rude":
                raise RuntimeError("I will not read this")
            if path.stem == "torn":
                raise Damaged("It is torn.")
            return ParsedDocument(media_type="text/x-shout", pages=(path.read_text().upper(),))

    (papers / "hello.shout").write_text("hello")
    (papers / "rude.shout").write_text("rude")
    (papers / "torn.shout").write_text("torn")
    report = await library.add([papers], reader=Shouting())
    assert report.counts == {Fate.INDEXED: 4, Fate.FAILED: 2}
    assert (await library.search("hello")).hits[0].passage.text == "HELLO"
    reasons = {Path(path).name: reason for path, reason in report.failures}
    assert "I will not read this" in reasons["rude.shout"]
    assert reasons["torn.shout"].startswith("It is torn.")


async def test_cancelling_keeps_what_is_done_and_adding_again_finishes(tmp_path: Path) -> None:
    papers = _many(tmp_path / "many", 30)
    async with Library.open(tmp_path / "library", encoder=HashingEncoder(64)) as library:
        reached = asyncio.Event()

        def stop_after_five(event: AddEvent) -> None:
            if isinstance(event, FileDone) and event.done == 5:
                reached.set()

        adding = asyncio.create_task(library.add([papers], emit=stop_after_five))
        await reached.wait()
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        kept = len(await library.documents())
        assert 5 <= kept < 30
        report = await library.add([papers])
        assert sum(report.counts.values()) == 30
        assert report.counts[Fate.UNCHANGED] >= kept
        (collection,) = await library.collections()
        assert collection.documents == collection.embedded == 30


_ADD_AND_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from indexes.events import Embedded, FileDone
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.lock import WriterLock

def die(event):
    point, count = sys.argv[3], int(sys.argv[4])
    files = isinstance(event, FileDone) and point == "files" and event.done == count
    if files or (isinstance(event, Embedded) and point == "embedded"):
        os.kill(os.getpid(), signal.SIGKILL)

async def add():
    async with Library.open(Path(sys.argv[1]), encoder=HashingEncoder(64)) as library:
        await library.add([Path(sys.argv[2])], emit=die)

asyncio.run(add())
"""


@pytest.mark.parametrize(("point", "count"), [("files", 1), ("files", 11), ("embedded", 0)])
async def test_a_killed_run_damages_nothing_and_the_next_one_converges(
    tmp_path: Path, point: str, count: int
) -> None:
    papers = _many(tmp_path / "many", 20)
    command = [sys.executable, "-c", _ADD_AND_DIE, str(tmp_path / "killed"), str(papers), point, str(count)]
    killed = await asyncio.to_thread(
        subprocess.run, command, env=os.environ | {"PYTHONPATH": "."}, check=False
    )
    assert killed.returncode == -9
    async with Library.open(tmp_path / "killed", encoder=HashingEncoder(64)) as library:
        before = await library.documents()
        assert len(before) >= count
        for document in before:
            assert await library.text(document.id) == (papers / Path(document.source).name).read_text()
        await library.add([papers])
        async with Library.open(tmp_path / "whole", encoder=HashingEncoder(64)) as whole:
            await whole.add([papers])
            assert await _content(library) == await _content(whole)
        assert [(c.documents, c.embedded) for c in await library.collections()] == [(20, 20)]


async def test_whoever_comes_second_is_told_so_while_readers_go_on(tmp_path: Path, papers: Path) -> None:
    async with Library.open(tmp_path / "library") as first, Library.open(tmp_path / "library") as second:
        await first.add([papers / "owls.txt"])
        async with WriterLock(tmp_path / "library" / "writer.lock").held():
            with pytest.raises(LibraryBusy, match=str(os.getpid())):
                await first.add([papers])
            with pytest.raises(LibraryBusy):
                await first.remove((await first.documents())[0].id)
            assert await _found(second, "owls") == ["owls.txt"]
        await first.add([papers])
        assert len(await second.documents()) == 3


def _many(folder: Path, count: int) -> Path:
    folder.mkdir()
    for n in range(count):
        (folder / f"note{n:02}.txt").write_text(f"Note {n} is about subject number {n * n}.")
    return folder


async def _content(library: Library) -> list[tuple[str, str, str]]:
    """Ids and text of everything, and the vectors, independent of the order of adding."""
    encoder = library.encoder
    assert encoder is not None
    database = Database(library.folder / "catalogue.sqlite")
    stored = PassageVectors(database).vectors(encoder.fingerprint)
    await database.close()
    content = []
    for document in await library.documents():
        for passage in await library.passages_of(document.id):
            content.append((passage.id, passage.text, document.title))
    vectors = sorted(row.tobytes().hex() for row in stored.matrix)
    return sorted(content) + [(vector, "", "") for vector in vectors]


def _snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".sqlite"}
