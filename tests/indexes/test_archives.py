"""The members of an archive are files like any other: each with its own fate, none ever on the disk."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexes.errors import Damaged, TooLarge
from indexes.library import Library
from indexes.readers.api import OpenArchives
from indexes.readers.archive import Archive, Member
from indexes.readers.limits import Limits
from indexes.types import Fate
from tests.indexes.readers.zip_writer import docx, zipped

OWLS = "Owls hunt at night. They hear very well."


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library") as library:
        yield library


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    return folder


def _tar(*entries: tarfile.TarInfo, gz: bool = True) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz" if gz else "w") as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(OWLS.encode()[: entry.size]))
    return target.getvalue()


def _entry(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.size = len(OWLS) if kind == tarfile.REGTYPE else 0
    entry.linkname = "/etc/passwd"
    return entry


def _members(data: bytes, limits: Limits | None = None) -> tuple[Member, ...]:
    archive = Archive(io.BytesIO(data), name="a.zip", limits=limits or Limits())
    return archive.members(collection="c")


async def test_each_member_has_its_own_fate_and_path(library: Library, papers: Path) -> None:
    word = docx("<w:p><w:r><w:t>Bees dance.</w:t></w:r></w:p>")
    inside = {
        "a/owls.txt": OWLS,
        "bees.docx": word,
        "blank.md": " ",
        "x.png": b"x",
        "in.zip": b"PK",
        ".hidden": "x",
    }
    (papers / "all.zip").write_bytes(zipped(inside))
    report = await library.add([papers])
    assert report.counts == {Fate.INDEXED: 2, Fate.FAILED: 1, Fate.SKIPPED: 3}
    reasons = {path.rpartition("all.zip")[2]: reason for path, reason in report.failures}
    assert reasons["!/in.zip"] == "an archive in an archive"
    assert reasons["!/x.png"] == "a kind that is not read (.png)"
    assert reasons[""] == "an archive: 5 members, each with its own fate"
    (hit,) = (await library.search("owls hear")).hits
    assert hit.document.source == f"{papers / 'all.zip'}!/a/owls.txt"
    assert os.listdir(papers) == ["all.zip"]  # noqa: PTH208


async def test_only_a_member_that_changed_is_read_again_and_a_lost_one_is_told(
    library: Library, papers: Path
) -> None:
    (papers / "all.zip").write_bytes(
        zipped({"owls.txt": OWLS, "bees.txt": "Bees dance.", "ants.txt": "Ants."})
    )
    await library.add([papers])
    again = await library.add([papers])
    assert again.counts == {Fate.UNCHANGED: 3, Fate.SKIPPED: 1}
    assert again.notes == ()
    (papers / "all.zip").write_bytes(zipped({"owls.txt": OWLS, "bees.txt": "Bees sing now."}))
    changed = await library.add([papers])
    assert changed.counts == {Fate.UNCHANGED: 1, Fate.INDEXED: 1, Fate.SKIPPED: 1}
    assert "Gone from all.zip, but kept in the library: 1." in changed.notes
    assert [hit.passage.text for hit in (await library.search("bees")).hits] == ["Bees sing now."]


async def test_the_same_paper_in_and_beside_an_archive_is_one_document(
    library: Library, papers: Path
) -> None:
    (papers / "all.tar.gz").write_bytes(_tar(_entry("owls.txt")))
    await library.add([papers])
    (papers / "owls.txt").write_text(OWLS)
    await library.add([papers])
    assert len(await library.documents()) == 1


def test_links_and_names_that_lead_out_are_refused() -> None:
    data = _tar(
        _entry("../up.txt"),
        _entry("/abs.txt"),
        _entry("link.txt", tarfile.SYMTYPE),
        _entry("ok.txt"),
        gz=False,
    )
    found = {each.name: each.refusal for each in _members(data)}
    assert found["ok.txt"] == ""
    assert found["link.txt"] == "a link"
    assert found["../up.txt"] == found["/abs.txt"] == "its name leads out of the archive"


def test_a_bomb_stops_at_the_limit_and_a_broken_archive_is_damaged() -> None:
    bomb = zipped({"a.txt": b" " * 3_000_000})
    with pytest.raises(TooLarge):
        _members(bomb, Limits(max_file_bytes=100_000))
    for broken in (bomb[:-30], _tar(_entry("a.txt"))[:60], b"junk"):
        with pytest.raises(Damaged):
            _members(broken)


class _Counted(io.BytesIO):
    """Counts what is read out of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_a_compressed_archive_is_decompressed_once_for_all_its_members() -> None:
    names = [f"{n:03}.txt" for n in range(60)]
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            content = os.urandom(20_000)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    file = _Counted(target.getvalue())
    opened = Archive(file, name="a.tar.gz", limits=Limits())
    assert [member.name for member in opened.members(collection="c")] == names
    to_list = file.taken
    assert all(len(opened.read(name)) == 20_000 for name in names)
    assert file.taken - to_list < 1.1 * len(target.getvalue())
    assert to_list < 2.2 * len(target.getvalue())


async def test_an_archive_that_is_replaced_while_its_members_are_read_is_opened_anew(tmp_path: Path) -> None:
    archives, path = OpenArchives(), tmp_path / "all.zip"
    path.write_bytes(zipped({"owls.txt": OWLS}))
    assert archives.read(path, "owls.txt").pages == (OWLS,)
    path.write_bytes(zipped({"owls.txt": "Owls sleep."}))
    assert archives.read(path, "owls.txt").pages == ("Owls sleep.",)
    path.write_bytes(b"PK")
    with pytest.raises(Damaged):
        archives.read(path, "owls.txt")
    archives.close()
