"""Passages embedded per second beside Chroma's default function, with the same retrieval quality."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks.measure import Report, Target, alternate, data_folder, model_folder, seconds
from indexes.embed import OnnxEncoder
from indexes.evaluation.judged import Judged, read_judged
from indexes.evaluation.metrics import ndcg
from indexes.protocols import Vectors

REPEATS = 5
TEXTS = 96
COLLECTIONS = ("covidqa_passages", "scholarqa_multi")

Encode = Callable[[Sequence[str]], Vectors]


def run() -> Report:
    """Measure passages of 100 to 200 tokens, whole documents, and nDCG@10 of both encoders."""
    judged = [read_judged(data_folder("retrieval", name)) for name in COLLECTIONS]
    model = model_folder()
    encoder = OnnxEncoder(model)
    with tempfile.TemporaryDirectory() as folder:
        encoders: dict[str, Encode] = {
            "carrel": encoder.encode,
            "chroma": _chroma_encode(model, Path(folder)),
        }
        samples = {
            "100_tokens": _passages(judged, encoder, tokens=100),
            "150_tokens": _passages(judged, encoder, tokens=150),
            "200_tokens": _passages(judged, encoder, tokens=200),
            "longer_than_the_window": _long_texts(judged, encoder),
        }
        numbers: dict[str, object] = {}
        ratios: dict[str, float] = {}
        for sample, texts in samples.items():
            rates = _rates(encoders, texts)
            ratios[sample] = rates["carrel"] / rates["chroma"]
            tokens = encoder.count_tokens(texts)
            numbers[sample] = {
                "texts": len(texts),
                "median_tokens": float(np.median(tokens)),
                "texts_per_second": rates,
                "ratio": ratios[sample],
            }
        quality = {
            each.name: {name: _quality(each, encode) for name, encode in encoders.items()} for each in judged
        }
    numbers["ndcg_at_10"] = quality
    return Report(
        benchmark="embed",
        claim="embedding is faster than Chroma's default function and finds the same passages",
        targets=(
            Target("passages of 100 tokens: times Chroma's rate", ratios["100_tokens"], ">=", 3.0),
            Target("passages of 200 tokens: times Chroma's rate", ratios["200_tokens"], ">=", 1.7),
            *(
                Target(f"{name}: nDCG@10 relative to Chroma's", found["carrel"] / found["chroma"], ">=", 0.99)
                for name, found in quality.items()
            ),
        ),
        repeats=REPEATS,
        numbers=numbers,
    )


def _chroma_encode(model: Path, folder: Path) -> Encode:
    """Chroma's default function on the same model file; given the file, it downloads nothing."""
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

    class Local(ONNXMiniLM_L6_V2):
        DOWNLOAD_PATH = folder

    (folder / Local.EXTRACTED_FOLDER_NAME).symlink_to(model)
    function = Local()
    return lambda texts: cast("Vectors", np.asarray(function(list(texts)), dtype=np.float32))


def _long_texts(judged: Sequence[Judged], encoder: OnnxEncoder) -> list[str]:
    """Whole documents that both encoders cut off at 256 tokens: nothing is padded, so least is gained."""
    documents = [document.whole for each in judged for document in each.documents.values()]
    return [text for text, n in zip(documents, encoder.count_tokens(documents), strict=True) if n >= 256][
        :TEXTS
    ]


def _passages(judged: Sequence[Judged], encoder: OnnxEncoder, *, tokens: int) -> list[str]:
    """Stretches of documents, cut between words, of about that many tokens."""
    passages: list[str] = []
    for text in (document.whole for each in judged for document in each.documents.values()):
        words = text.split()
        counts = encoder.count_tokens(words)
        taken, start = 0, 0
        for place, count in enumerate(counts):
            if taken + count > tokens:
                passages.append(" ".join(words[start:place]))
                taken, start = 0, place
            taken += count
        if len(passages) >= TEXTS:
            break
    return passages[:TEXTS]


def _rates(encoders: dict[str, Encode], texts: Sequence[str]) -> dict[str, float]:
    for encode in encoders.values():
        encode(texts[:8])  # loads the model
    medians = alternate(
        {name: partial(seconds, partial(encode, texts)) for name, encode in encoders.items()}, repeats=REPEATS
    )
    return {name: len(texts) / median for name, median in medians.items()}


def _quality(judged: Judged, encode: Encode) -> float:
    """nDCG@10 of an exact search over whole documents."""
    documents, questions = list(judged.documents), list(judged.questions)
    scores = encode([judged.questions[each] for each in questions]) @ (
        encode([judged.documents[each].whole for each in documents]).T
    )
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    scores_at_10 = [
        ndcg([documents[column] for column in best[row]], judged.relevant[question])
        for row, question in enumerate(questions)
    ]
    return float(np.mean(scores_at_10))
