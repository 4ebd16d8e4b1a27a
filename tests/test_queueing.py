"""The simulation behind the plan for large libraries gives what can be worked out by hand."""

from __future__ import annotations

import pytest

from benchmarks.queueing import Station, simulated


def test_one_server_takes_one_job_after_another() -> None:
    passed = simulated([Station("one", 1, [2.0])], [0.0, 0.0, 5.0])
    assert passed.left == [2.0, 4.0, 7.0]
    assert passed.busy["one"] == pytest.approx(6 / 7)


def test_two_servers_take_two_at_a_time_and_the_slower_station_decides() -> None:
    passed = simulated([Station("read", 2, [1.0]), Station("write", 1, [1.0])], [0.0] * 4)
    assert sorted(passed.left) == [2.0, 3.0, 4.0, 5.0]
    assert passed.busy == {"read": pytest.approx(4 / 2 / 5), "write": pytest.approx(4 / 5)}


def test_services_are_gone_through_again_where_there_are_more_jobs() -> None:
    assert simulated([Station("one", 1, [1.0, 3.0])], [0.0] * 3).seconds == 5.0
