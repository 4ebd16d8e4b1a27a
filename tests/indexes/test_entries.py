"""A bibliography is a library of references: what has an abstract can be found, the rest describes papers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.render import to_text
from indexes.errors import NothingToRead
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.types import Fate

OWLS = (
    "Barn owls locate prey in complete darkness by the difference in time between their ears. "
    "We measured facial discs of forty birds."
)
BEES = "Honey bees tell each other where flowers are by a dance whose angle to gravity is that to the sun."
BIB = f"""@article{{strix2020, title={{Hearing in the Barn Owl}}, author={{Strix, Ada}}, year=2020,
  journal={{Journal of Owls}}, doi={{10.1000/owl.1}}, abstract={{{OWLS}}}}}
@article{{apis1973, title={{The Dance of Honey Bees}}, author={{Apis, M.}}, year=1973, abstract={{{BEES}}}}}
@book{{bare, title={{A Book Without an Abstract}}, author={{Nobody, N.}}, year=1999}}
"""


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library", encoder=HashingEncoder(64)) as library:
        yield library


@pytest.fixture
def bib(tmp_path: Path) -> Path:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "refs.bib").write_text(BIB)
    return tmp_path / "papers" / "refs.bib"


async def test_an_entry_with_an_abstract_is_found_by_word_and_by_meaning(library: Library, bib: Path) -> None:
    report = await library.add([bib])
    assert report.counts == {Fate.INDEXED: 2, Fate.SKIPPED: 1}
    assert report.failures == (
        (str(bib), "a bibliography: 3 entries, 1 of them without an abstract, for metadata only"),
    )
    hits = (await library.search("facial discs of owls")).hits
    owl = hits[0].document
    assert (owl.title, owl.authors, owl.year, owl.doi) == (
        "Hearing in the Barn Owl",
        ("Ada Strix",),
        2020,
        "10.1000/owl.1",
    )
    assert owl.abstract_only
    (collection,) = await library.collections()
    assert collection.embedded == collection.passages
    assert (await library.add([bib.parent])).counts == {Fate.UNCHANGED: 2, Fate.SKIPPED: 1}


@pytest.mark.parametrize("suffix", ["ris", "json"])
async def test_ris_and_csl_entries_are_found_too(library: Library, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"refs.{suffix}"
    csl = [{"id": "x/1", "title": "On the Owl", "author": [], "abstract": f"<jats:p>{OWLS}</jats:p>"}]
    ris = f"TY  - JOUR\nTI  - On the Owl\nAB  - {OWLS}\nJO  - J. Owls\nER  - \n"
    path.write_text(json.dumps(csl) if suffix == "json" else ris)
    await library.add([path])
    (hit,) = (await library.search("facial discs")).hits
    assert hit.passage.text.endswith(OWLS)


async def test_a_paper_that_is_there_or_comes_later_takes_the_place_of_its_entry(
    library: Library, bib: Path
) -> None:
    (bib.parent / "bees.md").write_text("# The dance of honey bees\n\nBees waggle.")
    report = await library.add([bib.parent])
    assert report.counts == {Fate.INDEXED: 2, Fate.SKIPPED: 1}
    owls = bib.parent / "owls.txt"
    owls.write_text("Ears of owls\n\ndoi: 10.1000/owl.1\n\nTheir facial discs differ.")
    await library.add([owls])
    assert {document.source for document in await library.documents()} == {
        str(bib.parent / "bees.md"),
        str(owls),
    }
    assert (await library.add([bib.parent])).counts == {Fate.UNCHANGED: 2, Fate.SKIPPED: 1}


def _write(path: Path, text: str) -> None:
    path.write_text(text)


async def test_a_bibliography_that_comes_later_or_changes_describes_papers_without_reading_them(
    library: Library, bib: Path
) -> None:
    (bib.parent / "bees.md").write_text("# The dance of honey bees\n\nBees waggle.")
    (bib.parent / "note.txt").write_text("A note about nothing in particular.")
    await library.add([bib.parent / "bees.md", bib.parent / "note.txt"])
    report = await library.add([bib])
    assert "1 paper described anew from a bibliography, not read again." in report.notes
    assert report.counts[Fate.INDEXED] == 1
    bees = {Path(d.source).name: d for d in await library.documents()}["bees.md"]
    assert (bees.title, bees.authors, bees.year) == ("The Dance of Honey Bees", ("M. Apis",), 1973)
    _write(bib, BIB.replace("1973, abs", "1974, abs"))
    (bib.parent / "bees.md").unlink()  # which it would need to be read again
    await library.add([bib])
    assert {Path(d.source).name: d.year for d in await library.documents()}["bees.md"] == 1974
    assert "described anew" not in " ".join((await library.add([bib])).notes)


async def test_a_changed_entry_replaces_its_old_text_and_a_lost_one_is_told(
    library: Library, bib: Path
) -> None:
    await library.add([bib])
    _write(bib, BIB.replace("facial discs", "long feathers").partition("@article{apis1973")[0])
    report = await library.add([bib])
    assert "Gone from refs.bib, but kept in the library: 1." in report.notes
    owls = {document.title: document for document in await library.documents()}["Hearing in the Barn Owl"]
    assert "long feathers" in await library.text(owls.id)
    assert "facial discs" not in await library.text(owls.id)


async def test_a_paper_elsewhere_with_the_same_common_file_name_is_left_alone(
    library: Library, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / "paper.txt").write_text("Quite Another Subject\n\nOf moss.")
    await library.add([tmp_path / "a"])
    (tmp_path / "b" / "refs.bib").write_text("@misc{x, title={On Something Else}, file={:paper.txt:TXT}}")
    await library.add([tmp_path / "b"])
    (moss,) = await library.documents()
    assert moss.title == "Quite Another Subject"


async def test_two_bibliographies_with_the_same_work_make_one_document(library: Library, bib: Path) -> None:
    (bib.parent / "more.bib").write_text(BIB.replace("We measured", "We have measured"))
    await library.add([bib.parent])
    assert len(await library.documents()) == 2


async def test_a_bibliography_without_any_abstract_is_no_failure(library: Library, tmp_path: Path) -> None:
    (tmp_path / "refs.bib").write_text("@book{x, title={A Book}}")
    assert (await library.add([tmp_path / "refs.bib"])).counts == {Fate.SKIPPED: 1}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "numbers.json").write_text("[1, 2]")
    with pytest.raises(NothingToRead):
        await library.add([tmp_path / "data"])


def test_the_answer_cites_an_entry_as_abstract_only(bib: Path, carrel_home: Path) -> None:
    with Assistant(carrel_home, library__encoder="none", web="never") as assistant:
        assistant.add(bib)
        answer = assistant.ask("How do barn owls locate prey in complete darkness?")
    assert "Hearing in the Barn Owl, abstract only (refs.bib, entry strix2020)" in to_text(answer)
    assert "verified" in to_text(answer)
