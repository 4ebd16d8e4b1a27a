from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from indexes.errors import NoText, ReadError
from indexes.readers.plugin import LlamaIndexReader
from indexes.readers.pool import ReaderPool


def _lines_reader() -> Any:
    from llama_index.core import Document
    from llama_index.core.readers.base import BaseReader

    class LinesReader(BaseReader):
        def lazy_load_data(self, file: Path, extra_info: dict[str, Any] | None = None) -> Sequence[Document]:
            about = {"title": "Lines of a file", "author": "Ada Byron; Mary Shelley", "year": 2014}
            return [Document(text=line, metadata=about) for line in file.read_text().split("\n---\n")]

    return LinesReader()


class _Failing:
    def load_data(self, file: Path, /) -> Sequence[Any]:
        raise ValueError(f"cannot \x1b[31mread {file.name}")


def test_each_document_of_a_llama_index_reader_is_a_page(tmp_path: Path) -> None:
    path = tmp_path / "a.lines"
    path.write_text("one \x1b[2J\u202eline\n---\nanother")
    read = LlamaIndexReader(_lines_reader(), suffixes=[".LINES"], media_type="text/x-lines").read(path)
    assert read.pages == ("one line", "another")
    assert read.title == "Lines of a file"
    assert read.authors == ("Ada Byron", "Mary Shelley")
    assert (read.year, read.media_type) == (2014, "text/x-lines")


async def test_a_pool_uses_it_for_its_suffixes(tmp_path: Path) -> None:
    path = tmp_path / "a.lines"
    path.write_text("one")
    async with ReaderPool(plugged=[LlamaIndexReader(_lines_reader(), suffixes=[".lines"])]) as pool:
        assert (await pool.read(path)).text == "one"


def test_a_failing_reader_is_an_error_of_this_file(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"'a\.x' cannot be read by _Failing: cannot read a\.x"):
        LlamaIndexReader(_Failing(), suffixes=[".x"]).read(tmp_path / "a.x")


def test_a_reader_that_finds_nothing_finds_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.lines"
    path.write_text(" ")
    with pytest.raises(NoText):
        LlamaIndexReader(_lines_reader(), suffixes=[".lines"]).read(path)
