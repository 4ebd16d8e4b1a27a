"""The encoder without a model: wording, the same in every process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from indexes.hashing import HashingEncoder

SENTENCE = "Retrieval-augmented answers cite the passages they rest on."


def test_texts_that_share_words_or_forms_of_words_lie_close() -> None:
    a, b, c = HashingEncoder().encode(
        ["routing calls between models", "how model calls are routed", "the banana harvest of 1987"]
    )
    assert a @ b > 0.5
    assert abs(a @ c) < 0.2


def test_vectors_are_the_same_in_every_process() -> None:
    code = f"from indexes.hashing import HashingEncoder; print(HashingEncoder().encode([{SENTENCE!r}])[0].tobytes().hex())"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert runs == {HashingEncoder().encode([SENTENCE])[0].tobytes().hex()}


def test_a_change_of_method_needs_a_new_revision() -> None:
    """When this fails on purpose, raise `_REVISION`: stored vectors no longer fit."""
    encoder = HashingEncoder(16)
    assert encoder.fingerprint == "hashing/16/1"
    np.testing.assert_allclose(encoder.encode(["routed calls"])[0], EXPECTED, atol=0.006)


EXPECTED = [0.1, -0.1, 0.21, 0.01, -0.11, -0.1, -0.1, 0.74, -0.09, 0.11, 0.1, -0.1, 0.11, 0.0, 0.54, 0.12]


@pytest.mark.parametrize("dimensions", [0, -1, 7])
def test_too_few_dimensions_are_refused(dimensions: int) -> None:
    with pytest.raises(ValueError, match="at least 8"):
        HashingEncoder(dimensions)
