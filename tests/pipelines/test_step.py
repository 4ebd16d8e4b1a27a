"""A pipeline is refused when it is declared wrongly, with the step's name."""

import pytest

from pipelines.errors import PipelineInvalid
from pipelines.step import Pipeline, Step, rung


async def add(number: int) -> int:
    return number + 1


async def double(sum: int) -> int:
    return sum * 2


async def circular(doubled: int) -> int:
    return doubled


def test_needs_are_the_names_of_a_functions_parameters() -> None:
    step = Step("add", gives="sum", ladder=[rung(add)])
    assert step.needs == {"number"}


def test_a_rung_is_named_after_its_function_in_words() -> None:
    async def by_small_model() -> None: ...

    assert rung(by_small_model).name == "by small model"


def test_a_step_without_a_ladder_is_refused() -> None:
    with pytest.raises(PipelineInvalid, match="'add' has no ladder"):
        Pipeline("p", takes=("number",), gives="sum", steps=[Step("add", gives="sum", ladder=[])])


def test_a_need_that_nothing_gives_is_refused() -> None:
    with pytest.raises(PipelineInvalid, match="'add' needs 'number', which nothing gives"):
        Pipeline("p", takes=(), gives="sum", steps=[Step("add", gives="sum", ladder=[rung(add)])])


def test_steps_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(PipelineInvalid, match="wait for each other: 'double', 'circle'"):
        Pipeline(
            "p",
            takes=(),
            gives="doubled",
            steps=[
                Step("double", gives="doubled", ladder=[rung(double)]),
                Step("circle", gives="sum", ladder=[rung(circular)]),
            ],
        )


def test_two_steps_that_give_the_same_value_are_refused() -> None:
    step = Step("add", gives="sum", ladder=[rung(add)])
    with pytest.raises(PipelineInvalid, match="give the same value"):
        Pipeline("p", takes=("number",), gives="sum", steps=[step, step])


def test_a_pipeline_whose_value_no_step_gives_is_refused() -> None:
    with pytest.raises(PipelineInvalid, match="gives 'answer'"):
        Pipeline("p", takes=("number",), gives="answer", steps=[Step("add", gives="sum", ladder=[rung(add)])])
