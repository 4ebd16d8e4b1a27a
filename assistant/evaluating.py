"""Evaluation with the person's settings: a judged collection in its own library, or their own questions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.build import find_encoder, silence_libraries
from assistant.paths import Paths
from assistant.settings import Settings
from indexes.errors import PathMissing, QuestionRefused
from indexes.evaluation.judged import read_judged
from indexes.evaluation.questions import read_questions, resolve
from indexes.evaluation.retrieval import (
    Progress,
    RetrievalReport,
    evaluate_collection,
    evaluate_questions,
)
from indexes.library import Library

__all__ = ["evaluate_folder", "evaluate_own"]


async def evaluate_folder(
    folder: Path,
    *,
    split: str = "test",
    keep: Path | None = None,
    settings: Settings,
    paths: Paths,
    tell: Callable[[Progress], None],
) -> RetrievalReport:
    """Adds a collection in BEIR form to a library of its own and asks its questions.

    Args:
        folder: Of the collection.
        split: Which judgements: `qrels/<split>.tsv`.
        keep: Where the library lies afterwards; the next run with the same folder embeds nothing again.
            Without it the library lies in a temporary folder, which is removed in any case.
        settings: Name the embedding model.
        paths: Where downloaded models lie.
        tell: Told how far it is.

    Raises:
        CarrelError: The collection cannot be read, or the library cannot be made.
    """
    silence_libraries(os.environ)
    judged = read_judged(folder, split=split)
    with _place(keep) as place:
        async with _library(place, settings, paths) as library:
            return await evaluate_collection(library, judged, tell=tell)


async def evaluate_own(
    file: Path,
    *,
    collections: tuple[str, ...] = (),
    settings: Settings,
    paths: Paths,
    tell: Callable[[Progress], None],
) -> RetrievalReport:
    """Asks the person's own library their own questions; nothing in it changes.

    Args:
        file: Of the questions.
        collections: Where to look; empty means everywhere.
        settings: Name the embedding model.
        paths: Where the library and downloaded models lie.
        tell: Told how far it is.

    Raises:
        CarrelError: The questions cannot be read, name what is not there, or the library cannot be asked.
    """
    silence_libraries(os.environ)
    questions = read_questions(file)
    if not paths.library.exists():
        raise PathMissing("The library is empty.", hint="`carrel add PATH` adds papers.")
    async with _library(paths.library, settings, paths) as library:
        await _require(library, collections)
        asked = await resolve(library, questions, path=file, collections=collections)
        return await evaluate_questions(library, asked, name=file.name, collections=collections, tell=tell)


async def _require(library: Library, collections: tuple[str, ...]) -> None:
    names = [each.name for each in await library.collections() if each.documents]
    for name in collections:
        if name not in names:
            raise QuestionRefused(
                f"There is no collection {name!r}.", hint=f"The library has: {', '.join(names) or 'none'}."
            )


@contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="carrel-eval-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _library(folder: Path, settings: Settings, paths: Paths) -> Library:
    return Library.open(
        folder, encoder=find_encoder(settings, paths), delta_limit=settings.library.delta_limit
    )
