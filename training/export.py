"""Writes a trained student as the int8 ONNX folder that ships, and compares it with its float vectors.

python -m training.export CHECKPOINT FOLDER
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.graph import encoder_graph
from training.stop_tokens import stop_ids
from training.weights import Student, rare_tokens, read_student, unused_tokens, without_tokens

__all__ = ["Exported", "export"]

MAX_TOKENS = 256
"""What the teacher was trained on; Carrel's passages are shorter."""
MOST_MEGABYTES = 18.0
LEAST_COSINE = 0.98
"""Of a quantised vector with the float one, on average over the texts."""

_NOTES = Path(__file__).parents[1] / "assistant" / "demo" / "notes"


@dataclass(frozen=True)
class Exported:
    """What was written, and how close it is to what was trained."""

    folder: str
    megabytes: float
    """Of the model and its tokenizer, in millions of bytes."""
    texts: int
    mean_cosine: float
    least_cosine: float


class ExportUnfaithful(SystemExit):
    """What was written is too large, or its vectors are not those that were trained."""


def export(
    checkpoint: Path,
    folder: Path,
    *,
    name: str = "carrel-small",
    version: str = "1",
    layers: Sequence[int] | None = None,
    texts: Sequence[str] | None = None,
    written: Iterable[str] = (),
    rarely: int = 2,
) -> Exported:
    """Writes `model.onnx`, `tokenizer.json` and `config.json` into `folder`, and returns how close they are.

    Args:
        checkpoint: `config.json`, `model.safetensors` and `tokenizer.json` of a `BertModel`.
        folder: Made if it is not there.
        name: What people will call the model.
        version: Of its weights.
        layers: Which layers to take; all of them if not given.
        texts: To compare on; the built-in notes if not given.
        written: Where rare pieces of words are looked for, which are left out; none are if it is empty.
        rarely: How often a piece is seen there, at most, to be rare.

    Raises:
        ExportUnfaithful: See there; the files are left to be looked at.
    """
    student = read_student(checkpoint, layers=layers)
    small = without_tokens(student, unused_tokens(student))
    if written := list(written):
        small = without_tokens(small, rare_tokens(small, written, at_most=rarely))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(
        encoder_graph(small, max_tokens=MAX_TOKENS).SerializeToString(deterministic=True)
    )
    _write_json(folder / "tokenizer.json", _without_limits(small.tokenizer))
    _write_json(folder / "config.json", _configuration(small, name, version))
    compared = list(texts) if texts is not None else _notes()
    cosines = (_float_vectors(checkpoint, student, compared) * _int8_vectors(folder, compared)).sum(axis=1)
    exported = Exported(
        folder=str(folder),
        megabytes=sum((folder / file).stat().st_size for file in ("model.onnx", "tokenizer.json")) / 1e6,
        texts=len(compared),
        mean_cosine=float(cosines.mean()),
        least_cosine=float(cosines.min()),
    )
    if exported.megabytes > MOST_MEGABYTES or exported.mean_cosine < LEAST_COSINE:
        raise ExportUnfaithful(f"Not good enough to ship: {exported}")
    return exported


def _configuration(student: Student, name: str, version: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "model_type": "bert",
        "hidden_size": student.dimensions,
        "num_hidden_layers": len(student.layers),
        "num_attention_heads": student.heads,
        "max_tokens": MAX_TOKENS,
        "pooling": "mean",
        "normalize": True,
    }


def _without_limits(tokenizer: Any) -> dict[str, Any]:
    """Cutting and padding are the encoder's business."""
    return {**tokenizer, "truncation": None, "padding": None}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), "utf-8")


def _notes() -> list[str]:
    """The paragraphs of the built-in notes that are plain text or nearly so."""
    files = (file for file in sorted(_NOTES.iterdir()) if file.suffix in (".md", ".txt"))
    return [
        paragraph
        for file in files
        for paragraph in file.read_text("utf-8").split("\n\n")
        if len(paragraph) > 40
    ]


def _float_vectors(checkpoint: Path, student: Student, texts: Sequence[str]) -> NDArray[np.float32]:
    """By the trained network itself, on the tokenizer as it was."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel

    model = BertModel.from_pretrained(checkpoint, add_pooling_layer=False).eval()
    model.encoder.layer = torch.nn.ModuleList([model.encoder.layer[layer] for layer in student.layers])
    words = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    words.no_padding()
    words.enable_truncation(MAX_TOKENS)
    stopped = set(stop_ids(words.get_vocab()))

    def vector(text: str) -> torch.Tensor:
        ids = words.encode(text).ids
        places = [place for place, id in enumerate(ids) if id not in stopped]
        read = torch.tensor([[ids[place] for place in places]])
        return model(input_ids=read, position_ids=torch.tensor([places])).last_hidden_state.mean(1)

    with torch.inference_mode():
        rows = torch.cat([vector(text) for text in texts])
    return np.asarray(torch.nn.functional.normalize(rows, dim=1).numpy(), np.float32)


def _int8_vectors(folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
    """By what was written, as Carrel reads it."""
    from indexes.embed import OnnxEncoder

    return OnnxEncoder(folder, max_tokens=MAX_TOKENS).encode(texts)


def main() -> None:
    """Exports as the command line says and prints what came of it."""
    parser = argparse.ArgumentParser(
        prog="python -m training.export", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default="carrel-small")
    parser.add_argument("--version", default="1")
    parser.add_argument("--layers", help="such as 0,2,5: only these layers of the checkpoint")
    parser.add_argument("--texts", type=Path, help="a file with a text to compare on in each line")
    parser.add_argument(
        "--written",
        type=Path,
        help="the training texts, to leave out the pieces of words that are rare in them",
    )
    parser.add_argument("--rarely", type=int, default=2, help="how often a rare one is seen, at most")
    given = parser.parse_args()
    written = given.written.read_text("utf-8").splitlines() if given.written else ()
    exported = export(
        given.checkpoint,
        given.folder,
        name=given.name,
        version=given.version,
        layers=[int(each) for each in given.layers.split(",")] if given.layers else None,
        texts=given.texts.read_text("utf-8").splitlines() if given.texts else None,
        written=(json.loads(line)[0] for line in written),
        rarely=given.rarely,
    )
    print(json.dumps(asdict(exported), indent=2))


if __name__ == "__main__":
    main()
