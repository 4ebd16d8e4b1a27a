"""The board: what happens becomes lines that a person can follow."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.events import (
    FellBack,
    HitsFound,
    Outcome,
    Retrying,
    Span,
    StepEnded,
    StepSkipped,
    StepStarted,
)
from tui.board import Board, Row
from tui.example import example_events
from tui.score import Stretch, drawn, whole
from tui.words import count_of, duration, shorten


def _started(span_id: int, *, branch: str = "", started: float = 0.0, attempt: int = 1) -> StepStarted:
    return StepStarted(
        span_id=span_id, step="search", rung="ask", branch=branch, started=started, attempt=attempt
    )


def _ended(span_id: int, ended: float, *, branch: str = "", status: Outcome = Outcome.OK) -> StepEnded:
    return StepEnded(
        span=Span(id=span_id, name="search", rung="ask", branch=branch, started=0, ended=ended, status=status)
    )


def _board(*events: object) -> Board:
    board = Board()
    for event in events:
        board.apply(event)
    return board


def test_branches_stand_under_their_step_and_run_at_the_same_time():
    board = _board(
        _started(1, branch="dense"), _started(2, branch="keyword"), _ended(2, 0.5, branch="keyword")
    )
    assert [(row.depth, row.name, row.state, row.seconds) for row in board.rows(2.0)] == [
        (0, "search", "running", 2.0),
        (1, "dense", "running", 2.0),
        (1, "keyword", "done", 0.5),
    ]


def test_a_step_ends_with_its_last_branch():
    board = _board(
        _started(1, branch="dense"),
        _started(2, branch="keyword"),
        _ended(2, 0.5, branch="keyword"),
        _ended(1, 1.5, branch="dense"),
    )
    assert board.rows(9.0)[0] == Row(0, "done", "search", 1.5, "")


def test_a_step_with_one_good_branch_is_done_and_the_bad_one_says_why():
    board = _board(
        _started(1, branch="dense"),
        _started(2, branch="keyword"),
        _ended(1, 0.2, branch="dense", status=Outcome.UNREACHABLE),
        _ended(2, 0.5, branch="keyword"),
    )
    rows = board.rows(1.0)
    assert rows[0].state == "done"
    assert rows[1] == Row(1, "failed", "dense", 0.2, "unreachable")


def test_a_retry_is_counted():
    board = _board(_started(1), _ended(1, 0.2, status=Outcome.LIMITED), _started(2, attempt=2, started=0.4))
    assert "attempt 2" in board.rows(1.0)[0].detail


def test_a_fallback_stands_under_the_branch_that_took_it():
    fallback = FellBack(
        step="search",
        branch="dense",
        from_rung="ask",
        to_rung="left out",
        outcome=Outcome.TIMED_OUT,
        why="Too slow.",
    )
    board = _board(
        _started(1, branch="dense"), _ended(1, 1.0, branch="dense", status=Outcome.TIMED_OUT), fallback
    )
    assert board.rows(1.0)[-1] == Row(2, "fell back", "left out", None, "Too slow.")


def test_a_step_that_was_not_needed_says_why():
    board = _board(StepSkipped(step="summarise", why="the passages fit"))
    assert board.rows(1.0) == [Row(0, "skipped", "summarise", None, "the passages fit")]


def test_hits_are_counted_for_each_retriever_and_together():
    board = _board(
        _started(1, branch="dense"),
        _started(2, branch="keyword"),
        HitsFound(retriever="dense", count=1),
        HitsFound(retriever="keyword", count=4),
    )
    assert [row.detail for row in board.rows(1.0)] == ["5 hits", "1 hit", "4 hits"]


def test_many_branches_show_those_that_need_looking_at():
    starts = [_started(number, branch=f"paper {number}") for number in range(40)]
    ends = [_ended(number, 1.0, branch=f"paper {number}") for number in range(38)]
    failed = _ended(38, 1.0, branch="paper 38", status=Outcome.MALFORMED)
    rows = _board(*starts, *ends, failed).rows(2.0)
    assert len(rows) == 9
    assert {"paper 38", "paper 39"} <= {row.name for row in rows}
    assert rows[-1].name == "and 33 more"


def test_the_summary_tells_the_whole_in_one_line():
    assert _board(*example_events()).summary(5.6) == (
        "classified as method · 16 hits · 4 papers · 1 fallback · 5.6 s"
    )


def test_an_end_without_a_beginning_is_let_go():
    assert _board(_ended(7, 1.0)).rows(1.0) == [Row(0, "skipped", "search", None, "")]


def test_durations_and_counts_read_well():
    assert [duration(seconds) for seconds in (0.04, 9.96, 59.4, 59.6, 125)] == [
        "0.0 s",
        "10 s",
        "59 s",
        "1 min 0 s",
        "2 min 5 s",
    ]
    assert [count_of(1, "paper"), count_of(1_204, "passage")] == ["1 paper", "1,204 passages"]
    assert shorten("A long title", 7) == "A long…"


def test_a_step_that_waits_for_another_try_is_running_and_says_when():
    board = _board(
        _started(1),
        _ended(1, 0.2, status=Outcome.LIMITED),
        Retrying(
            step="search", rung="ask", attempt=1, wait_seconds=0.4, outcome=Outcome.LIMITED, why="Slow down."
        ),
    )
    row = board.rows(1.0)[0]
    assert (row.state, row.detail, row.seconds) == ("running", "ask · limited · again in 0.4 s", 1.0)
    board.apply(_started(2, attempt=2, started=0.6))
    assert "again" not in board.rows(1.0)[0].detail


def test_each_try_is_a_stretch_of_time_and_a_step_holds_its_branches_together():
    board = _board(
        _started(1, branch="dense"),
        _started(2, branch="keyword"),
        _ended(1, 0.5, branch="dense", status=Outcome.TIMED_OUT),
        _started(3, branch="dense", started=0.5, attempt=2),
        _ended(2, 0.5, branch="keyword"),
    )
    step, dense, keyword = (row.stretches for row in board.rows(2.0))
    assert step == (Stretch(0.0, 2.0, spans=True),)
    assert dense == (Stretch(0.0, 0.5, failed=True), Stretch(0.5, 2.0))
    assert keyword == (Stretch(0.0, 0.5),)
    assert [drawn(each, until=2.0, columns=8) for each in (step, dense, keyword)] == [
        "────────",
        "╍╍━━━━━━",
        "━━      ",
    ]


def test_what_was_spent_stands_with_the_step_that_spent_it():
    board = _board(*example_events())
    details = {row.name: row.detail for row in board.rows(5.6)}
    assert details["reason"] == "qwen3:32b · 2,496 tokens"
    assert details["summarise"] == "4 papers read · 5,050 tokens"
    assert board.spent() == "7,546 tokens"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), max_size=5),
    st.floats(0, 1e6),
    st.integers(0, 40),
)
def test_a_line_is_as_long_as_it_is_told_whatever_the_times(times, until, columns):
    stretches = [Stretch(min(pair), max(pair)) for pair in times]
    assert len(drawn(stretches, until=until, columns=columns)) == columns


def test_the_end_of_a_line_grows_in_round_steps():
    assert [whole(seconds) for seconds in (0.0, 0.9, 1.2, 3, 7, 12, 130)] == [1, 1, 2, 5, 10, 20, 200]
    assert whole(1e9) == 1e9
