"""The cheap model first: its draft stands when the signs are good, else the strong model confirms it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pipelines.events import Drafted, Token
from pipelines.models import ChatModel
from pipelines.prompts import NOT_ANSWERED, reason_prompt
from pipelines.settings import Limits
from pipelines.step import Skipped
from pipelines.trace import Recorder
from pipelines.types import Doubt, Draft, Evidence, FirstDraft, Query, Route
from pipelines.verify import supported_share
from pipelines.words import content_stems

__all__ = ["drafted", "no_draft", "not_a_cascade", "signs", "without_escalation"]


def not_a_cascade(route: Route, evidence: tuple[Evidence, ...]) -> Skipped | None:
    """Says why the small model does not draft first."""
    if not evidence:
        return Skipped(FirstDraft(), "nothing was found")
    if route.name != "cascade":
        return Skipped(FirstDraft(), f"the route {route.name!r} has no first draft")
    return None


async def drafted(
    query: Query, evidence: tuple[Evidence, ...], small: ChatModel, limits: Limits
) -> FirstDraft:
    """The small model's draft and every reason to doubt it.

    A second draft, if the settings ask for one, reads the evidence in the opposite order, so that it is not
    the same reply again.
    """
    orders = [evidence, evidence[::-1]][: limits.cascade.drafts]
    texts = await asyncio.gather(*(_draft(query, order, small) for order in orders))
    draft = Draft(text=texts[0], author="small", model=small.settings.name)
    return FirstDraft(draft=draft, doubts=signs(texts, evidence, limits))


async def no_draft() -> FirstDraft:
    """The last rung: the strong model begins by itself."""
    return FirstDraft()


def signs(texts: Sequence[str], evidence: Sequence[Evidence], limits: Limits) -> tuple[Doubt, ...]:
    """The reasons to doubt a draft that can be seen without another call.

    Args:
        texts: The draft, and others of the same question to compare it with.
        evidence: What they were written from.
        limits: The thresholds.
    """
    cascade = limits.cascade
    doubts: list[Doubt] = []
    if NOT_ANSWERED.rstrip(".") in texts[0]:
        doubts.append(Doubt.ABSTAINED)
    elif supported_share(texts[0], evidence, limits) < cascade.supported:
        doubts.append(Doubt.UNSUPPORTED)
    if _stands_out(evidence) < cascade.gap:
        doubts.append(Doubt.NOTHING_STANDS_OUT)
    if any(_agreement(texts[0], other) < cascade.agreement for other in texts[1:]):
        doubts.append(Doubt.DISAGREEMENT)
    return tuple(doubts)


def without_escalation(first_draft: FirstDraft, recorder: Recorder) -> Skipped | None:
    """Says that the small model's draft stands, and shows it."""
    draft = first_draft.draft
    if draft is None or first_draft.doubts:
        return None
    recorder.emit(Token(text=draft.text))
    recorder.emit(Drafted(draft=draft))
    return Skipped(draft, "the small model's draft stands: its sentences are supported")


async def _draft(query: Query, evidence: Sequence[Evidence], small: ChatModel) -> str:
    prompt = reason_prompt(query.text, evidence, room_tokens=small.settings.input_tokens)
    return (await small.complete(prompt)).strip()


def _stands_out(evidence: Sequence[Evidence]) -> float:
    """How far the best evidence is above the middle of the rest; its own relevance where it is alone."""
    best, *rest = sorted((each.relevance for each in evidence), reverse=True)
    return best - rest[len(rest) // 2] if rest else best


def _agreement(one: str, other: str) -> float:
    """Share of content that two drafts have in common (Jaccard, on stems), from 0 to 1."""
    first, second = set(content_stems(one)), set(content_stems(other))
    return len(first & second) / len(first | second) if first | second else 1.0
