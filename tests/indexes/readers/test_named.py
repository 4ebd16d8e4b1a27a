"""A LlamaIndex reader is plugged in by its name, and runs where every file is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexes.errors import Damaged, InputError, NoText, ReadError, ReadTimeout, TooLarge
from indexes.library import Library
from indexes.readers.named import NamedReader, package_of
from indexes.readers.pool import ReaderPool
from indexes.types import Fate

_READERS = """
import os, socket, time
import lines_that_need_nothing

class Lines:
    def load_data(self, file):
        from llama_index.core import Document
        print("noise on stdout")
        return [Document(text=line, metadata={"title": "Lines\\x1b[2J"}) for line in open(file).read().split("---")]

class Calling:
    def load_data(self, file):
        socket.create_connection(("127.0.0.1", 9))

class Hanging:
    def load_data(self, file):
        time.sleep(60)

class Dying:
    def load_data(self, file):
        os._exit(3)

class Hungry:
    def load_data(self, file):
        return bytearray(8 << 30)

class Choosy:
    def __init__(self, key):
        pass

class NoReader:
    pass
"""


@pytest.fixture
def readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module with readers, on the path of the children only."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "lines_that_need_nothing.py").touch()
    (tmp_path / "modules" / "some_readers.py").write_text(_READERS)
    (tmp_path / "modules" / "needy.py").write_text("import a_package_that_is_nowhere.inside")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    return "some_readers"


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library") as library:
        yield library


@pytest.mark.parametrize(
    ("written", "module", "name", "suffixes"),
    [
        ("PptxReader", "llama_index.readers.file", "PptxReader", (".pptx", ".ppt", ".pptm")),
        (" my.readers:Odd = .ODD, .odder", "my.readers", "Odd", (".odd", ".odder")),
        ("llama_index.readers.file:DocxReader", "llama_index.readers.file", "DocxReader", (".docx",)),
        ("RTFReader=.rtf,.txt", "llama_index.readers.file", "RTFReader", (".rtf", ".txt")),
    ],
)
def test_a_name_says_where_and_for_what(
    written: str, module: str, name: str, suffixes: tuple[str, ...]
) -> None:
    written = written.replace(" = ", "=")
    assert NamedReader.parse(written) == NamedReader(module=module, name=name, suffixes=suffixes)


@pytest.mark.parametrize("written", ["", "a b", "os:system('x')", "x/y:Z=.a", "m:N=pptx", "m:N=./a", "m:N:O"])
def test_what_is_no_name_is_refused_with_how_to_write_one(written: str) -> None:
    with pytest.raises(InputError, match="names no reader") as told:
        NamedReader.parse(written)
    assert "--reader PptxReader" in told.value.hint


def test_a_reader_that_is_not_known_has_to_say_its_suffixes() -> None:
    with pytest.raises(InputError, match="Which files Mine is for") as told:
        NamedReader.parse("my_module:Mine")
    assert told.value.hint == "Say it: --reader my_module:Mine=.suffix"


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("llama_index.readers.file", "llama-index-readers-file"),
        ("llama_index.readers.google_docs.base", "llama-index-readers-google-docs"),
        ("some_package.inside", "some-package"),
    ],
)
def test_a_missing_reader_says_what_to_install(module: str, package: str) -> None:
    assert package_of(module) == package
    with pytest.raises(InputError, match=f"no module '{module}'") as told:
        NamedReader(module=f"{module}", name="X", suffixes=(".x",)).require()
    assert told.value.hint == f"Install it: pip install {package}"


async def test_a_reader_of_llama_index_itself_reads_in_a_child(tmp_path: Path) -> None:
    path = tmp_path / "rows.rows"
    path.write_text('{"finding": "owls hear well"}')
    named = NamedReader.parse("llama_index.core.readers.json:JSONReader=.rows")
    async with ReaderPool(named=[named]) as pool:
        assert "owls hear well" in (await pool.read(path)).text
        assert len(pool.process_ids) == 1


async def test_a_persons_own_reader_brings_files_into_the_library(
    library: Library, tmp_path: Path, readers: str
) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "a.owls").write_text("Owls hear.---Owls see.")
    with pytest.raises(InputError):
        await library.add([tmp_path / "papers"])  # nothing to read without it
    named = NamedReader.parse(f"{readers}:Lines=.owls")
    report = await library.add([tmp_path / "papers"], named_readers=[named])
    assert report.counts == {Fate.INDEXED: 1}
    (document,) = await library.documents()
    assert (document.page_count, document.title) == (2, "Lines")
    report = await library.add([tmp_path / "papers"], named_readers=[named])
    assert report.counts == {Fate.UNCHANGED: 1}


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("Calling", ReadError, "not allowed while a file is read"),
        ("Hanging", ReadTimeout, "took longer than 5 s"),
        ("Dying", Damaged, "ended the process that read it"),
        ("Hungry", TooLarge, "more memory"),
        ("Choosy", ReadError, "cannot be made"),
        ("NoReader", ReadError, "no method load_data"),
        ("Absent", ReadError, "cannot be made"),
    ],
)
async def test_a_reader_that_misbehaves_is_an_error_of_its_file(
    tmp_path: Path, readers: str, name: str, kind: type[ReadError], said: str
) -> None:
    path = tmp_path / "a.owls"
    path.write_text("text")
    async with ReaderPool(named=[NamedReader.parse(f"{readers}:{name}=.owls")], timeout_seconds=5) as pool:
        with pytest.raises(kind, match=said):
            await pool.read(path)


async def test_a_reader_whose_own_needs_are_missing_names_them(tmp_path: Path, readers: str) -> None:
    path = tmp_path / "a.owls"
    path.write_text("text")
    async with ReaderPool(named=[NamedReader.parse("needy:Any=.owls")]) as pool:
        with pytest.raises(ReadError, match="cannot be loaded") as told:
            await pool.read(path)
    assert told.value.hint == "Install what it needs: pip install a_package_that_is_nowhere"


async def test_what_failed_for_good_is_tried_again_by_another_reader_and_only_once(
    library: Library, tmp_path: Path, readers: str
) -> None:
    path = tmp_path / "empty.txt"
    path.write_text(" --- ")
    assert (await library.add([path])).counts == {Fate.INDEXED: 1}
    path.write_text(" ")
    assert (await library.add([path])).counts == {Fate.FAILED: 1}
    named = NamedReader.parse(f"{readers}:Lines=.txt")
    before = (await library.failures())[0].attempts
    report = await library.add([path], named_readers=[named])
    assert "holds no text that Lines finds" in report.failures[0][1]
    assert (await library.add([path], named_readers=[named])).counts == {Fate.FAILED: 1}
    assert (await library.failures())[0].attempts == before + 1
    with pytest.raises(NoText):
        async with ReaderPool() as pool:
            await pool.read(path)
