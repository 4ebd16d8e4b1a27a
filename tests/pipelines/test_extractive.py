"""The sentences that answer without a model: prose that speaks to the question."""

from __future__ import annotations

import pytest

from pipelines.extractive import best_sentences, by_meaning_too, rank_sentences, unmentioned
from tests.pipelines.papers import hit

PROSE = "Fear is switched on and off by two circuits of neurons in the amygdala."


def chosen(text: str) -> list[str]:
    sentences = best_sentences("Which circuits switch fear on and off?", [hit(text)], weights={}, limit=5)
    return [sentence.text for sentence in sentences]


def test_the_title_in_a_list_of_references_is_no_answer() -> None:
    reference = (
        "1. C. Herry and A. Lüthi. “Switching on and off fear by distinct neuronal circuits.” In: Nature 454."
    )
    assert chosen(f"{PROSE}\n\nReferences\n{reference}") == [PROSE]


def test_a_title_page_is_quoted_after_the_text_and_still_where_it_alone_tells() -> None:
    question = "Which circuits switch fear on and off?"
    page = "Circuits that switch fear on and off, by the fear circuits group of the institute of circuits."
    said = "In the amygdala two circuits switch fear."
    title_page, body = hit(page, title="One"), hit(said, title="Two", rank=2)
    title_page = title_page.model_copy(
        update={"passage": title_page.passage.model_copy(update={"part": "front"})}
    )

    both = best_sentences(question, [title_page, body], weights={}, limit=5)
    assert [sentence.text for sentence in both] == [said, page]
    (alone,) = best_sentences(question, [title_page], weights={}, limit=5)
    assert alone.text == page


@pytest.mark.parametrize(
    ("heading", "first"),
    [
        ("Acknowledgements", False),
        ("6. Funding", False),
        ("Author contributions", False),
        ("Declaration of competing interests", False),
        ("Fear in the amygdala", True),
    ],
)
def test_thanks_are_quoted_after_the_text(heading: str, first: bool) -> None:
    thanks = hit("We thank the group whose circuits switch fear on and off.", title="One")
    thanks = thanks.model_copy(update={"passage": thanks.passage.model_copy(update={"section": heading})})
    said = hit("In the amygdala two circuits switch fear.", title="Two", rank=2)

    best = best_sentences("Which circuits switch fear on and off?", [thanks, said], weights={}, limit=5)
    assert (best[0].hit.document.title == "One") is first


def test_a_licence_is_no_answer() -> None:
    licence = "This article on circuits that switch fear on and off is under a Creative Commons licence."
    assert chosen(f"{PROSE}\n\n{licence}") == [PROSE]


def test_a_sentence_that_quotes_is_still_an_answer() -> None:
    quoting = "They call it “a switch of fear” because its circuits turn it on and off."
    assert quoting in chosen(f"{PROSE} {quoting}")


def test_a_sentence_that_says_it_in_other_words_is_found_by_its_meaning() -> None:
    text = f"{PROSE} Terror starts and ends with them. Which circuits switch on and off is seen under a lens."
    ranked = rank_sentences("Which circuits switch fear on and off?", [hit(text)], weights={})
    meant = [1.0 if sentence.text.startswith("Terror") else 0.0 for sentence in ranked]

    assert not ranked[-1].share
    assert by_meaning_too(ranked, meant)[0].text == "Terror starts and ends with them."


def test_a_sentence_is_compared_after_the_one_before_it() -> None:
    ranked = rank_sentences(
        "What do they do to fear?", [hit(f"{PROSE} They do so to the fear at once.")], weights={}
    )
    contexts = {sentence.text: sentence.in_context for sentence in ranked}

    assert contexts[PROSE] == PROSE
    assert contexts["They do so to the fear at once."] == f"{PROSE} They do so to the fear at once."


def test_what_says_the_same_again_is_left_out() -> None:
    again = "Fear is switched on and off by two circuits of neurons in our amygdala, too."
    assert chosen(f"{PROSE} {again}") == [PROSE]


def test_what_is_missed_is_told_in_the_question_s_own_spelling_and_only_if_it_is_rare() -> None:
    question, found = "Does CRISPR affect the circuits that switched fear on?", [hit(PROSE, title="On fear")]
    assert unmentioned(question, found, weights={"affect": 0.3}) == ("CRISPR",)
    assert unmentioned(question, [], weights={}) == ("CRISPR", "affect", "circuits", "switched", "fear")


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("Why back off with backoff?", "Back-off doubles the waits."),
        ("Are pre-trained models better?", "Pretrained models are better."),
        ("Are pre-trained models better?", "Pre‑trained models are better."),
    ],
)
def test_a_word_with_a_hyphen_is_not_missed_where_it_stands_without_one(asked: str, text: str) -> None:
    assert unmentioned(asked, [hit(text)], weights={}) == ()
