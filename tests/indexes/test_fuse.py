"""Reciprocal rank fusion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.fuse import fuse
from indexes.types import Document, Hit, Passage

_DOCUMENT = Document(id="d", source="d.txt", title="D")


def _ranking(*ids: str, retriever: str = "keyword") -> list[Hit]:
    return [
        Hit(
            passage=Passage(id=id, document_id="d", text=id, start=0, end=len(id), page=1),
            document=_DOCUMENT,
            score=1.0 / rank,
            rank=rank,
            retriever=retriever,
        )
        for rank, id in enumerate(ids, 1)
    ]


def _ids(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.passage.id for hit in hits]


def test_a_passage_in_both_lists_comes_before_one_that_leads_a_single_list() -> None:
    fused = fuse([_ranking("a", "b"), _ranking("c", "b")])
    assert _ids(fused) == ["b", "a", "c"]
    assert fused[0].score == pytest.approx(2 / 62)
    assert [hit.rank for hit in fused] == [1, 2, 3]
    assert {hit.retriever for hit in fused} == {"fused"}


def test_equal_scores_are_ordered_by_id() -> None:
    assert _ids(fuse([_ranking("b"), _ranking("a")])) == ["a", "b"]


def test_a_passage_twice_in_one_list_counts_once() -> None:
    assert fuse([_ranking("a", "a")])[0].score == pytest.approx(1 / 61)


def test_the_limit_cuts_after_fusing() -> None:
    assert _ids(fuse([_ranking("a", "b"), _ranking("b", "a"), _ranking("b")], limit=1)) == ["b"]


def test_nothing_fused_is_nothing() -> None:
    assert fuse([]) == ()
    assert fuse([[], []]) == ()


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=4))
def test_the_order_of_the_lists_does_not_matter(rankings: list[list[str]]) -> None:
    lists = [_ranking(*ids) for ids in rankings]
    fused = fuse(lists)
    assert _ids(fused) == _ids(fuse(reversed(lists)))
    assert {hit.passage.id for hit in fused} == {id for ids in rankings for id in ids}
