"""What every encoder promises."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from indexes.embed import OnnxEncoder
from indexes.hashing import HashingEncoder
from indexes.model_files import find_model
from indexes.protocols import Encoder
from pipelines.embeddings import RemoteEncoder
from tests.faults.dialects.openai_embed import OpenAIEmbeddings
from tests.faults.server import FaultServer

TEXTS = [
    "A router sends each question to the smallest model that can answer it.",
    "Retries need a budget.",
    "word " * 2_000,
    "Ein Satz mit Umlauten: Größe, Übermut, naïve café.",
    "检索增强生成",
    "🙂 emoji and \u202e a bidi override",
    "lone \ud800 surrogate",
    "\x00\x1b[31m control",
    "???",
    " ",
    "",
]


def _hashing(request: pytest.FixtureRequest) -> Encoder:
    return HashingEncoder()


def _onnx(request: pytest.FixtureRequest) -> Encoder:
    folder: Path = request.getfixturevalue("models_folder")
    return OnnxEncoder(folder / "all-MiniLM-L6-v2" / "onnx")


def _shipped(request: pytest.FixtureRequest) -> Encoder:
    folder = find_model(cache=None)
    assert folder is not None
    return OnnxEncoder(folder)


def _remote(request: pytest.FixtureRequest) -> Encoder:
    server: FaultServer = request.getfixturevalue("embedding_server")
    return RemoteEncoder("openai:text-embedding-3-small", base_url=server.base_url)


@pytest.fixture(scope="module")
def embedding_server() -> Iterator[FaultServer]:
    with FaultServer(OpenAIEmbeddings(), prefix="/v1") as server:
        yield server


@pytest.fixture(
    scope="module", params=[_hashing, _shipped, _onnx, _remote], ids=["hashing", "shipped", "onnx", "remote"]
)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    made: Encoder = request.param(request)
    return made


def test_it_is_an_encoder_with_a_name_and_a_dimension(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.name
    assert encoder.dimensions > 0


def test_each_text_gets_one_float32_row_of_unit_length(encoder: Encoder) -> None:
    matrix = encoder.encode(TEXTS)
    assert matrix.shape == (len(TEXTS), encoder.dimensions)
    assert matrix.dtype == np.float32
    assert np.isfinite(matrix).all()
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimensions)
    assert encoder.count_tokens([]) == []


def test_a_texts_row_does_not_depend_on_its_company(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS * 3)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    for part in np.split(together, 3):
        np.testing.assert_allclose(part, alone, atol=2e-5)


def test_like_wordings_lie_closer_than_unlike_ones(encoder: Encoder) -> None:
    a, b, c = encoder.encode(["retry with back-off", "back-off between retries", "the moons of Jupiter"])
    assert a @ b > a @ c + 0.2


def test_it_may_be_used_from_several_threads(encoder: Encoder) -> None:
    alone = encoder.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for matrix in pool.map(lambda _: encoder.encode(TEXTS), range(8)):
            np.testing.assert_allclose(matrix, alone, atol=2e-5)


def test_tokens_are_counted_without_an_upper_end(encoder: Encoder) -> None:
    counts = encoder.count_tokens(TEXTS)
    assert counts[2] == 2_000
    assert counts[-1] == 0
    assert all(isinstance(count, int) and count >= 0 for count in counts)


def test_the_fingerprint_is_stable_and_names_model_and_dimension(encoder: Encoder) -> None:
    assert encoder.fingerprint == encoder.fingerprint
    assert encoder.name in encoder.fingerprint
    assert str(encoder.dimensions) in encoder.fingerprint


def test_encoders_are_told_apart() -> None:
    assert HashingEncoder(64).fingerprint != HashingEncoder(128).fingerprint
