"""Turns a question into an answer, one step a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexes.lazy import lazily

if TYPE_CHECKING:
    from pipelines.errors import Unsure
    from pipelines.graph import CompiledPipeline, Result
    from pipelines.models import ChatModel, Prompt
    from pipelines.person import Consent, Person
    from pipelines.policy import Policy
    from pipelines.research import Research
    from pipelines.step import Pipeline, Rung, Skipped, Step, rung
    from pipelines.trace import Recorder
    from pipelines.types import Budget

__all__ = [
    "Budget",
    "ChatModel",
    "CompiledPipeline",
    "Consent",
    "Person",
    "Pipeline",
    "Policy",
    "Prompt",
    "Recorder",
    "Research",
    "Result",
    "Rung",
    "Skipped",
    "Step",
    "Unsure",
    "rung",
]

__getattr__ = lazily(
    __name__,
    {
        "Budget": "pipelines.types",
        **dict.fromkeys(("ChatModel", "Prompt"), "pipelines.models"),
        **dict.fromkeys(("CompiledPipeline", "Result"), "pipelines.graph"),
        **dict.fromkeys(("Consent", "Person"), "pipelines.person"),
        "Policy": "pipelines.policy",
        "Recorder": "pipelines.trace",
        "Research": "pipelines.research",
        **dict.fromkeys(("Pipeline", "Rung", "Skipped", "Step", "rung"), "pipelines.step"),
        "Unsure": "pipelines.errors",
    },
)
