"""A cross-encoder as one more way to search: real ONNX, made by the test, and what it does to a ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from assistant import Assistant
from indexes.cross_encoder import CrossEncoder, CrossEncoderRetriever
from indexes.errors import SearchError
from indexes.hashing import HashingEncoder
from indexes.testing import library_of

WEIGHTS = {"[PAD]": 0.0, "[UNK]": -0.1, "night": 2.0, "day": -2.0}


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def _field(number: int, value: int | bytes | str) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _value(name: str, kind: int, sizes: Sequence[int | str]) -> bytes:
    dims = b"".join(_field(1, _field(2, s) if isinstance(s, str) else _field(1, s)) for s in sizes)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dims)))


def _node(operation: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    given = b"".join(_field(1, name) for name in inputs)
    return given + _field(2, output) + _field(4, operation) + b"".join(_field(5, a) for a in attributes)


def make_model(folder: Path, weights: Mapping[str, float] = WEIGHTS, *, outputs: int = 1) -> Path:
    """Writes a model whose logit is the sum of its words' weights: a table, a look-up and a sum."""
    folder.mkdir(parents=True, exist_ok=True)
    table = np.tile(np.array([[w] for w in weights.values()], "<f4"), (1, outputs))
    tensor = _field(1, len(weights)) + _field(1, outputs) + _field(2, 1)
    tensor += _field(8, "table") + _field(9, table.tobytes())
    axes = _field(1, "axes") + _field(8, 1) + _field(20, 7)
    kept = _field(1, "keepdims") + _field(3, 0) + _field(20, 2)
    graph = _field(1, _node("Gather", ["table", "input_ids"], "looked_up"))
    graph += _field(1, _node("ReduceSum", ["looked_up"], "logits", axes, kept))
    graph += _field(2, "sum") + _field(5, tensor)
    graph += _field(11, _value("input_ids", 7, ["batch", "tokens"]))
    graph += _field(12, _value("logits", 1, ["batch", outputs]))
    model = _field(1, 7) + _field(7, graph) + _field(8, _field(2, 11))
    (folder / "model.onnx").write_bytes(model)
    words = Tokenizer(WordLevel({word: n for n, word in enumerate(weights)}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    words.save(str(folder / "tokenizer.json"))
    return folder


_TEXTS = {
    "A": "owls and mice by day day",
    "B": "owls and mice at night",
    "C": "owls and mice at night night night",
}


def test_each_text_gets_the_models_probability_in_order(tmp_path: Path) -> None:
    scores = CrossEncoder(make_model(tmp_path / "small")).score("owls", [*_TEXTS.values()] * 5)
    assert scores.shape == (15,)
    assert list(np.argsort(-scores[:3])) == [2, 1, 0]
    assert ((scores > 0) & (scores < 1)).all()
    assert scores[:3] == pytest.approx(scores[12:])


async def test_what_the_others_find_is_ranked_by_what_it_says(tmp_path: Path) -> None:
    async with await library_of(_TEXTS, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        retriever = CrossEncoderRetriever(library.retrievers, CrossEncoder(make_model(tmp_path / "small")))
        found = await retriever.search("owls mice", limit=2)
        assert [hit.document.title for hit in found.hits] == ["C", "B"]
        assert [hit.rank for hit in found.hits] == [1, 2]
        assert {hit.retriever for hit in found.hits} == {"cross-encoder"}
        assert len(found.scores) == 3
        assert (await retriever.search("in:papers", limit=2)).hits == ()
        assert (await retriever.search("nothing that is there", limit=2)).hits != found.hits


async def test_a_library_fuses_it_with_its_own_ways(tmp_path: Path) -> None:
    alike = {"A": "owls and mice by day", "B": "owls and mice by dusk", "C": "owls and mice by night"}
    async with await library_of(alike, tmp_path / "library") as library:
        scores = {hit.score for hit in (await library.retrievers[0].search("mice owls", limit=3)).hits}
        assert len(scores) == 1
        model = CrossEncoder(make_model(tmp_path / "small"))
        library.further = (CrossEncoderRetriever(library.retrievers, model),)
        assert [each.name for each in library.retrievers] == ["keyword", "cross-encoder"]
        assert (await library.search("mice owls")).hits[0].document.title == "C"


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
async def test_a_missing_or_damaged_file_leaves_a_note_and_the_other_ways(tmp_path: Path, file: str) -> None:
    folder = make_model(tmp_path / "small")
    async with await library_of(_TEXTS, tmp_path / "library") as library:
        library.further = (CrossEncoderRetriever(library.retrievers, CrossEncoder(folder)),)
        (folder / file).write_bytes(b"not one")
        damaged = await library.search("owls")
        (folder / file).unlink()
        missing = await library.search("owls")
    assert len(damaged.hits) == len(missing.hits) == 3
    assert any("keyword only" in note and "cannot be used" in note for note in damaged.notes)
    assert any(f"has no {file}" in note and "library.cross_encoder" in note for note in missing.notes)


def test_a_model_with_several_outputs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="not one number a passage"):
        CrossEncoder(make_model(tmp_path / "two", outputs=2)).score("owls", ["mice"])


def test_a_setting_names_its_folder_and_it_is_off_otherwise(tmp_path: Path, carrel_home: Path) -> None:
    (tmp_path / "note.md").write_text("# Owls\n\nOwls hunt mice at night.\n")
    folder = make_model(tmp_path / "small")
    for setting, names in (("", {"dense", "keyword"}), (str(folder), {"dense", "keyword", "cross-encoder"})):
        with Assistant(library__encoder="hashing", web="never", library__cross_encoder=setting) as assistant:
            assistant.add(tmp_path / "note.md")
            answer = assistant.ask("When do owls hunt mice?")
            searched = {span.branch for span in answer.trace.spans if span.name == "search" and span.branch}
            assert searched == names
