"""Papers by name, and lists of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexes.errors import DocumentMissing, NameAmbiguous
from indexes.hashing import HashingEncoder
from indexes.holdings import Holdings, Wanted
from indexes.library import Library
from indexes.testing import library_of
from indexes.types import ParsedDocument


def _paper(title: str, *authors: str, year: int | None = None) -> ParsedDocument:
    return ParsedDocument(
        media_type="text/plain", pages=(f"The text of {title}.",), title=title, authors=authors, year=year
    )


_PAPERS = (
    _paper("Owls at night", "Ada Strix", year=2019),
    _paper("Owls", "Ben Bubo", year=2021),
    _paper("Bees dance", "Ada Strix", "Cleo Apis", year=2023),
    _paper("Ants", "Cleo Apis"),
)


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with await library_of(_PAPERS, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        yield library


@pytest.fixture
def holdings(library: Library) -> Holdings:
    return library.holdings


async def _titles(holdings: Holdings, wanted: Wanted) -> list[str]:
    return [holding.document.title for holding in await holdings.all(wanted)]


async def test_all_papers_are_listed_by_title_with_what_is_found_by_meaning(holdings: Holdings) -> None:
    found = await holdings.all()
    assert [holding.document.title for holding in found] == ["Ants", "Bees dance", "Owls", "Owls at night"]
    assert {(holding.passages, holding.embedded) for holding in found} == {(1, 1)}
    assert [holding.files for holding in found][:2] == [("Ants",), ("Bees dance",)]


@pytest.mark.parametrize(
    ("wanted", "titles"),
    [
        (Wanted("OWLS"), ["Owls", "Owls at night"]),
        (Wanted("apis dance"), ["Bees dance"]),
        (Wanted(author="strix"), ["Bees dance", "Owls at night"]),
        (Wanted(author="ants"), []),
        (Wanted(years=(2019, 2021)), ["Owls", "Owls at night"]),
        (Wanted(years=(2021, None)), ["Bees dance", "Owls"]),
        (Wanted(years=(None, 2019)), ["Owls at night"]),
        (Wanted(collection="elsewhere"), []),
    ],
)
async def test_a_list_is_narrowed_by_words_author_years_and_collection(
    holdings: Holdings, wanted: Wanted, titles: list[str]
) -> None:
    assert await _titles(holdings, wanted) == titles


async def test_a_paper_is_named_by_id_file_or_title(library: Library, holdings: Holdings) -> None:
    (bees,) = [document for document in await library.documents() if document.title == "Bees dance"]
    for name in (bees.id, bees.id[:6].upper(), "bees dance", "DANCE"):
        assert (await holdings.one(name)).id == bees.id
    assert (await holdings.one("owls")).title == "Owls", "a whole title goes before parts of others"


async def test_a_paper_is_named_by_its_path_from_anywhere(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "wasps.txt").write_text("Wasps build nests of paper.")
    (folder / "wasps.md").write_text("# Nests\n\nWasps build other nests.")
    await library.add([folder])
    monkeypatch.chdir(folder)
    for name in (str(folder / "wasps.txt"), "./wasps.txt", "wasps.txt"):
        assert (await library.holdings.one(name)).source == str(folder / "wasps.txt")


async def test_a_name_of_several_papers_lists_them(holdings: Holdings) -> None:
    with pytest.raises(NameAmbiguous) as refused:
        await holdings.one("s ")
    assert "any of 4 papers" in refused.value.message
    assert all(title in refused.value.message for title in ("Ants", "Bees dance", "Owls at night"))
    assert "id" in refused.value.hint


@pytest.mark.parametrize("name", ["", "  ", "wasps", "abc", "/nowhere", "\x00", "%"])
async def test_a_name_of_none_says_how_papers_are_named(holdings: Holdings, name: str) -> None:
    with pytest.raises(DocumentMissing) as refused:
        await holdings.one(name)
    assert "carrel papers list" in refused.value.hint


async def test_a_file_that_could_not_be_read_is_listed_with_its_reason(
    library: Library, tmp_path: Path
) -> None:
    (tmp_path / "empty.pdf").write_bytes(b"")
    await library.add([tmp_path / "empty.pdf"])
    (failure,) = await library.holdings.failures()
    assert failure.path.endswith("empty.pdf")
    assert failure.reason
    assert await library.holdings.failures("elsewhere") == ()
