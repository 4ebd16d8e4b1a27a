"""What can go wrong between a question and its answer.

CarrelError (indexes.errors)
├── ModelError              a model call did not give an answer
│   ├── ModelTimeout        no answer in time
│   ├── ModelLimited        rate-limited                       (retryable)
│   ├── ModelUnreachable    no connection, or it broke         (retryable)
│   ├── ModelOverloaded     a server-side error                (retryable)
│   ├── ProviderPaused      its provider failed again and again and is left alone for a while
│   ├── ModelAuth           the key was refused, or is missing
│   ├── ModelMissing        no such model, or its client is not installed
│   ├── ModelRefused        the model declined
│   ├── ContextTooLong      the prompt does not fit
│   └── ModelMalformed      what came back is not an answer
├── NotAllowed              a person, or a setting, said no
│   ├── BudgetSpent         the question's limit of calls or money is reached
│   └── TotalSpent          so is the limit of money of the batch that the question is one of
├── Unsure                  a cheap rung hands over because it is not sure
├── NoTimeLeft              the deadline is too near to begin
├── TookTooLong             a rung was stopped at its time-out
├── NothingRelevant         a rung of retrieval found nothing
├── Stopped                 a person chose to stop
├── StepFailed              every rung of a step failed
└── PipelineInvalid         a pipeline was declared wrongly
"""

from __future__ import annotations

from typing import ClassVar

from indexes.errors import CarrelError, WebBlocked, WebDisallowed
from pipelines.types import Outcome

__all__ = [
    "BudgetSpent",
    "ContextTooLong",
    "ModelAuth",
    "ModelError",
    "ModelLimited",
    "ModelMalformed",
    "ModelMissing",
    "ModelOverloaded",
    "ModelRefused",
    "ModelTimeout",
    "ModelUnreachable",
    "NoTimeLeft",
    "NotAllowed",
    "NothingRelevant",
    "PipelineInvalid",
    "ProviderPaused",
    "StepFailed",
    "Stopped",
    "TookTooLong",
    "TotalSpent",
    "Unsure",
    "outcome_of",
]


class ModelError(CarrelError):
    """A model call did not give an answer."""

    stage = "model"
    exit_code = 3
    outcome: ClassVar[Outcome] = Outcome.INTERNAL


class ModelTimeout(ModelError):
    """No answer in time."""

    exit_code = 124
    outcome = Outcome.TIMED_OUT


class ModelLimited(ModelError):
    """The provider limits the rate of calls."""

    retryable = True
    outcome = Outcome.LIMITED
    retry_after_seconds: float | None = None
    """How long the provider asks to wait."""


class ModelUnreachable(ModelError):
    """No connection, or it broke before the answer was whole."""

    retryable = True
    outcome = Outcome.UNREACHABLE
    default_hint = "Check that the server runs and that the base URL is right; `carrel models` shows it."


class ModelOverloaded(ModelError):
    """The provider failed on its side."""

    retryable = True
    outcome = Outcome.UNREACHABLE


class ProviderPaused(ModelError):
    """The provider has failed again and again: it is left alone for a while, and no call was made."""

    outcome = Outcome.UNREACHABLE


class ModelAuth(ModelError):
    """The key was refused, or there is none."""

    outcome = Outcome.AUTH


class ModelMissing(ModelError):
    """The provider has no such model, or its client is not installed."""

    outcome = Outcome.AUTH  # as final as a refused key: no other question can do better


class ModelRefused(ModelError):
    """The model declined to answer."""

    outcome = Outcome.REFUSED


class ContextTooLong(ModelError):
    """The prompt does not fit the model."""

    outcome = Outcome.TOO_LONG


class ModelMalformed(ModelError):
    """What came back is not an answer."""

    outcome = Outcome.MALFORMED


class NotAllowed(CarrelError):
    """A person, or a setting in their name, said no."""

    stage = "consent"


class BudgetSpent(NotAllowed):
    """One more call would go over what the question may cost."""


class TotalSpent(NotAllowed):
    """One more call would go over what all questions of a batch may cost."""

    default_hint = "Allow more with --total-cost; --resume asks what has no good answer yet."


class NoTimeLeft(CarrelError):
    """The deadline is so near that the rung was not begun."""

    stage = "answer"


class TookTooLong(CarrelError):
    """A rung was stopped at its time-out."""

    stage = "answer"


class Unsure(CarrelError):
    """A cheap rung is not sure enough; asking the next one is the ladder at work, not a fault."""

    degrades: ClassVar[bool] = False


class NothingRelevant(CarrelError):
    """A rung of retrieval found nothing that bears on the question."""

    stage = "retrieve"
    exit_code = 4


class Stopped(CarrelError):
    """A person was asked how to go on and chose to stop."""

    stage = "consent"
    exit_code = 130


class StepFailed(CarrelError):
    """Every rung of a step failed."""

    stage = "answer"


class PipelineInvalid(CarrelError):
    """A pipeline was declared wrongly; the message names the step."""


def outcome_of(error: BaseException) -> Outcome:
    """The closed-list kind of `error`."""
    match error:
        case ModelError():
            return error.outcome
        case Unsure():
            return Outcome.PARTIAL
        case NothingRelevant():
            return Outcome.NOTHING_FOUND
        case TotalSpent():
            return Outcome.LIMITED  # another batch, or more money, lets the same call through
        case WebDisallowed() | WebBlocked() | NotAllowed():
            return Outcome.BLOCKED
        case Stopped():
            return Outcome.CANCELLED
        case TimeoutError() | NoTimeLeft() | TookTooLong():
            return Outcome.TIMED_OUT
        case _:
            return Outcome.INTERNAL
