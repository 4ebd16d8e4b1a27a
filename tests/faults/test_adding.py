"""Adding that is killed at any moment: nothing acknowledged is lost, nothing is torn, the next run converges."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.adding import FAST, POINTS, AddingUnderFire, Nursery, content_of

_INDEX = POINTS[len(FAST) :]
_CHAINS = {
    "reading and committing": (FAST[:8], False),
    "tidying up and embedding": (FAST[8:], False),
    "building an index": (_INDEX[:3], True),
    "publishing an index": (_INDEX[3:6], True),
    "collecting an old index": (_INDEX[6:], True),
}
"""Points at which one library is killed, one after the other, and whether it has an index of meanings."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("points", "index"), _CHAINS.values(), ids=_CHAINS)
async def test_a_kill_at_any_point_loses_nothing_and_the_next_run_converges(
    tmp_path: Path, points: tuple[str, ...], index: bool
) -> None:
    under_fire = AddingUnderFire(tmp_path)
    with Nursery(tmp_path) as nursery:
        for _ in range(2 if "collect.during" in points else 1):  # the third index collects the first
            nursery.run(under_fire.job(index=index))
        for point in points:
            assert nursery.run(under_fire.job(at=f"{point}:1", index=index)) == -signal.SIGKILL, point
            assert await under_fire.violations(finished=False) == [], point
        assert nursery.run(under_fire.again(index=index)) == 0, nursery.said.read_text()
        assert await under_fire.violations(finished=True) == []

        whole = AddingUnderFire(tmp_path / "papers")
        whole.papers, whole.library = under_fire.papers, tmp_path / "whole"
        assert nursery.run(whole.again()) == 0
    assert content_of(under_fire.library) == content_of(whole.library)
    if index:
        kept = sorted(path.name for path in (under_fire.library / "dense").iterdir() if path.is_dir())
        assert len(kept) == 2, kept


async def test_the_oracle_sees_what_is_wrong(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    under_fire = AddingUnderFire(tmp_path, papers=2)
    with Nursery(tmp_path) as nursery:
        assert nursery.run(under_fire.job()) == 0
        assert await under_fire.violations(finished=True) == []
        under_fire.round += 1
        assert await under_fire.violations(finished=True) == [
            f"paper{number}.txt is back at version 1 of 2" for number in range(2)
        ]
        under_fire.round -= 1
    with closing(sqlite3.connect(under_fire.library / "catalogue.sqlite")) as catalogue:
        catalogue.execute("UPDATE pages SET text = substr(text, 1, 40) WHERE document = 1")
        catalogue.execute("DELETE FROM documents WHERE number = 2")
        catalogue.commit()
    wrong = await under_fire.violations(finished=True)
    assert any("is torn" in each for each in wrong), wrong
    assert any("foreign_key_check" in each for each in wrong), wrong
    assert any("is lost" in each for each in wrong), wrong
