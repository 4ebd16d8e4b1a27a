"""A student's weights, as arrays: those of a checkpoint, its vocabulary without the tokens nobody writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Student", "read_student", "without_unused_tokens"]

Array = NDArray[np.float32]

_UNUSED = re.compile(r"\[unused\d+\]")
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")
_WORDS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Student:
    """A BERT encoder as its checkpoint has it."""

    weights: Mapping[str, Array]
    """By the names of Hugging Face's `BertModel`, without a prefix."""
    layers: tuple[int, ...]
    """The layers that count, in their order."""
    heads: int
    tokenizer: Mapping[str, Any]
    """What `tokenizer.json` holds."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self.weights[_WORDS].shape[1])

    def of_layer(self, layer: int, name: str) -> Array:
        """One of a layer's weights, such as `attention.self.query.weight`."""
        return self.weights[f"encoder.layer.{layer}.{name}"]


def read_student(folder: Path, *, layers: Sequence[int] | None = None) -> Student:
    """Reads a checkpoint: `config.json`, `model.safetensors` and `tokenizer.json`.

    Args:
        folder: As `BertModel.save_pretrained` and the tokenizer's leave it.
        layers: Which layers to take; all of them if not given.
    """
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text("utf-8"))
    loaded = load_file(folder / "model.safetensors")
    weights = {name.removeprefix("bert."): array.astype(np.float32) for name, array in loaded.items()}
    there = {int(found.group(1)) for name in weights if (found := _LAYER.match(name))}
    return Student(
        weights=weights,
        layers=tuple(sorted(there) if layers is None else layers),
        heads=config["num_attention_heads"],
        tokenizer=json.loads((folder / "tokenizer.json").read_text("utf-8")),
    )


def without_unused_tokens(student: Student) -> Student:
    """Returns the student without the rows of `[unused0]` to `[unused993]`, its tokenizer numbered anew.

    No text holds them, so no vector changes.
    """
    vocabulary: dict[str, int] = student.tokenizer["model"]["vocab"]
    kept = [(token, old) for token, old in vocabulary.items() if not _UNUSED.fullmatch(token)]
    kept.sort(key=lambda pair: pair[1])
    numbers = {token: new for new, (token, _) in enumerate(kept)}
    tokenizer = json.loads(json.dumps(student.tokenizer))
    tokenizer["model"]["vocab"] = numbers
    for added in tokenizer["added_tokens"]:
        added["id"] = numbers[added["content"]]
    for special in tokenizer["post_processor"].get("special_tokens", {}).values():
        special["ids"] = [numbers[token] for token in special["tokens"]]
    for end in ("sep", "cls"):  # how an older tokenizer names them
        if end in tokenizer["post_processor"]:
            token = tokenizer["post_processor"][end][0]
            tokenizer["post_processor"][end] = [token, numbers[token]]
    rows = student.weights[_WORDS][[old for _, old in kept]]
    return replace(student, weights={**student.weights, _WORDS: rows}, tokenizer=tokenizer)
