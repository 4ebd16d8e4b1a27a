"""Teaches a distilled encoder to tell the passage that answers from its neighbours.

Each step distils, as before, and adds a batch of pairs, in which each question has to find its passage among
all passages of the batch (InfoNCE, van den Oord et al. 2018). A batch holds several pairs of each of its
documents, so that most of what must be told apart is about the same thing.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel

from training.distil import batches, lesson, losses, pooled, still
from training.pairs import Pair

__all__ = ["contrast", "main"]

_TEMPERATURE = 0.05
_PER_DOCUMENT = 4


def contrast(
    pairs: Sequence[Pair],
    texts: list[str],
    teacher_folder: Path,
    student_folder: Path,
    out: Path,
    *,
    minutes: float = 15.0,
    batch: int = 48,
    max_tokens: int = 128,
    rate: float = 3e-4,
    weight: float = 1.0,
    seed: int = 2,
    threads: int = 2,
) -> None:
    """Trains for a time and writes the student to `out`.

    Args:
        pairs: Questions and their passages.
        texts: What distillation goes on with.
        teacher_folder: The teacher, as in `distil`.
        student_folder: What `distil` wrote.
        out: Where the result goes.
        minutes: How long.
        batch: Pairs in a batch.
        max_tokens: Where a text is cut off.
        rate: The highest learning rate of AdamW; it falls linearly to zero.
        weight: Of the pairs' loss against the distillation's.
        seed: For the order.
        threads: Cores to compute on.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(teacher_folder)
    teacher = BertModel.from_pretrained(teacher_folder, add_pooling_layer=False).eval()
    student = still(BertModel.from_pretrained(student_folder, add_pooling_layer=False))
    trained = [parameter for parameter in student.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    told = batches(texts, tokenizer, batch, max_tokens, seed)
    started = time.monotonic()
    recent: list[tuple[float, float]] = []
    drawn = _pair_batches(pairs, tokenizer, batch, max_tokens, seed)
    for steps, (questions, passages) in enumerate(drawn, start=1):
        done = (time.monotonic() - started) / (60 * minutes)
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, steps / 50) * (1 - done)
        ids, mask = next(told)
        close, alike, hidden = losses(student, lesson(teacher, ids, mask), ids, mask)
        asked, found = (
            pooled(student(input_ids=ids, attention_mask=mask).last_hidden_state, mask)
            for ids, mask in (questions, passages)
        )
        truth = torch.arange(len(asked))
        scores = asked @ found.T / _TEMPERATURE
        matching = nn.functional.cross_entropy(scores, truth)
        loss = close + alike + 0.5 * hidden + weight * matching
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        recent.append((close.item(), matching.item()))
        if steps % 25 == 0:
            means = [round(float(np.mean(column)), 4) for column in zip(*recent, strict=True)]
            print(
                json.dumps({"steps": steps, "minutes": round(minutes * done, 1), "losses": means}), flush=True
            )
            recent.clear()
    student.save_pretrained(out)
    tokenizer.save_pretrained(out)


def _pair_batches(
    pairs: Sequence[Pair], tokenizer: Any, batch: int, max_tokens: int, seed: int
) -> Iterator[tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]:
    draw = random.Random(seed)
    by_document: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_document[pair.document].append(pair)
    while True:
        groups: list[list[Pair]] = []
        for own in by_document.values():
            draw.shuffle(own)
            groups.extend(own[start : start + _PER_DOCUMENT] for start in range(0, len(own), _PER_DOCUMENT))
        draw.shuffle(groups)
        taken: list[Pair] = []
        for group in groups:
            taken.extend(group)
            if len(taken) >= batch:
                yield (
                    _encoded(tokenizer, [pair.question for pair in taken[:batch]], max_tokens),
                    _encoded(tokenizer, [pair.passage for pair in taken[:batch]], max_tokens),
                )
                taken = []


def _encoded(tokenizer: Any, texts: list[str], max_tokens: int) -> tuple[Tensor, Tensor]:
    encoded = tokenizer(texts, padding=True, truncation=True, max_length=max_tokens, return_tensors="pt")
    return encoded["input_ids"], encoded["attention_mask"]


def main() -> None:
    """`python -m training.contrast PAIRS.jsonl TEXTS.jsonl TEACHER STUDENT OUT`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    for name in ("pairs", "texts", "teacher", "student", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--weight", type=float, default=1.0)
    given = parser.parse_args()
    contrast(
        [Pair(*json.loads(line)) for line in given.pairs.read_text(encoding="utf-8").splitlines()],
        [json.loads(line)[0] for line in given.texts.read_text(encoding="utf-8").splitlines()],
        given.teacher,
        given.student,
        given.out,
        minutes=given.minutes,
        rate=given.rate,
        weight=given.weight,
    )


if __name__ == "__main__":
    main()
