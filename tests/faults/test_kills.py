"""A batch that is killed again and again: every answer once, none missing, none paid for twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.batch_row import Row
from tests.faults import adding
from tests.faults.kill import POINTS, Attempt, BatchUnderFire, points_in_source
from tests.faults.oracle import violations
from tests.faults.script import Reply, Status
from tests.faults.server import FaultServer

_QUESTIONS = {f"q{number}": f"What does full jitter do to the waits in case {number}?" for number in range(8)}
_NOTE = "# Full jitter\n\nFull jitter draws each of the waits at random, so that clients do not return together.\n"


@pytest.fixture
def batch(tmp_path: Path, carrel_home: Path, model_server: FaultServer) -> BatchUnderFire:
    (tmp_path / "jitter.md").write_text(_NOTE)
    with Assistant(carrel_home, library__encoder="none", history__keep=False) as assistant:
        assistant.add(tmp_path / "jitter.md")
    model_server.script(Status(500), contains=_QUESTIONS["q5"], times=1)
    model_server.script(Reply(gap=0.005))
    under_fire = BatchUnderFire(carrel_home, _QUESTIONS, tmp_path, model_server)
    under_fire.failed_calls = 1
    return under_fire


def test_every_point_in_the_source_has_a_case() -> None:
    assert points_in_source() == {*POINTS, *adding.POINTS}


def test_a_batch_killed_while_it_writes_commits_and_tidies_up_has_every_answer_once(
    batch: BatchUnderFire,
) -> None:
    first = batch.run(at="asking.token:30")
    assert first.killed, first.said
    assert batch.run(at="history.commit.during:6").killed
    last = batch.run(at="answers.compact.during:1")
    if not last.killed:  # the question that failed was asked again by a process that had been killed
        assert last.code == 0
    done = batch.run()

    assert done.code == 0, done.said
    assert violations(batch) == []


def test_the_oracle_sees_what_is_wrong(batch: BatchUnderFire, model_server: FaultServer) -> None:
    model_server.behave()
    settings = {"reasoning": "openai:big", "base_url": model_server.base_url, "library__encoder": "none"}
    with Assistant(batch.home, web="never", **settings) as assistant:
        assistant.batch(batch.asked, out=batch.out)
    assert violations(batch) == []

    whole = batch.out.read_bytes()
    first = whole[: whole.index(b"\n") + 1]
    id = Row.model_validate_json(first).id
    batch.out.write_bytes(whole + first)
    assert violations(batch) == [f"{id!r} has 2 rows"]
    batch.out.write_bytes(whole[len(first) :])
    assert violations(batch) == [f"{id!r} is missing", f"{id!r} has another text in the history"]
    batch.out.write_bytes(whole + first[:50])
    assert violations(batch) == ["1 lines are torn"]
    batch.out.write_bytes(whole)

    batch.attempts.append(
        Attempt(False, 0, first_request=0, paid=frozenset({id}), seconds_to_start=1, said="")
    )
    assert violations(batch) == [f"request {_request(batch, id)} asked {id!r} again, which was paid for"]
    batch.attempts.clear()
    batch.failed_calls = -1
    assert violations(batch) == ["8 calls were made; at most 7 can be explained"]
    with closing(sqlite3.connect(batch.history)) as history:
        history.execute("DELETE FROM questions WHERE id = 'q1'")
        history.commit()
    assert violations(batch)[0] == "'q1' is not in the history"


def _request(batch: BatchUnderFire, id: str) -> int:
    return batch.server.ledger.where(contains=batch.questions[id])[0].number
