"""A student's weights, as arrays: those of a checkpoint, its vocabulary without the tokens nobody writes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.stop_tokens import stop_ids

__all__ = ["Student", "rare_tokens", "read_student", "unused_tokens", "without_tokens"]

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
    def unread(self) -> list[int]:
        """The numbers of the tokens that it does not read, once it is exported."""
        return stop_ids(self.tokenizer["model"]["vocab"])

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


def unused_tokens(student: Student) -> frozenset[str]:
    """`[unused0]` to `[unused993]`: no text holds them, so without them no vector changes."""
    return frozenset(token for token in student.tokenizer["model"]["vocab"] if _UNUSED.fullmatch(token))


def rare_tokens(student: Student, texts: Iterable[str], *, at_most: int) -> frozenset[str]:
    """The pieces of words that texts hold no more often than that; a word in which one stands is cut smaller.

    Single characters and the special tokens are none of them: with the characters every word can be cut.
    """
    from tokenizers import Tokenizer

    words = Tokenizer.from_str(json.dumps(student.tokenizer))
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(words.encode(text, add_special_tokens=False).tokens)
    special = {added["content"] for added in student.tokenizer["added_tokens"]}
    return frozenset(
        token
        for token in student.tokenizer["model"]["vocab"]
        if seen[token] <= at_most and token not in special and len(token.removeprefix("##")) > 1
    )


def without_tokens(student: Student, dropped: Set[str]) -> Student:
    """Returns the student without these tokens' rows, its tokenizer numbered anew."""
    vocabulary: dict[str, int] = student.tokenizer["model"]["vocab"]
    kept = [(token, old) for token, old in vocabulary.items() if token not in dropped]
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
