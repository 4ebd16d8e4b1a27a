"""How every answer ends, asked for the first time or again: written from the evidence, then verified."""

from __future__ import annotations

from pipelines import reason, verify
from pipelines.policy import Policy
from pipelines.settings import Limits
from pipelines.step import Step, rung

__all__ = ["ending", "simpler_policy"]


def ending(limits: Limits) -> tuple[Step, Step]:
    """The steps that give `draft` and `answer`; they take `query`, `route`, `evidence` and `first_draft`."""
    reasoning = Policy(timeout_seconds=limits.reason_seconds, attempts=limits.attempts)
    return (
        Step(
            "reason",
            gives="draft",
            share=45,
            unless=reason.nothing_to_reason,
            ask_before_last="models failed",
            ladder=(
                rung(reason.by_reasoning_model, reasoning, name="the reasoning model"),
                rung(reason.by_simpler_summary, simpler_policy(limits), name="a simpler summary"),
                rung(reason.extractively, name="the best sentences, verbatim"),
            ),
        ),
        Step("verify", gives="answer", share=3, ladder=(rung(verify.check_citations),)),
    )


def simpler_policy(limits: Limits) -> Policy:
    """What the small model gets for an answer of its own."""
    return Policy(timeout_seconds=limits.simpler_seconds, attempts=limits.attempts, reserve=0.3)
