"""Trains students of several shapes side by side, and shows what each finds against how fast it is.

python -m training.curve TEXTS.jsonl TEACHER WORK --judged COLLECTION... --beside MINILM_INT8

All see the same batches, and the teacher is asked once for all of them: what differs is the shape alone.
The learning rate falls to zero at the end, so a mark before it is a little below what so many texts can give.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from transformers import AutoTokenizer, BertModel

from indexes.embed import OnnxEncoder
from indexes.evaluation.judged import Judged, read_judged
from indexes.evaluation.metrics import ndcg
from training.distil import batches, child, lesson, losses, still
from training.export import ExportUnfaithful, export

__all__ = ["SHAPES", "Shape", "finds", "learn", "main", "rates"]

_WARM_STEPS = 50
_SPEED_TEXTS, _SPEED_WORDS, _SPEED_REPEATS = 64, 75, 7


@dataclass(frozen=True)
class Shape:
    """Which of the teacher's layers a student begins with, and how wide its feed-forward networks are."""

    layers: tuple[int, ...]
    inner: int = 1536

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads `0,2,5x768`."""
        layers, _, inner = text.partition("x")
        return cls(tuple(int(layer) for layer in layers.split(",")), int(inner or 1536))

    def __str__(self) -> str:
        return f"{','.join(map(str, self.layers))}x{self.inner}"


SHAPES = tuple(map(Shape.read, ("0,5", "0,2,5", "0,1,3,5", "0,2,5x768", "0,1,3,5x768")))


def learn(
    shapes: Sequence[Shape],
    texts: list[str],
    teacher_folder: Path,
    work: Path,
    *,
    marks: Sequence[int],
    batch: int = 64,
    max_tokens: int = 128,
    rate: float = 5e-4,
    seed: int = 1,
    threads: int = 2,
) -> Iterator[tuple[Shape, int, Path]]:
    """Trains them and yields each as an int8 folder at each mark.

    Args:
        shapes: The students to be.
        texts: Gone through in random order, again and again.
        teacher_folder: As in `distil`.
        work: Gets a checkpoint and a folder per shape and mark.
        marks: After how many texts to look, ascending; the last is the end.
        batch: Texts in a batch.
        max_tokens: Where a text is cut off.
        rate: The highest learning rate of AdamW; it falls linearly to zero.
        seed: For the order of the texts.
        threads: Cores to compute on.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(teacher_folder)
    teacher = BertModel.from_pretrained(teacher_folder, add_pooling_layer=False).eval()
    students = {shape: still(child(teacher, shape.layers, inner=shape.inner)) for shape in shapes}
    optimisers = {
        shape: torch.optim.AdamW(_trained(student), lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
        for shape, student in students.items()
    }
    steps = -(-marks[-1] // batch)
    due = list(marks)
    for step, (ids, mask) in zip(
        range(1, steps + 1), batches(texts, tokenizer, batch, max_tokens, seed), strict=False
    ):
        told = lesson(teacher, ids, mask)
        for shape, student in students.items():
            for group in optimisers[shape].param_groups:
                group["lr"] = rate * min(1.0, step / _WARM_STEPS) * (1 - (step - 1) / steps)
            close, alike, hidden = losses(student, told, ids, mask)
            optimisers[shape].zero_grad(set_to_none=True)
            (close + alike + 0.5 * hidden).backward()
            nn.utils.clip_grad_norm_(_trained(student), 1.0)
            optimisers[shape].step()
        if due and step * batch >= due[0]:
            mark = due.pop(0)
            for shape, student in students.items():
                checkpoint = work / f"{shape}-{mark}"
                student.save_pretrained(checkpoint)
                tokenizer.save_pretrained(checkpoint)
                folder = work / f"{shape}-{mark}-int8"
                with suppress(ExportUnfaithful):  # too large to ship is worth knowing here too
                    export(checkpoint, folder, name=str(shape), version=str(mark))
                yield shape, mark, folder


def finds(folder: Path, collections: Sequence[Judged]) -> dict[str, float]:
    """Returns the nDCG@10 of an encoder in each collection, by meaning alone, by comparing everything."""
    encoder = OnnxEncoder(folder)
    found: dict[str, float] = {}
    for judged in collections:
        ids = list(judged.documents)
        documents = encoder.encode([judged.documents[id].whole for id in ids])
        scores = encoder.encode(list(judged.questions.values())) @ documents.T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        each = [
            ndcg([ids[place] for place in row], judged.relevant[question])
            for question, row in zip(judged.questions, best, strict=True)
        ]
        found[judged.name] = round(statistics.mean(each), 4)
    return found


def rates(folders: Sequence[Path], collections: Sequence[Judged]) -> dict[str, float]:
    """Returns each encoder's texts a second, of about 100 tokens, measured in turn; the median."""
    words = " ".join(
        document.whole for judged in collections for document in judged.documents.values()
    ).split()
    starts = range(0, _SPEED_TEXTS * _SPEED_WORDS, _SPEED_WORDS)
    texts = [" ".join(words[start : start + _SPEED_WORDS]) for start in starts]
    encoders = {str(folder): OnnxEncoder(folder) for folder in folders}
    seconds: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(_SPEED_REPEATS + 1):
        for name, encoder in encoders.items():
            begun = time.perf_counter()
            encoder.encode(texts)
            seconds[name].append(time.perf_counter() - begun)
    return {name: round(len(texts) / statistics.median(taken[1:]), 1) for name, taken in seconds.items()}


def _trained(student: Any) -> list[nn.Parameter]:
    return [weight for weight in student.parameters() if weight.requires_grad]


def main() -> None:
    """Prints one JSON object per line: each shape at each mark, then the speeds."""
    parser = argparse.ArgumentParser(
        prog="python -m training.curve", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("texts", type=Path, help="as `python -m training` writes them")
    parser.add_argument("teacher", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument(
        "--shapes", type=Shape.read, nargs="+", default=list(SHAPES), help="such as 0,2,5x768"
    )
    parser.add_argument("--marks", type=int, nargs="+", default=[4000, 8000, 16_000], help="numbers of texts")
    parser.add_argument("--judged", type=Path, nargs="+", required=True, help="collections in BEIR form")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="other encoders' folders")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    collections = [read_judged(folder) for folder in given.judged]
    texts = [json.loads(line)[0] for line in given.texts.read_text("utf-8").splitlines()]
    folders: list[Path] = list(given.beside)
    for folder in folders:
        print(json.dumps({"encoder": str(folder), "ndcg": finds(folder, collections)}), flush=True)
    learned = learn(
        given.shapes, texts, given.teacher, given.work, marks=sorted(given.marks), threads=given.threads
    )
    for shape, mark, folder in learned:
        megabytes = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        row: dict[str, object] = {"shape": str(shape), "texts": mark, "megabytes": round(megabytes, 1)}
        row["ndcg"] = finds(folder, collections)
        print(json.dumps(row), flush=True)
        folders += [folder] if mark == max(given.marks) else []
    print(json.dumps({"texts_per_second": rates(folders, collections)}), flush=True)


if __name__ == "__main__":
    main()
