"""Exact search by meaning: the best rows, in an order that never varies."""

from __future__ import annotations

import numpy as np
import pytest

from indexes.exact import ExactIndex, best


def unit(*rows: list[float]) -> np.ndarray:  # type: ignore[type-arg]
    matrix = np.array(rows, np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


@pytest.mark.parametrize("limit", [1, 3, 10, 499, 500, 501])
def test_the_best_rows_are_those_a_full_sort_puts_first(limit: int) -> None:
    scores = np.random.default_rng(0).integers(0, 40, 500).astype(np.float32)
    expected = np.lexsort((np.arange(500), -scores))[:limit]
    assert best(scores, limit).tolist() == expected.tolist()


def test_rows_out_of_the_question_are_never_returned() -> None:
    scores = np.array([-np.inf, 1.0, -np.inf, 0.0], np.float32)
    assert best(scores, 4).tolist() == [1, 3]
    assert best(scores[:1], 4).tolist() == []
    assert best(scores, 0).tolist() == []


def test_passages_are_found_by_cosine_within_their_collections() -> None:
    index = ExactIndex(2).extended(
        [(np.array([10, 11]), ["a", "b"], unit([1, 0], [0, 1])), (np.array([12]), ["a"], unit([1, 1]))]
    )
    east = unit([1, 0])[0]
    assert [number for number, _ in index.search(east, limit=3)] == [10, 12, 11]
    assert index.search(east, limit=3)[1][1] == pytest.approx(0.7071, abs=1e-4)
    assert [number for number, _ in index.search(east, limit=3, collections=("b",))] == [11]
    assert index.search(east, limit=3, collections=("elsewhere",)) == []


def test_extending_leaves_the_index_in_use_as_it_was() -> None:
    first = ExactIndex(2).extended([(np.array([1]), ["a"], unit([1, 0]))])
    second = first.extended([(np.array([2]), ["b"], unit([0, 1]))])
    assert (len(first), len(second)) == (1, 2)
    assert first.search(unit([0, 1])[0], limit=5, collections=("b",)) == []


def test_an_empty_index_finds_nothing() -> None:
    assert ExactIndex(2).search(unit([1, 0])[0], limit=5) == []
