"""What the encoder does not read: what stands in every text, and nothing that changes what it says."""

from __future__ import annotations

import json

import pytest

from indexes.model_files import find_model
from training.stop_tokens import STOP_TOKENS, stop_ids


@pytest.fixture(scope="module")
def vocabulary() -> dict[str, int]:
    folder = find_model(cache=None)
    assert folder is not None
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    return dict(tokenizer["model"]["vocab"])


def test_each_is_a_token_of_the_vocabulary_that_ships(vocabulary: dict[str, int]) -> None:
    numbers = stop_ids(vocabulary)
    assert len(numbers) == len(set(numbers)) == len(STOP_TOKENS)
    assert {token for token, number in vocabulary.items() if number in set(numbers)} == STOP_TOKENS


def test_no_other_word_is_among_them() -> None:
    assert {token for token in STOP_TOKENS if token.isalpha()} == {"the", "s"}


def test_a_vocabulary_without_them_has_none() -> None:
    assert stop_ids({"owl": 0, "the": 7, "##s": 3}) == [7]
