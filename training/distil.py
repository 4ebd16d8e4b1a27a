"""Distils a small sentence encoder out of a larger one, on processors that have nothing but two cores.

The student is the teacher with some of its layers: it begins with their weights. It learns, for each batch,

* the teacher's sentence vector (cosine),
* which texts of the batch the teacher finds alike (the divergence of the two softmaxes over the batch's
  similarities, as in Passalis and Tefas 2018, "Learning deep representations with probabilistic knowledge
  transfer"),
* the teacher's hidden states after the layers that the student's stand for (mean squared error over the
  tokens, as in Jiao et al. 2020, "TinyBERT").
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel

__all__ = ["Lesson", "batches", "child", "distil", "lesson", "losses", "main", "pooled", "still"]

_TEMPERATURE = 0.05
_POOL_BATCHES = 64
"""Batches are cut out of this many batches' texts sorted by length, so that little of a batch is padding."""


def distil(
    texts: list[str],
    teacher_folder: Path,
    out: Path,
    *,
    layers: tuple[int, ...] = (0, 2, 5),
    minutes: float = 45.0,
    batch: int = 64,
    max_tokens: int = 128,
    rate: float = 5e-4,
    seed: int = 1,
    threads: int = 2,
    init: Path | None = None,
) -> None:
    """Trains for a time and writes the student, as `transformers` saves a model, to `out`.

    Args:
        texts: What to learn from; gone through in random order, again and again.
        teacher_folder: A BERT encoder of sentences with mean pooling, as `transformers` saves it.
        out: Written at the end, and every ten minutes.
        layers: Which of the teacher's layers the student begins with.
        minutes: How long; the learning rate falls linearly to zero over it.
        batch: Texts in a batch; more make a better sample of what is alike.
        max_tokens: Where a text is cut off.
        rate: The highest learning rate of AdamW.
        seed: For the order of the texts.
        threads: Cores to compute on.
        init: A student of an earlier run to go on from.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(teacher_folder)
    teacher = BertModel.from_pretrained(teacher_folder, add_pooling_layer=False).eval()
    student = BertModel.from_pretrained(init, add_pooling_layer=False) if init else child(teacher, layers)
    still(student)
    trained = [weight for weight in student.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    started, steps, seen = time.monotonic(), 0, 0
    saved = started
    recent: list[tuple[float, float, float]] = []
    for ids, mask in batches(texts, tokenizer, batch, max_tokens, seed):
        done = (time.monotonic() - started) / (60 * minutes)
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (steps + 1) / 100) * (1 - done)
        close, alike, hidden = losses(student, lesson(teacher, ids, mask), ids, mask)
        loss = close + alike + 0.5 * hidden
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        steps, seen = steps + 1, seen + len(ids)
        recent.append((close.item(), alike.item(), hidden.item()))
        if steps % 50 == 0:
            means = [round(float(np.mean(column)), 4) for column in zip(*recent, strict=True)]
            report = {
                "steps": steps,
                "texts": seen,
                "minutes": round(60 * minutes * done / 60, 1),
                "losses": means,
            }
            print(json.dumps(report), flush=True)
            recent.clear()
        if time.monotonic() - saved > 600:
            student.save_pretrained(out)
            saved = time.monotonic()
    student.save_pretrained(out)
    tokenizer.save_pretrained(out)


def pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    """Returns the mean of the tokens' vectors (batch, tokens, width) under the mask, at unit length."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)


def still(student: Any) -> Any:
    """Makes a student ready for training: its embeddings frozen, no dropout. Returns it."""
    student.embeddings.requires_grad_(False)
    student.train()
    for module in student.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return student


def child(teacher: Any, layers: tuple[int, ...], *, inner: int | None = None) -> Any:
    """Returns a student that begins with some of the teacher's layers.

    Args:
        teacher: A `BertModel`.
        layers: Which of its layers, counted from 0.
        inner: Width of the feed-forward networks; the teacher's if not given. Of a wider one the neurons with
            the largest product of their incoming and outgoing weights' lengths are kept.
    """
    changed = {
        "num_hidden_layers": len(layers),
        "intermediate_size": inner or teacher.config.intermediate_size,
    }
    student = BertModel(
        type(teacher.config)(**{**teacher.config.to_dict(), **changed}), add_pooling_layer=False
    )
    student.embeddings.load_state_dict(teacher.embeddings.state_dict())
    for own, layer in zip(student.encoder.layer, layers, strict=True):
        own.load_state_dict(_narrowed(teacher.encoder.layer[layer].state_dict(), inner))
    return student


def _narrowed(weights: dict[str, Tensor], inner: int | None) -> dict[str, Tensor]:
    into, out = weights["intermediate.dense.weight"], weights["output.dense.weight"]
    if inner is None or inner >= len(into):
        return weights
    kept = (into.norm(dim=1) * out.norm(dim=0)).topk(inner).indices.sort().values
    return {
        **weights,
        "intermediate.dense.weight": into[kept],
        "intermediate.dense.bias": weights["intermediate.dense.bias"][kept],
        "output.dense.weight": out[:, kept],
    }


@dataclass(frozen=True)
class Lesson:
    """What the teacher makes of a batch."""

    vectors: Tensor
    """(batch, width), at unit length."""
    alike: Tensor
    """(batch, batch): how likely it takes one text for another's nearest; rows sum to 1."""
    hidden: tuple[Tensor, ...]
    """(batch, tokens, width) each: the embeddings and what each layer gives."""


def lesson(teacher: Any, ids: Tensor, mask: Tensor) -> Lesson:
    """Asks the teacher, without gradients; `ids` and `mask` as `batches` yields them."""
    with torch.no_grad():
        told = teacher(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        vectors = pooled(told.last_hidden_state, mask)
        alike = torch.softmax((vectors @ vectors.T).fill_diagonal_(-1e4) / _TEMPERATURE, dim=1)
    return Lesson(vectors, alike, told.hidden_states)


def losses(student: Any, told: Lesson, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns how far the student is from the teacher: in vectors, in what is alike, in hidden states."""
    gave = student(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    vectors = pooled(gave.last_hidden_state, mask)
    similar = (vectors @ vectors.T).masked_fill(torch.eye(len(ids), dtype=torch.bool), -1e4) / _TEMPERATURE
    divergence = nn.functional.kl_div(torch.log_softmax(similar, dim=1), told.alike, reduction="batchmean")
    layers, deep = len(student.encoder.layer), len(told.hidden) - 1
    ends = [round((place + 1) * deep / layers) for place in range(layers)]
    weights = mask.unsqueeze(-1).to(vectors.dtype)
    hidden = torch.stack(
        [
            ((gave.hidden_states[place + 1] - told.hidden[end]).square() * weights).sum()
            / (weights.sum() * vectors.shape[1])
            for place, end in enumerate(ends)
        ]
    ).mean()
    return 1 - (vectors * told.vectors).sum(1).mean(), divergence, hidden


def batches(
    texts: list[str], tokenizer: Any, batch: int, max_tokens: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields token ids and masks (batch, tokens) without end, texts of about one length together."""
    draw = random.Random(seed)
    while True:
        order = list(range(len(texts)))
        draw.shuffle(order)
        for start in range(0, len(order), batch * _POOL_BATCHES):
            pool = [texts[place] for place in order[start : start + batch * _POOL_BATCHES]]
            pool.sort(key=len)
            groups = [pool[first : first + batch] for first in range(0, len(pool), batch)]
            draw.shuffle(groups)
            for group in groups:
                encoded = tokenizer(
                    group, padding=True, truncation=True, max_length=max_tokens, return_tensors="pt"
                )
                yield encoded["input_ids"], encoded["attention_mask"]


def main() -> None:
    """`python -m training.distil TEXTS.jsonl TEACHER OUT --minutes 45`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("texts", type=Path)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 2, 5])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--init", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    lines = given.texts.read_text(encoding="utf-8").splitlines()
    distil(
        [json.loads(line)[0] for line in lines],
        given.teacher,
        given.out,
        layers=tuple(given.layers),
        minutes=given.minutes,
        batch=given.batch,
        rate=given.rate,
        seed=given.seed,
        threads=given.threads,
        init=given.init,
    )


if __name__ == "__main__":
    main()
