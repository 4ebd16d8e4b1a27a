"""`carrel papers enrich`: what a registry knows of the library's papers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from assistant.cli.completing import collection_names
from assistant.cli.options import (
    confirmed,
    format_option,
    open_assistant,
    require_collections,
    setting_option,
    talk_options,
    yes_option,
)
from assistant.cli.outlet import Command, put, say

if TYPE_CHECKING:
    from indexes.enrich import EnrichReport

__all__ = ["enrich"]


@click.command(
    "enrich",
    cls=Command,
    short_help="Ask Crossref or OpenAlex about papers.",
    epilog="""\b
Examples:
  carrel papers enrich
  carrel papers enrich --yes radium.pdf
  carrel papers enrich --from openalex --again
""",
)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--from", "registry", type=click.Choice(["crossref", "openalex"]), help="Whom to ask.")
@click.option("--again", is_flag=True, help="Ask again about papers described before.")
@click.option(
    "--collection", shell_complete=collection_names, metavar="NAME", help="Only papers of this collection."
)
@yes_option
@format_option()
@setting_option
@talk_options
def enrich(
    names: tuple[str, ...],
    registry: str | None,
    again: bool,
    collection: str | None,
    yes: bool,
    format: str,
    set_: tuple[str, ...],
    quiet: bool,
    verbose: bool,
) -> int:
    """Complete what is known of papers, and learn of retractions.

    The DOI of each paper, or its title and first author where there is none, goes to Crossref or OpenAlex;
    nothing else does, and nothing without a yes. What your own bibliography says stays.
    """
    from assistant.cli.narrate import Narrator
    from assistant.envelope import to_json
    from indexes.registries import registry_named

    settings = (*set_, *([f"library.registry={registry}"] if registry else []))
    try:
        with open_assistant(settings) as assistant, Narrator(quiet=quiet, verbose=verbose) as narrator:
            require_collections(assistant, (collection,) if collection else ())
            library = assistant.settings.library
            host = registry_named(library.registry, url=library.registry_url or "").host
            chosen = assistant.papers.named(names, collection=collection) if names else None
            count = len(assistant.papers.list() if chosen is None else chosen)
            papers = "1 paper" if count == 1 else f"{count:,} papers"
            if not confirmed(f"Send the DOI or the title of {papers} to {host}?", yes=yes):
                say("Nothing was sent.")
                return 1
            report = assistant.papers.enrich(
                names,
                collection=collection,
                again=again,
                tell=lambda done, total: narrator.progress(f"asking {host}: {done}/{total}"),
            )
            narrator.clear()
    except KeyboardInterrupt as stop:
        from indexes.errors import Interrupted

        raise Interrupted(
            "Stopped. What was written down stays; the same command goes on from there."
        ) from stop
    put(to_json("papers enrich", report) if format == "json" else _text(report))
    return 3 if report.stopped or any(paper.outcome == "failed" for paper in report.papers) else 0


def _text(report: EnrichReport) -> str:
    counted = Counter(paper.outcome for paper in report.papers)
    lines = [
        f"{report.host}: " + ", ".join(f"{count:,} {outcome}" for outcome, count in counted.most_common())
    ]
    for paper in report.papers:
        if paper.fields:
            lines.append(f"- {paper.title}: {', '.join(paper.fields)}")
        if paper.retraction:
            lines.append(f"! {paper.title}: {paper.retraction}")
        if paper.reason:
            lines.append(f"- {paper.title}: {paper.reason}")
    if not report.papers:
        lines = ["No papers."]
    if report.stopped:
        lines.append(f"Stopped: {report.stopped} The same command goes on from there.")
    return "\n".join(lines) + "\n"
