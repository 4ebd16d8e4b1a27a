"""The vocabulary that ships: what nobody writes is left out, and every word can still be read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tokenizers import Tokenizer

from indexes.model_files import find_model
from training.weights import Student, rare_tokens, unused_tokens, without_tokens

TEXT = "The hippocampal pyramidal cells fire while granny sleeps."


@pytest.fixture(scope="module")
def student() -> Student:
    """One whose row for a token holds its number, so that rows can be told apart."""
    folder = find_model(cache=None)
    assert folder is not None
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    rows = np.arange(len(tokenizer["model"]["vocab"]), dtype=np.float32)[:, None]
    return Student({"embeddings.word_embeddings.weight": rows}, layers=(0,), heads=1, tokenizer=tokenizer)


def pieces(student: Student, text: str) -> list[tuple[str, float]]:
    """Each piece of a text with what its row holds."""
    encoded = Tokenizer.from_str(json.dumps(student.tokenizer)).encode(text)
    rows = student.weights["embeddings.word_embeddings.weight"]
    return [(token, float(rows[id, 0])) for token, id in zip(encoded.tokens, encoded.ids, strict=True)]


def test_a_text_of_common_words_is_read_as_before(student: Student) -> None:
    dropped = rare_tokens(student, [TEXT.replace("granny", "")] * 3, at_most=2)
    small = without_tokens(student, dropped)

    assert len(small.tokenizer["model"]["vocab"]) < len(student.tokenizer["model"]["vocab"]) / 5
    common = "The hippocampal cells fire."
    assert pieces(small, common) == pieces(student, common)


def test_a_word_that_was_left_out_is_cut_into_pieces_and_never_unknown(student: Student) -> None:
    small = without_tokens(student, rare_tokens(student, [TEXT.replace("granny", "")] * 3, at_most=2))
    before, after = pieces(student, TEXT), pieces(small, TEXT)

    assert "granny" in [token for token, _ in before]
    assert "granny" not in [token for token, _ in after]
    assert "".join(token.removeprefix("##") for token, _ in after if token[0] != "[").count("granny") == 1
    assert "[UNK]" not in [token for token, _ in after]


def test_what_is_seen_often_enough_stays(student: Student) -> None:
    assert "granny" in rare_tokens(student, [TEXT] * 2, at_most=2)
    assert "granny" not in rare_tokens(student, [TEXT] * 3, at_most=2)


def test_no_unused_token_ships(student: Student) -> None:
    assert unused_tokens(student) == frozenset()
