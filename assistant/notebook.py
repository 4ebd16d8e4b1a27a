"""Shows answers where they stand last in a cell, and `%load_ext assistant` with its magics."""

from __future__ import annotations

from typing import Any

from assistant.html import evidence_to_html, hits_to_html, report_to_html, to_html
from assistant.render import evidence_text, hits_text, report_text, to_markdown, to_text
from indexes.shown import Look, show_as
from indexes.types import AddReport, Hits
from pipelines.types import Answer, EvidenceList

__all__ = ["ANSWER_TYPE", "load_ipython_extension", "show_nouns", "unload_ipython_extension"]

ANSWER_TYPE = "application/vnd.carrel.answer+json"
"""Media type of a whole answer in a saved notebook: `Answer.model_validate` reads it back."""


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython for `%load_ext assistant`."""
    from assistant.magics import CarrelMagics, questions_stay_whole

    show_nouns()
    shell.register_magics(CarrelMagics(shell))
    if questions_stay_whole not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(questions_stay_whole)


def unload_ipython_extension(shell: Any) -> None:
    """Called by IPython for `%unload_ext assistant`: closes what the magics have opened."""
    from assistant.magics import CarrelMagics, questions_stay_whole

    if questions_stay_whole in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(questions_stay_whole)
    magics = shell.magics_manager.registry.get(CarrelMagics.__name__)
    if isinstance(magics, CarrelMagics):
        magics.close()


def show_nouns() -> None:
    """Has answers, evidence, hits and reports look as people want them, in any kind of notebook."""
    as_data = {"text/markdown": to_markdown, ANSWER_TYPE: lambda answer: answer.model_dump(mode="json")}
    show_as(Answer, Look(to_text, to_html, as_data))
    show_as(EvidenceList, Look(evidence_text, evidence_to_html))
    show_as(Hits, Look(lambda hits: hits_text(hits, markdown=False), hits_to_html))
    show_as(AddReport, Look(report_text, report_to_html))
