"""Turns a question into an answer, one step a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexes.lazy import lazily

if TYPE_CHECKING:
    from pipelines.graph import CompiledPipeline, Result
    from pipelines.policy import Policy
    from pipelines.research import Research
    from pipelines.step import Pipeline, Rung, Skipped, Step, rung
    from pipelines.trace import Recorder

__all__ = [
    "CompiledPipeline",
    "Pipeline",
    "Policy",
    "Recorder",
    "Research",
    "Result",
    "Rung",
    "Skipped",
    "Step",
    "rung",
]

__getattr__ = lazily(
    __name__,
    {
        **dict.fromkeys(("CompiledPipeline", "Result"), "pipelines.graph"),
        "Policy": "pipelines.policy",
        "Recorder": "pipelines.trace",
        "Research": "pipelines.research",
        **dict.fromkeys(("Pipeline", "Rung", "Skipped", "Step", "rung"), "pipelines.step"),
    },
)
