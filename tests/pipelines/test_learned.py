"""Marks change who answers first only when there are enough of them and they agree, and say why."""

from __future__ import annotations

import pytest

from pipelines.learned import lesson, probability_better
from pipelines.models import Models
from pipelines.route import choose_route
from pipelines.settings import Learning, Limits
from pipelines.testing import ScriptedModel
from pipelines.trace import Recorder
from pipelines.types import Kind, Query, Question, Route, Tally

SMALL, LARGE = "scripted:small", "scripted:large"


def tally(author: str, helped: int, not_helped: int, kind: Kind = Kind.FACT) -> Tally:
    return Tally(kind=kind, author=author, helped=helped, not_helped=not_helped)


async def route(*tallies: Tally, kind: Kind = Kind.FACT, **limits: object) -> Route:
    return await choose_route(
        Question(text="?", tallies=tallies),
        Query(text="?", kind=kind),
        Models(small=ScriptedModel("", name=SMALL), reasoning=ScriptedModel("", name=LARGE)),
        Limits.model_validate(limits),
        Recorder(lambda event: None),
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [((0, 0), (0, 0), 0.5), ((3, 0), (0, 3), 69 / 70), ((1, 0), (0, 0), 2 / 3), ((0, 1), (0, 0), 1 / 3)],
)
def test_the_probability_is_that_of_the_two_beta_posteriors(
    one: tuple[int, int], other: tuple[int, int], expected: float
) -> None:
    assert probability_better(tally("a", *one), tally("b", *other)) == pytest.approx(expected)


def test_the_two_probabilities_add_up_to_one() -> None:
    one, other = tally("a", 17, 5), tally("b", 230, 90)
    assert probability_better(one, other) + probability_better(other, one) == pytest.approx(1)


async def test_a_small_model_that_does_not_help_is_not_asked_first_any_more() -> None:
    assert (await route()).name == "cascade"
    learnt = await route(tally(SMALL, 2, 12), tally(LARGE, 11, 1))
    assert learnt.name == "full"
    assert "Learnt from your marks (2 of 14 answers by scripted:small helped" in learnt.why
    assert "scripted:large answers at once" in learnt.why


async def test_a_small_model_that_helps_more_drafts_other_kinds_too() -> None:
    assert (await route(kind=Kind.REASON)).name == "full"
    marks = (tally(SMALL, 12, 0, Kind.REASON), tally(LARGE, 3, 9, Kind.REASON))
    learnt = await route(*marks, kind=Kind.REASON)
    assert learnt.name == "cascade"
    assert "scripted:small drafts first" in learnt.why
    assert (await route(*marks, kind=Kind.METHOD)).name == "full", "one kind says nothing of another"


@pytest.mark.parametrize(
    "marks",
    [
        (tally(SMALL, 0, 7), tally(LARGE, 7, 0)),
        (tally(SMALL, 0, 200),),
        (tally(SMALL, 6, 4), tally(LARGE, 7, 3)),
        (tally("scripted:former", 0, 20), tally(LARGE, 20, 0)),
    ],
    ids=["too few", "of one model only", "not clear", "of a model that is gone"],
)
async def test_nothing_changes_before_there_is_enough_evidence(marks: tuple[Tally, ...]) -> None:
    assert await route(*marks) == await route()


async def test_it_can_be_switched_off() -> None:
    marks = (tally(SMALL, 0, 20), tally(LARGE, 20, 0))
    assert await route(*marks, learning={"on": False}) == await route()
    assert (await route(*marks, cascade={"on": False})).name == "full"


def test_one_model_in_both_roles_has_nothing_to_learn() -> None:
    marks = [tally(SMALL, 10, 10)]
    assert lesson(Kind.FACT, marks, small=SMALL, reasoning=SMALL, learning=Learning()) is None
