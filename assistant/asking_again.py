"""Which model answers when a question is asked again, and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from indexes.clean import clean_line
from indexes.errors import QuestionRefused

if TYPE_CHECKING:
    from assistant.build import Workbench
    from pipelines.models import ChatModel, Models
    from pipelines.types import Question

__all__ = ["models_for", "must_have_model"]


def models_for(workbench: Workbench, question: Question) -> Models:
    """The two roles, with the model that the person has chosen in that of the reasoning model."""
    models, again = workbench.models, question.again
    if again is None or again.how != "model":
        return models
    return replace(models, reasoning=_choices(workbench)[again.model])


def must_have_model(workbench: Workbench, question: Question) -> None:
    """Does nothing if the question can be asked as it is meant.

    Raises:
        QuestionRefused: It is to be asked again of a model that is not there.
    """
    again = question.again
    if again is None or again.how == "web":
        return
    if again.how == "deeper" and workbench.models.reasoning is None:
        raise QuestionRefused(
            "There is no reasoning model that could look deeper.",
            hint="Name one in the setting models.reasoning.name.",
        )
    if again.how == "model" and again.model not in (choices := _choices(workbench)):
        there = ", ".join(choices) or "none at all"
        raise QuestionRefused(
            f"No model {clean_line(again.model, 80)!r} is configured; there is {there}.",
            hint="Further ones are named in the setting models.others.",
        )


def _choices(workbench: Workbench) -> dict[str, ChatModel]:
    roles = (workbench.models.small, workbench.models.reasoning)
    return {**workbench.others, **{model.settings.name: model for model in roles if model is not None}}
