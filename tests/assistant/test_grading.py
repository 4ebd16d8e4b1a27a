"""Answers are graded where their question says what is right, by published measures and by what they cite."""

from __future__ import annotations

import pytest

from assistant.batch_questions import Gold
from assistant.batch_row import Row, Source
from assistant.grade_summary import grade_lines, summarised
from assistant.grading import Grade, exact_match, graded, normalised, token_f1
from assistant.history import State
from assistant.verdict import verdict_of
from indexes.evaluation.metrics import wilson
from pipelines.prompts import NOT_ANSWERED

_BREAKER = Source(
    number=1,
    document="d1",
    title="Circuit Breakers",
    doi="10.1000/Breaker",
    source="/papers/circuit-breakers.md",
    page=2,
    quote="It opens after five failures [3] in a row.",
    verified=True,
)
_JITTER = _BREAKER.model_copy(
    update={"number": 2, "document": "d2", "title": "Jitter", "doi": "", "source": "/papers/jitter.pdf"}
)


def row(text: str, *sources: Source, author: str = "openai:big", status: State = State.OK) -> Row:
    return Row(
        id="q", question="?", status=status, text=text, sources=sources, author=author, fingerprint="f"
    )


@pytest.mark.parametrize(
    ("text", "same"),
    [("The Cat's  Hat!", "cats hat"), ("an apple, a day", "apple day"), ("theatre", "theatre"), ("the", "")],
)
def test_text_is_compared_as_squad_does(text: str, same: str) -> None:
    assert normalised(text) == same


def test_exact_match_and_token_f1_are_squads() -> None:
    assert exact_match("The five failures.", "five failures")
    assert not exact_match("After five failures", "five failures")
    assert token_f1("after five failures", "five failures in a row") == pytest.approx(2 * 2 / (3 + 4))
    assert token_f1("failures failures", "failures") == pytest.approx(2 / 3), "each word counts once"
    assert token_f1("", "five") == 0.0
    assert token_f1("the", "a") == 1.0


def test_a_right_answer_counts_only_in_a_sentence_that_cites() -> None:
    gold = Gold(answers=("five failures",))
    cites = row("A breaker opens after five failures [1]. It rests.", _BREAKER)
    cites_after = row("A breaker opens after five failures. [1] It rests.", _BREAKER)
    does_not = row("A breaker opens after five failures. It rests [1].", _BREAKER)

    assert graded(cites, gold).span_cited is True
    assert graded(cites_after, gold).span_cited is True
    assert graded(does_not, gold).span_cited is False


def test_a_right_answer_must_be_cited_from_a_right_paper_where_these_are_known() -> None:
    gold = Gold(answers=("five failures",), documents=("jitter.pdf",))

    assert graded(row("After five failures [1].", _BREAKER, _JITTER), gold).span_cited is False
    assert graded(row("After five failures [2].", _BREAKER, _JITTER), gold).span_cited is True


def test_a_quoted_sentence_is_one_whatever_stands_in_it() -> None:
    quoted = row("- It opens (cf. No. 4 of them) after Five. Failures (3) in a row. [1]", _BREAKER)

    assert graded(quoted, Gold(answers=("Failures [3] in a row",))).span_cited is True


def test_quotes_of_what_is_cited_are_looked_at_as_well() -> None:
    unverified = _BREAKER.model_copy(update={"verified": False})

    assert graded(row("It opens [1].", _BREAKER), Gold(answers=("five failures",))).span_quoted is True
    assert graded(row("It opens [1].", unverified), Gold(answers=("five failures",))).span_quoted is False


@pytest.mark.parametrize(
    "name",
    ["d1", "10.1000/breaker", "https://doi.org/10.1000/BREAKER", "circuit-breakers", "circuit breakers"],
)
def test_a_paper_is_called_by_id_doi_file_or_title(name: str) -> None:
    grade = graded(row("It opens [1].", _BREAKER), Gold(documents=(name, "another paper")))

    assert grade.documents_cited == 0.5
    assert grade.exact is None, "no right answer was given"


def test_abstaining_is_right_only_where_there_is_no_answer() -> None:
    silent = row("Nothing in the library bears on this question.", author="nothing")
    model = row(NOT_ANSWERED)
    answer = row("It opens [1].", _BREAKER)

    assert [graded(each, Gold(answerable=False)).abstaining_right for each in (silent, model, answer)] == [
        True,
        True,
        False,
    ]
    assert graded(answer, Gold(answerable=True)).abstaining_right is True
    assert graded(silent, Gold(answers=("five",))).f1 == 0.0


def test_a_failed_question_is_wrong_in_everything() -> None:
    failed = graded(
        row("", status=State.ERROR),
        Gold(answers=("five",), documents=("d1",), verdict="yes", answerable=False),
    )

    assert (failed.exact, failed.f1, failed.span_cited, failed.documents_cited) == (False, 0.0, False, 0.0)
    assert (failed.verdict_right, failed.abstaining_right) == (False, False)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("**Yes**, it does [1].", "yes"),
        ("No. It does not [1].", "no"),
        ("Answer: maybe [2].", "maybe"),
        ("It depends on the dose [1].", "maybe"),
        ("- The groups did not differ in mortality. [1]", "no"),
        ("- Treatment was associated with fewer deaths. [1]\n- There was no difference in pain. [2]", "yes"),
        ("- Further studies are needed. [1]", "maybe"),
        ("- Forty patients were enrolled. [1]", None),
        ("Nobody knows.", None),
    ],
)
def test_a_verdict_is_a_models_first_word_or_a_quoted_sentences_cue(text: str, verdict: str | None) -> None:
    assert verdict_of(text) == verdict


def test_the_summary_says_of_each_measure_how_sure_it_is_and_over_how_many() -> None:
    grades = [Grade(exact=True, f1=1.0), Grade(exact=False, f1=0.5), Grade(exact=False), Grade()]
    exact, f1 = summarised(grades)

    assert (exact.measure, exact.questions, exact.method) == ("exact", 3, "wilson")
    assert (f1.measure, f1.questions, f1.value.value) == ("f1", 2, 0.75)
    assert "exact match: 0.333 (0.061 to 0.792, n = 3)" in grade_lines((exact, f1))


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 of 263, 0 of 20.
    assert (wilson(81, 263).low, wilson(81, 263).high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (wilson(0, 20).low, wilson(0, 20).high) == pytest.approx((0.0, 0.1611), abs=5e-5)
