"""The average of two students that began as one (Wortsman et al. 2022, "Model soups")."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["average"]


def average(first: Path, second: Path, out: Path) -> None:
    """Writes a checkpoint whose weights lie halfway between those of two others of one shape.

    Args:
        first: As `transformers` saves a model.
        second: Its configuration and tokenizer are taken.
        out: Made, or written over.
    """
    from safetensors.torch import load_file, save_file

    shutil.copytree(second, out, dirs_exist_ok=True)
    own, other = (load_file(folder / "model.safetensors") for folder in (first, second))
    halfway = {name: (own[name] + other[name]) / 2 for name in other}
    save_file(halfway, out / "model.safetensors", metadata={"format": "pt"})
