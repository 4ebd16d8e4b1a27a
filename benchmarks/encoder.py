"""How well the model that ships finds (nDCG@10), alone and fused with keyword, beside MiniLM in its place.

`python -m benchmarks.encoder FOLDER...` measures other collections in BEIR form.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.measure import Report, Target, data_folder, model_folder, shipped_folder
from indexes.embed import OnnxEncoder
from indexes.evaluation.judged import Judged, read_judged
from indexes.evaluation.metrics import Values, interval
from indexes.evaluation.retrieval import FUSED, evaluate_collection
from indexes.library import Library

COLLECTIONS = ("covidqa_passages", "pubmedqa", "scholarqa_multi")
ALONE, KEYWORD = "dense", "keyword"


def run(folders: Sequence[Path] = ()) -> Report:
    """Add each collection to a library of each model's and ask its questions in every way.

    Args:
        folders: Collections in BEIR form; those of the development data if none is given.
    """
    folders = folders or [data_folder("retrieval", name) for name in COLLECTIONS]
    numbers: dict[str, object] = {}
    ratios: list[float] = []
    fused_less_teacher: list[Values] = []
    fused_less_keyword: list[Values] = []
    for folder in folders:
        judged = read_judged(folder)
        ours, teacher = (_scores(judged, model) for model in (shipped_folder(), model_folder()))
        ratios.append(float(ours[ALONE].mean() / teacher[ALONE].mean()))
        fused_less_teacher.append(ours[FUSED] - teacher[FUSED])
        fused_less_keyword.append(ours[FUSED] - ours[KEYWORD])
        numbers[judged.name] = {
            "questions": len(ours[FUSED]),
            "keyword": float(ours[KEYWORD].mean()),
            "carrel-small": {"alone": float(ours[ALONE].mean()), "fused": float(ours[FUSED].mean())},
            "MiniLM": {"alone": float(teacher[ALONE].mean()), "fused": float(teacher[FUSED].mean())},
            "alone_of_MiniLMs": ratios[-1],
            "alone_less_MiniLM": interval(ours[ALONE] - teacher[ALONE]).model_dump(),
            "fused_less_MiniLM": interval(fused_less_teacher[-1]).model_dump(),
            "fused_less_keyword": interval(fused_less_keyword[-1]).model_dump(),
        }
    over_teacher = interval(np.concatenate(fused_less_teacher))
    over_keyword = interval(np.concatenate(fused_less_keyword))
    numbers["all questions: fused less MiniLM fused"] = over_teacher.model_dump()
    numbers["all questions: fused less keyword"] = over_keyword.model_dump()
    return Report(
        benchmark="encoder",
        claim="the model that ships finds as much as MiniLM, and fused with keyword more than that alone",
        targets=(
            Target(
                "alone: share of MiniLM's nDCG@10, mean over collections", float(np.mean(ratios)), ">=", 0.98
            ),
            Target("fused: less MiniLM fused, mean over all questions", over_teacher.value, ">=", 0.0),
            Target("fused: less keyword alone over all questions, low end", over_keyword.low, ">=", 0.0001),
        ),
        repeats=1,
        numbers={**numbers, "interval": "95 %, nDCG@10, paired bootstrap over the questions"},
    )


def _scores(judged: Judged, model: Path) -> dict[str, Values]:
    """Each way of searching to its nDCG@10, question by question."""

    async def evaluated() -> dict[str, Values]:
        with tempfile.TemporaryDirectory() as folder:
            async with Library.open(Path(folder), encoder=OnnxEncoder(model)) as library:
                report = await evaluate_collection(library, judged, tell=lambda progress: None)
        return {
            way.name: np.array([question.ndcg_at_10[way.name] for question in report.questions])
            for way in report.ways
        }

    return asyncio.run(evaluated())


if __name__ == "__main__":
    print(run([Path(argument) for argument in sys.argv[1:]]).as_json())
