"""Fusion by scores, by ranks, and of both kinds of list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.fuse import fuse
from indexes.ranking import DEPTH
from indexes.types import Document, Hit, Hits, Passage

_DOCUMENT = Document(id="d", source="d.txt", title="D")


def _hit(id: str, score: float, rank: int) -> Hit:
    passage = Passage(id=id, document_id="d", text=id, start=0, end=len(id), page=1)
    return Hit(passage=passage, document=_DOCUMENT, score=score, rank=rank, retriever="keyword")


def _ranked(*ids: str) -> Hits:
    return Hits(hits=tuple(_hit(id, 1.0 / rank, rank) for rank, id in enumerate(ids, 1)))


def _measured(scores: dict[str, float], *, limit: int = 50) -> Hits:
    pairs = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    hits = tuple(_hit(id, score, rank) for rank, (id, score) in enumerate(pairs[:limit], 1))
    return Hits(hits=hits, scores=tuple(pairs))


def _ids(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.passage.id for hit in hits]


def test_a_passage_in_both_lists_comes_before_one_that_leads_a_single_list() -> None:
    fused = fuse([_ranked("a", "b"), _ranked("c", "b")])
    assert _ids(fused) == ["b", "a", "c"]
    assert fused[0].score == pytest.approx(2 / 62)
    assert [hit.rank for hit in fused] == [1, 2, 3]
    assert {hit.retriever for hit in fused} == {"fused"}


def test_equal_scores_are_ordered_by_id() -> None:
    assert _ids(fuse([_ranked("b"), _ranked("a")])) == ["a", "b"]


def test_a_passage_twice_in_one_list_counts_once() -> None:
    assert fuse([_ranked("a", "a")])[0].score == pytest.approx(1 / 61)


def test_the_limit_cuts_after_fusing() -> None:
    assert _ids(fuse([_ranked("a", "b"), _ranked("b", "a"), _ranked("b")], limit=1)) == ["b"]


def test_nothing_fused_is_nothing() -> None:
    assert fuse([]) == ()
    assert fuse([Hits(), Hits()]) == ()


def test_by_scores_a_passage_that_stands_out_beats_one_that_is_a_little_better_in_both_lists() -> None:
    cosines = {"a": 0.50, "b": 0.49, "c": 0.48, "d": 0.47, "e": 0.46}
    bm25 = {"b": 31.0, "a": 6.0, "c": 5.0, "d": 4.0, "e": 3.0}
    assert _ids(fuse([_measured(cosines), _measured(bm25)]))[0] == "b"
    shifted = {id: 100 * score + 7 for id, score in cosines.items()}
    assert _ids(fuse([_measured(shifted), _measured(bm25)])) == _ids(
        fuse([_measured(cosines), _measured(bm25)])
    )


def test_a_passage_missing_from_a_full_list_counts_as_its_lowest() -> None:
    full = {f"p{n:03}": 300.0 - n for n in range(DEPTH)}
    fused = fuse([_measured(full, limit=DEPTH), _measured({"d": 1.0, "p199": 1.0})])
    scores = {hit.passage.id: hit.score for hit in fused}
    assert scores["d"] == scores["p199"]


def test_a_passage_missing_from_a_short_list_counts_as_having_nothing_in_common() -> None:
    cosines = {"a": 0.30, "b": 0.29, "c": 0.28}
    assert _ids(fuse([_measured(cosines), _measured({"b": 0.4})])) == ["b", "a", "c"]


def test_a_score_behind_the_hits_counts_although_it_is_no_hit_there() -> None:
    first = {"a": 9.0, "b": 8.0, "c": 7.0, "d": 1.0}
    second = {"d": 9.0, "c": 8.9, "a": 2.0, "b": 1.0}
    fused = fuse([_measured(first, limit=2), _measured(second, limit=1)])
    assert sorted(_ids(fused)) == ["a", "b", "d"]
    deep = {hit.passage.id: hit.score for hit in fuse([_measured(first), _measured(second)])}
    assert {hit.passage.id: hit.score for hit in fused} == {id: deep[id] for id in "abd"}


def test_a_list_of_mostly_equal_scores_does_not_decide_alone() -> None:
    equal = {f"p{n:03}": 1.0 + max(0, n - 120) / 1000 for n in range(DEPTH)}
    clear = {"p007": 40.0} | {f"p{n:03}": n / 100 for n in range(100, DEPTH)}
    assert _ids(fuse([_measured(equal), _measured(clear)]))[0] == "p007"
    assert all(hit.score == 0 for hit in fuse([_measured({f"p{n:03}": 1.0 for n in range(DEPTH)})]))


def test_a_list_that_only_ranks_joins_those_with_scores_as_one_more_list() -> None:
    scored = [_measured({"a": 3.0, "b": 1.0}), _measured({"a": 0.9, "c": 0.1})]
    fused = fuse([*scored, _ranked("w", "a")])
    assert _ids(fused)[:2] == ["a", "w"]
    assert fused[0].score == pytest.approx(1 / 61 + 1 / 62)


_Lists = st.lists(
    st.tuples(st.booleans(), st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-50, 50))), max_size=4
)


@given(_Lists)
def test_the_order_of_the_lists_does_not_matter(lists: list[tuple[bool, dict[str, float]]]) -> None:
    answers = [_measured(scores) if by_score else _ranked(*scores) for by_score, scores in lists]
    fused = fuse(answers)
    assert _ids(fused) == _ids(fuse(reversed(answers)))
    assert {hit.passage.id for hit in fused} == {id for _, scores in lists for id in scores}
    assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)
