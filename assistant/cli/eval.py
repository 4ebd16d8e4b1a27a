"""`carrel eval`: how well search finds what it should, and how well papers' metadata is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from assistant.cli.completing import collection_names
from assistant.cli.options import format_option, overrides_of, setting_option, talk_options
from assistant.cli.outlet import Command, put

if TYPE_CHECKING:
    from indexes.evaluation.retrieval import Progress, RetrievalReport

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])


def _common_options(command: F) -> F:
    options = (
        format_option(),
        setting_option,
        talk_options,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(
    "eval",
    epilog="""\b
Examples:
  carrel eval retrieval ~/collections/scifact
  carrel eval questions my-questions.jsonl
  carrel eval metadata ~/papers/gold.jsonl
""",
)
def command() -> None:
    """Measure how well search finds what it should, and how well papers are read."""


@command.command(
    "retrieval",
    cls=Command,
    epilog="""\b
Examples:
  carrel eval retrieval ~/collections/scifact
  carrel eval retrieval --keep /tmp/scifact --json ~/collections/scifact
""",
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--split", default="test", show_default=True, help="Which judgements: qrels/SPLIT.tsv.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Keep the library there, so that the next run need not embed again; else it is removed.",
)
@_common_options
def retrieval(
    folder: Path,
    split: str,
    keep: Path | None,
    format: str,
    set_: tuple[str, ...],
    quiet: bool,
    verbose: bool,
) -> int:
    """Measure search on a judged collection in BEIR form.

    FOLDER holds corpus.jsonl, queries.jsonl and qrels/test.tsv. Its documents are added to a library of their
    own and its questions are asked as yours would be: by all ways of searching together, and by each alone.
    """
    from assistant.evaluating import evaluate_folder
    from assistant.paths import find_paths
    from assistant.settings import load_settings

    settings = load_settings(overrides=overrides_of(set_))

    def evaluate(tell: Callable[[Progress], None]) -> Coroutine[Any, Any, RetrievalReport]:
        return evaluate_folder(
            folder.expanduser(),
            split=split,
            keep=keep.expanduser() if keep else None,
            settings=settings,
            paths=find_paths(),
            tell=tell,
        )

    try:
        return _run("eval retrieval", evaluate, format=format, quiet=quiet, verbose=verbose)
    except KeyboardInterrupt as stop:
        from indexes.errors import Interrupted

        raise Interrupted(
            f"Stopped. The library stays in {keep}; the same command goes on from there."
            if keep
            else "Stopped. The temporary library is removed."
        ) from stop


@command.command(
    "questions",
    cls=Command,
    epilog="""\b
Examples:
  carrel eval questions my-questions.jsonl
  carrel eval questions --collection reviews --json questions.csv
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--collection",
    shell_complete=collection_names,
    multiple=True,
    metavar="NAME",
    help="Look only here; may be given several times.",
)
@_common_options
def questions(
    file: Path, collection: tuple[str, ...], format: str, set_: tuple[str, ...], quiet: bool, verbose: bool
) -> int:
    """Measure search in your own library on your own questions.

    FILE has an object on each line, {"question": "...", "answers": ["..."]}, or is a CSV file with the
    columns question and answers (several are separated by semicolons). An answer is a paper, by title, DOI,
    file name or id, or a passage, by its id. Nothing in the library changes.
    """
    from assistant.evaluating import evaluate_own
    from assistant.paths import find_paths
    from assistant.settings import load_settings

    settings = load_settings(overrides=overrides_of(set_))

    def evaluate(tell: Callable[[Progress], None]) -> Coroutine[Any, Any, RetrievalReport]:
        return evaluate_own(
            file.expanduser(), collections=collection, settings=settings, paths=find_paths(), tell=tell
        )

    return _run("eval questions", evaluate, format=format, quiet=quiet, verbose=verbose)


@command.command(
    "metadata",
    cls=Command,
    epilog="""\b
Examples:
  carrel eval metadata ~/papers/gold.jsonl
  carrel eval metadata --json ~/papers/gold.jsonl
""",
)
@click.argument("gold", type=click.Path(path_type=Path))
@_common_options
def metadata(gold: Path, format: str, set_: tuple[str, ...], quiet: bool, verbose: bool) -> int:
    """Measure how well titles, authors, years and DOIs are read.

    GOLD has an object on each line, {"file": "a.pdf", "title": "...", "authors": ["..."], "year": 2020,
    "doi": "10...."}, with paths from its own folder. The files are read as by adding; nothing is kept.
    """
    import asyncio

    from assistant.cli.narrate import Narrator
    from assistant.envelope import to_json
    from assistant.evaluation_table import metadata_table
    from indexes.evaluation.metadata import evaluate_metadata, read_gold

    overrides_of(set_)
    path = gold.expanduser()
    with Narrator(quiet=quiet, verbose=verbose) as narrator:
        known = read_gold(path)

        def tell(done: int, total: int) -> None:
            narrator.progress(f"reading: {done}/{total}")

        report = asyncio.run(evaluate_metadata(path, known, tell=tell))
        narrator.clear()
        put(to_json("eval metadata", report) if format == "json" else metadata_table(report))
    return 0


def _run(
    name: str,
    evaluate: Callable[[Callable[[Progress], None]], Coroutine[Any, Any, RetrievalReport]],
    *,
    format: str,
    quiet: bool,
    verbose: bool,
) -> int:
    """Evaluates with a progress line. Ctrl+C gives back what was opened before it ends the command."""
    import asyncio

    from assistant.cli.narrate import Narrator
    from assistant.envelope import to_json
    from assistant.evaluation_table import evaluation_table

    with Narrator(quiet=quiet, verbose=verbose) as narrator:
        reached = ""

        def tell(progress: Progress) -> None:
            nonlocal reached
            if progress.stage != reached:
                reached = progress.stage
                narrator.detail(f"{progress.stage} ...")
            narrator.progress(f"{progress.stage}: {progress.done}/{progress.total}")

        report = asyncio.run(evaluate(tell))
        narrator.clear()
        put(to_json(name, report) if format == "json" else evaluation_table(report))
    return 0
