"""The sentences that answer without a model: prose that speaks to the question."""

from __future__ import annotations

from pipelines.extractive import best_sentences
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


def test_a_sentence_that_quotes_is_still_an_answer() -> None:
    quoting = "They call it “a switch of fear” because its circuits turn it on and off."
    assert quoting in chosen(f"{PROSE} {quoting}")
