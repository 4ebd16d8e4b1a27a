"""A pipeline is refused when it is declared wrongly, with the step's name."""

import pytest

from pipelines.errors import PipelineInvalid
from pipelines.policy import Policy
from pipelines.step import Pipeline, Rung, Step, rung

NAN = float("nan")


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


async def with_model(number: int, small: object) -> int:
    return number


def declared(*ladder: Rung, share: float = 1.0) -> Pipeline:
    step = Step("add", gives="sum", ladder=ladder, share=share)
    return Pipeline("p", ("number",), "sum", [step], optional=frozenset({"small"}))


def test_a_ladder_whose_last_rung_needs_what_may_be_absent_is_refused() -> None:
    with pytest.raises(PipelineInvalid, match="'add' has no last rung: 'with model' needs 'small'"):
        declared(rung(add), rung(with_model))


def test_a_ladder_whose_last_rung_needs_a_persons_consent_is_refused() -> None:
    with pytest.raises(PipelineInvalid, match="'add' has no last rung: 'add' needs consent: web"):
        declared(rung(with_model), rung(add, consent="web"))


def test_a_better_rung_may_need_what_is_absent_and_consent() -> None:
    assert declared(rung(with_model, consent="web"), rung(add)).gives == "sum"


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (Policy(timeout_seconds=-1), "has a time-out of -1 seconds; it must be above 0"),
        (Policy(timeout_seconds=0), "has a time-out of 0 seconds; it must be above 0"),
        (Policy(attempts=5), "has 5 attempts; 1 to 4 are allowed"),
        (Policy(attempts=0), "has 0 attempts; 1 to 4 are allowed"),
        (Policy(backoff_seconds=-0.1), "has a back-off that is not 0 seconds or more"),
        (Policy(max_backoff_seconds=-0.1), "has a back-off that is not 0 seconds or more"),
        (Policy(reserve=-0.1), "keeps back -0.1 of the step's time"),
        (Policy(reserve=1), "keeps back 1 of the step's time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_policy_that_cannot_hold_is_refused_with_the_step_and_the_rung(
    policy: Policy, problem: str
) -> None:
    with pytest.raises(PipelineInvalid, match=f"^Step 'add': its rung 'add' {problem}"):
        declared(rung(add, policy))


@pytest.mark.parametrize(
    "policy",
    [
        Policy(timeout_seconds=NAN),
        Policy(backoff_seconds=NAN),
        Policy(max_backoff_seconds=NAN),
        Policy(reserve=NAN),
    ],
)
def test_a_policy_with_no_number_for_a_number_is_refused(policy: Policy) -> None:
    with pytest.raises(PipelineInvalid, match="'add'"):
        declared(rung(add, policy))


@pytest.mark.parametrize("share", [0, -1, float("nan")])
def test_a_share_of_the_time_that_is_not_above_zero_is_refused(share: float) -> None:
    with pytest.raises(PipelineInvalid, match=f"'add' has a share of {share:g}; it must be above 0"):
        declared(rung(add), share=share)


def test_rungs_that_together_keep_back_all_the_time_are_refused() -> None:
    half = Policy(reserve=0.5)
    with pytest.raises(PipelineInvalid, match="'add' keeps back 1 of its time for fallbacks"):
        declared(rung(add), rung(add, half), rung(add, half))


def test_what_the_first_rung_reserves_is_nobodys_to_keep_back() -> None:
    assert declared(rung(add, Policy(reserve=0.5)), rung(add, Policy(reserve=0.5))).gives == "sum"


def test_a_step_that_needs_its_own_value_is_refused() -> None:
    with pytest.raises(PipelineInvalid, match="wait for each other: 'add'"):
        Pipeline("p", (), "number", [Step("add", gives="number", ladder=[rung(add)])])


def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(PipelineInvalid, match="Two steps of pipeline 'p' are called 'add'"):
        Pipeline(
            "p",
            ("number",),
            "doubled",
            [
                Step("add", gives="sum", ladder=[rung(add)]),
                Step("add", gives="doubled", ladder=[rung(double)]),
            ],
        )


def test_a_value_that_is_both_an_input_and_a_steps_is_refused() -> None:
    with pytest.raises(PipelineInvalid, match="'add' gives 'number', which is there already"):
        Pipeline("p", ("number",), "number", [Step("add", gives="number", ladder=[rung(add)])])


def test_shares_of_the_steps_that_follow_are_summed_along_the_heaviest_way() -> None:
    async def both(sum: int, other: int) -> int:
        return sum + other

    first = Step("add", gives="sum", ladder=[rung(add)])
    pipeline = Pipeline(
        "p",
        ("number",),
        "both",
        [
            first,
            Step("light", gives="doubled", ladder=[rung(double)], share=1),
            Step("heavy", gives="other", ladder=[rung(double, name="heavy")], share=7),
            Step("meet", gives="both", ladder=[rung(both)], share=2),
        ],
    )
    assert pipeline.after(first) == 9
