"""Rate and time left in words."""

from __future__ import annotations

import pytest

from assistant.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def test_no_rate_is_guessed_in_the_first_second(pace: Pace, clock: Clock) -> None:
    clock.now = 0.5
    assert pace.words(3, 212, "files") == "3/212 files"


def test_rate_and_time_left_follow(pace: Pace, clock: Clock) -> None:
    clock.now = 10
    assert pace.words(40, 200, "files", failed=3) == "40/200 files, 3 failed, 4.0 a second, 40 s left"
    clock.now = 20
    assert pace.words(1000, 1000, "files") == "1,000/1,000 files, 50 a second"


@pytest.mark.parametrize(
    ("left", "said"), [(59, "59 s"), (61, "1 min 01 s"), (3_600, "1 h 00 min"), (90_061, "25 h 01 min")]
)
def test_time_is_told_in_fitting_units(pace: Pace, clock: Clock, left: int, said: str) -> None:
    clock.now = 10
    assert pace.words(10, 10 + left, "files").endswith(f", {said} left")


def test_a_slow_start_is_forgotten(pace: Pace, clock: Clock) -> None:
    clock.now = 100
    pace.words(1, 200, "files")
    for done in range(2, 100):
        clock.now += 0.1
        said = pace.words(done, 200, "files")
    assert "10 a second, 10 s left" in said


def test_a_new_round_begins_anew(pace: Pace, clock: Clock) -> None:
    clock.now = 10
    pace.words(100, 100, "files")
    clock.now = 11
    assert pace.words(1, 3, "files") == "1/3 files"
