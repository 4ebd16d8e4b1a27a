"""Passages embedded per second by the model that ships, MiniLM and Chroma's default; load time and memory."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks.measure import (
    NotMeasurable,
    Report,
    Target,
    alternate,
    data_folder,
    model_folder,
    seconds,
    shipped_folder,
)
from indexes.embed import OnnxEncoder
from indexes.evaluation.judged import Judged, read_judged
from indexes.protocols import Vectors

REPEATS = 5
TEXTS = 64
STARTS = 5
COLLECTIONS = ("covidqa_passages", "scholarqa_multi")
OURS, INT8, FLOAT, CHROMA = "carrel-small", "MiniLM int8", "MiniLM float32", "Chroma's default function"

Encode = Callable[[Sequence[str]], Vectors]

FRESH_PROCESS = """
import json, sys, time
from pathlib import Path
def megabytes(kind):
    lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(kind)), 0.0)
import numpy
from indexes.embed import OnnxEncoder
before = megabytes("VmRSS:")
start = time.perf_counter()
import onnxruntime, tokenizers
imported = time.perf_counter()
encoder = OnnxEncoder(Path(sys.argv[1]))
encoder.encode(["When does a circuit breaker open?"])
loaded = time.perf_counter()
encoder.encode(json.loads(sys.stdin.read()))
peak = megabytes("VmHWM:")
print(json.dumps([1000 * (imported - start), 1000 * (loaded - imported), peak - before, peak]))
"""


def run() -> Report:
    """Measure passages of about 100 and 200 tokens in turn on the same cores, then fresh processes."""
    judged = [read_judged(data_folder("retrieval", name)) for name in COLLECTIONS]
    ours = OnnxEncoder(shipped_folder())
    samples = {tokens: _passages(judged, ours, tokens=tokens) for tokens in (100, 200)}
    numbers: dict[str, object] = {}
    targets: list[Target] = []
    with tempfile.TemporaryDirectory() as folder:
        encoders = {
            OURS: ours.encode,
            INT8: OnnxEncoder(_quantised(model_folder(), Path(folder) / "int8")).encode,
            FLOAT: OnnxEncoder(model_folder()).encode,
            CHROMA: _chroma_encode(model_folder(), Path(folder)),
        }
        for tokens, texts in samples.items():
            rates = _rates(encoders, texts)
            numbers[f"texts_of_{tokens}_tokens"] = {
                "texts": len(texts),
                "median_tokens": float(np.median(ours.count_tokens(texts))),
                "texts_per_second": rates,
            }
            for peer, least in ((INT8, 2.6), (CHROMA, 4.5)):
                words = f"texts of {tokens} tokens: times the rate of {peer}"
                targets.append(Target(words, rates[OURS] / rates[peer], ">=", least))
    load = _fresh_process(samples[200])
    numbers["fresh_process"] = load
    return Report(
        benchmark="embed",
        claim="the model that ships embeds faster than MiniLM and than Chroma's default function",
        targets=(
            *targets,
            Target("milliseconds to load it, to the first vector", load["load_ms"], "<=", 150),
            Target("megabytes it adds to a process, at most", load["added_megabytes"], "<=", 120),
        ),
        repeats=REPEATS,
        numbers=numbers,
    )


def _quantised(model: Path, folder: Path) -> Path:
    """MiniLM in int8, each column with its own scale, by onnxruntime's own tool."""
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise NotMeasurable(
            "MiniLM in int8 is made here with onnx, which the extra `training` has"
        ) from error
    folder.mkdir()
    for file in ("tokenizer.json", "config.json"):
        shutil.copyfile(model / file, folder / file)
    quantize_dynamic(
        str(model / "model.onnx"), str(folder / "model.onnx"), per_channel=True, weight_type=QuantType.QInt8
    )
    return folder


def _chroma_encode(model: Path, folder: Path) -> Encode:
    """Chroma's default function on the same model file; given the file, it downloads nothing."""
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

    class Local(ONNXMiniLM_L6_V2):
        DOWNLOAD_PATH = folder

    (folder / Local.EXTRACTED_FOLDER_NAME).symlink_to(model)
    function = Local()
    return lambda texts: cast("Vectors", np.asarray(function(list(texts)), dtype=np.float32))


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


def _fresh_process(texts: Sequence[str]) -> dict[str, float]:
    """Medians over starts of a process that has Python and NumPy, loads the model and embeds the texts."""
    command = [sys.executable, "-c", FRESH_PROCESS, str(shipped_folder())]
    started = [
        subprocess.run(command, input=json.dumps(texts), capture_output=True, check=True, text=True)
        for _ in range(STARTS)
    ]
    columns = zip(*(json.loads(each.stdout) for each in started), strict=True)
    names = ("import_ms", "load_ms", "added_megabytes", "process_megabytes")
    return {name: statistics.median(values) for name, values in zip(names, columns, strict=True)}
