"""The metrics against numbers worked out by hand, and the intervals against the normal distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest

from indexes.evaluation.metrics import interval, ndcg, recall, reciprocal_rank

GRADED = {"a": 3, "b": 2, "c": 1}


def test_the_best_order_has_an_ndcg_of_one() -> None:
    assert ndcg(["a", "b", "c", "x"], GRADED) == 1.0


def test_ndcg_is_the_discounted_gain_over_the_best_possible() -> None:
    """Gains 0, 1, 3 at ranks 1, 2, 3: 1/log2(3) + 3/log2(4) = 2.130930; at best 3 + 2/log2(3) + 1/2."""
    assert ndcg(["x", "c", "a"], GRADED) == pytest.approx(2.130930 / 4.761860, abs=1e-6)


def test_ndcg_looks_no_deeper_than_told_and_its_best_is_no_deeper_either() -> None:
    assert ndcg(["x"] * 10 + ["a"], {"a": 1}) == 0.0
    many = {str(number): 1 for number in range(20)}
    assert ndcg([str(number) for number in range(10)], many) == 1.0
    assert ndcg(["x", "a"], {"a": 1}, depth=2) == pytest.approx(1 / math.log2(3))


def test_recall_is_the_share_of_all_relevant_ones_even_where_more_are_relevant_than_looked_at() -> None:
    assert recall(["a", "x", "c"], GRADED) == pytest.approx(2 / 3)
    assert recall(["a", "b", "c"], GRADED, depth=2) == pytest.approx(2 / 3)
    assert recall([], GRADED) == 0.0
    assert recall(["a"], {"a": 1, "judged not relevant": 0}) == 1.0


def test_the_reciprocal_rank_is_that_of_the_first_relevant_one() -> None:
    assert reciprocal_rank(["x", "y", "b", "a"], GRADED) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "y"], GRADED) == 0.0
    assert reciprocal_rank(["x", "y", "b"], GRADED, depth=2) == 0.0


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution_for_many_values() -> None:
    values = np.random.default_rng(7).normal(0.5, 0.2, 2_000)
    found = interval(values)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.001)
    assert found.high == pytest.approx(values.mean() + half, abs=0.001)


def test_the_same_values_give_the_same_interval_however_many_are_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.array([0.0, 1.0, 0.5, 0.25])
    whole = interval(values)
    assert interval(values) == whole
    monkeypatch.setattr("indexes.evaluation.metrics._DRAWN_AT_ONCE", 4_000)
    in_parts = interval(values)
    assert (in_parts.low, in_parts.high) == pytest.approx((whole.low, whole.high), abs=0.03)


def test_the_interval_of_equal_values_is_that_value() -> None:
    found = interval(np.full(5, 0.25))
    assert (found.low, found.value, found.high) == (0.25, 0.25, 0.25)


def test_a_percentile_has_an_interval_too() -> None:
    found = interval(np.arange(101.0), np.median, resamples=500)
    assert found.low < found.value == 50.0 < found.high
