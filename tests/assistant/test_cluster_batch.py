"""A batch answered by the workers of a cluster: the same rows, once each, within the limits of one process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant import Assistant
from assistant.batch_limits import End
from assistant.batch_row import Row
from tests.faults.cluster_fire import ClusterUnderFire
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.oracle import violations
from tests.faults.script import Delay, Reply, Status
from tests.faults.server import FaultServer
from tests.indexes.dask_processes import DaskProcesses, dask_processes

NOTES = Path(__file__).parents[2] / "assistant" / "demo" / "notes"
ASKED = ("Where does keyword retrieval fail?", "When does a circuit breaker open?")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("filled") / "home"
    with Assistant(home, library__encoder="none") as assistant:
        assistant.add(NOTES)
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    """A library of its own for each test, and with it a history."""
    return Path(shutil.copytree(filled, tmp_path / "home"))


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(OpenAIChat(), prefix="/v1") as running:
        yield running


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskProcesses]:
    with dask_processes(tmp_path / "dask", workers=2, threads=2) as running:
        yield running


def under_fire(home: Path, folder: Path, server: FaultServer, count: int) -> ClusterUnderFire:
    questions = {f"q{n:03}": f"{ASKED[n % len(ASKED)]} This is case {n:03}." for n in range(count)}
    return ClusterUnderFire(home, questions, folder, server)


def rows(path: Path) -> dict[str, Row]:
    found = [Row.model_validate_json(line) for line in path.read_text().splitlines()]
    assert len({row.id for row in found}) == len(found)
    return {row.id: row for row in found}


def most_at_once(server: FaultServer) -> int:
    """How many calls the provider had at the same time."""
    exchanges = list(server.ledger)
    return max(
        sum(other.started <= each.started < (other.ended or each.started) for other in exchanges)
        for each in exchanges
    )


def asking(home: Path, server: FaultServer, **settings: Any) -> Assistant:
    """An assistant whose one model is the server, and nothing else leaves the machine."""
    return Assistant(
        home,
        reasoning="openai:big",
        base_url=server.base_url,
        web="never",
        library__encoder="none",
        **settings,
    )


def test_workers_give_the_answers_that_one_process_gives(
    home: Path, tmp_path: Path, server: FaultServer, dask: DaskProcesses
) -> None:
    batch = under_fire(home, tmp_path, server, 8)
    report = batch.run_on(dask)
    assert (report.ended, report.counts) == (End.DONE, {"ok": 8})
    plain = tmp_path / "plain.jsonl"
    with asking(home, server, limits__attempts=1) as assistant:
        assistant.batch(batch.asked, out=plain)
    one, other = rows(batch.out), rows(plain)
    assert one.keys() == other.keys()
    for id, row in one.items():
        assert (row.text, row.sources, row.author, row.fingerprint) == (
            other[id].text,
            other[id].sources,
            "openai:big",
            other[id].fingerprint,
        )


@pytest.mark.timeout(240)
def test_killed_workers_leave_every_answer_once_and_nothing_is_paid_twice(
    home: Path, tmp_path: Path, server: FaultServer, dask: DaskProcesses
) -> None:
    server.script(Reply(gap=0.004))
    batch = under_fire(home, tmp_path, server, 24)
    report = batch.run_on(dask, kill_at=(3, 12))
    assert batch.kills == 2
    assert report.counts == {"ok": 24}
    assert violations(batch) == []
    before = len(server.ledger)
    assert batch.run_on(dask).skipped == 24
    assert len(server.ledger) == before


def test_a_provider_gets_no_more_calls_at_once_than_the_settings_say_from_all_workers_together(
    home: Path, tmp_path: Path, server: FaultServer, dask: DaskProcesses
) -> None:
    server.script(Delay(0.3), Reply())
    batch = under_fire(home, tmp_path, server, 12)
    with asking(home, server, providers__connections=2) as assistant:
        assistant.batch(batch.asked, out=batch.out, concurrency=4, cluster=dask.address)
    assert most_at_once(server) == 2


def test_all_workers_together_spend_no_more_than_the_batch_may(
    home: Path, tmp_path: Path, server: FaultServer, dask: DaskProcesses
) -> None:
    server.script(Delay(0.3), Reply())
    batch = under_fire(home, tmp_path, server, 16)
    with asking(
        home,
        server,
        models__reasoning__input_price_usd=0,
        models__reasoning__output_price_usd=1_000,
        models__reasoning__max_output_tokens=100,
        providers__connections=4,
    ) as assistant:
        report = assistant.batch(
            batch.asked, out=batch.out, concurrency=4, cluster=dask.address, total_cost_usd=0.25
        )
    assert report.ended is End.COST
    assert "the next call could cost $0.1000" in report.stopped
    assert report.usage.cost_usd is not None
    assert 0 < report.usage.cost_usd <= 0.25
    spent = [row.usage.cost_usd for row in rows(batch.out).values() if row.usage.calls]
    assert report.usage.cost_usd == pytest.approx(sum(cost or 0 for cost in spent))
    assert len(server.ledger) == len(spent)
    # A third call could have made it more than $0.25, had each of them cost the most that it can.
    assert most_at_once(server) == 2


def test_a_wait_that_a_provider_asks_one_worker_for_holds_for_all(
    home: Path, tmp_path: Path, server: FaultServer, dask: DaskProcesses
) -> None:
    server.script(Status(429, headers={"Retry-After": "2"}), times=1)
    batch = under_fire(home, tmp_path, server, 8)
    with asking(home, server) as assistant:
        assistant.batch(batch.asked, out=batch.out, concurrency=4, cluster=dask.address)
    [refused, *others] = list(server.ledger)
    assert refused.status == 429
    assert refused.ended is not None
    # Those that were let in before the refusal was known are not held back by it.
    assert min(each.started for each in others[3:]) >= refused.ended + 1.9


def test_a_lost_scheduler_ends_the_batch_and_the_next_run_goes_on(
    home: Path, tmp_path: Path, server: FaultServer, dask: DaskProcesses
) -> None:
    server.script(Reply(gap=0.02))
    batch = under_fire(home, tmp_path, server, 12)
    with asking(home, server) as assistant:
        report = assistant.batch(
            batch.asked, out=batch.out, cluster=dask.address, emit=lambda progress: dask.kill_scheduler()
        )
        assert report.ended is End.FAULT
        assert "was lost" in report.stopped
        assert report.not_run > 0
        again = assistant.batch(batch.asked, out=batch.out, resume=True)
    assert again.ended is End.DONE
    assert {row.status for row in rows(batch.out).values()} == {"ok"}
    assert len(rows(batch.out)) == 12
