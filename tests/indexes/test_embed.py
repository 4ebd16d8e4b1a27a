"""Embedding with the real model: what other encoders do not promise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from indexes.embed import OnnxEncoder
from indexes.errors import EncoderError, EncoderMissing

TEXTS = [f"Passage {n} is about retries, routes and {'very ' * (n % 17)}long waits." for n in range(60)]


@pytest.fixture(scope="session")
def model(models_folder: Path) -> Path:
    return models_folder / "all-MiniLM-L6-v2" / "onnx"


@pytest.fixture
def copied(model: Path, tmp_path: Path) -> Path:
    """The model's folder with its big file linked, so that the small ones can be changed."""
    folder = tmp_path / "some-model" / "onnx"
    folder.mkdir(parents=True)
    for file in ("config.json", "tokenizer.json"):
        shutil.copyfile(model / file, folder / file)
    (folder / "model.onnx").symlink_to(model / "model.onnx")
    return folder


def test_meaning_counts_and_not_only_wording(model: Path) -> None:
    a, b, c = OnnxEncoder(model).encode(
        [
            "The physician examined the child.",
            "A doctor looked at the young patient.",
            "The stock market fell.",
        ]
    )
    assert a @ b > a @ c + 0.4


def test_batches_threads_and_order_do_not_change_a_vector(model: Path) -> None:
    one_by_one = OnnxEncoder(model, batch_tokens=1, threads=1).encode(TEXTS)
    together = OnnxEncoder(model, batch_tokens=4_096, threads=3).encode(TEXTS[::-1])[::-1]
    np.testing.assert_allclose(one_by_one, together, atol=2e-5)


def test_vectors_equal_those_of_chromas_own_function(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

    monkeypatch.setattr(ONNXMiniLM_L6_V2, "DOWNLOAD_PATH", model.parent)
    texts = [*TEXTS[:6], "word " * 400, ""]
    theirs = np.array(ONNXMiniLM_L6_V2()(texts))
    np.testing.assert_allclose(OnnxEncoder(model).encode(texts), theirs, atol=2e-5)


def test_a_text_is_cut_at_the_limit_of_tokens(model: Path) -> None:
    encoder = OnnxEncoder(model, max_tokens=16)
    short, long = encoder.encode(["word " * 14, "word " * 100 + "banana"])
    np.testing.assert_allclose(short, long, atol=2e-5)
    assert encoder.count_tokens(["word " * 100]) == [100]
    assert encoder.fingerprint != OnnxEncoder(model).fingerprint


def test_name_dimension_and_fingerprint_need_no_model_in_memory(model: Path) -> None:
    encoder = OnnxEncoder(model)
    assert (encoder.name, encoder.dimensions) == ("all-MiniLM-L6-v2", 384)
    assert encoder.fingerprint.startswith("all-MiniLM-L6-v2/384/")
    assert encoder._session is None


def test_another_file_is_another_model(copied: Path, tmp_path: Path) -> None:
    before = OnnxEncoder(copied).fingerprint
    words = json.loads((copied / "tokenizer.json").read_text("utf-8"))
    words["normalizer"]["lowercase"] = False
    (copied / "tokenizer.json").write_text(json.dumps(words), "utf-8")
    changed_words = OnnxEncoder(copied).fingerprint
    weights = bytearray((copied / "model.onnx").read_bytes())
    weights[len(weights) // 2 + 1_000] ^= 1
    (copied / "model.onnx").unlink()
    (copied / "model.onnx").write_bytes(weights)
    assert len({before, changed_words, OnnxEncoder(copied).fingerprint}) == 3


def test_a_model_without_configuration_is_measured(copied: Path) -> None:
    (copied / "config.json").unlink()
    assert OnnxEncoder(copied).dimensions == 384


def test_a_configuration_that_is_wrong_is_told(copied: Path) -> None:
    (copied / "config.json").write_text('{"hidden_size": 100}')
    with pytest.raises(EncoderError, match="shape"):
        OnnxEncoder(copied).encode(["x"])


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(copied: Path, file: str) -> None:
    (copied / file).unlink()
    with pytest.raises(EncoderMissing, match=file) as failure:
        OnnxEncoder(copied).encode(["x"])
    assert "carrel models get" in failure.value.hint
    with pytest.raises(EncoderMissing, match=file):
        _ = OnnxEncoder(copied).fingerprint


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_an_error_of_ours(copied: Path, file: str) -> None:
    (copied / file).unlink()
    (copied / file).write_bytes(b"\x00damaged")
    with pytest.raises(EncoderError, match="cannot be"):
        OnnxEncoder(copied).encode(["x"])
