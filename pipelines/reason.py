"""Writes the answer: the reasoning model, a simpler summary, or the papers' own sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, cast

from indexes.errors import EncoderError
from pipelines.cascade import without_escalation
from pipelines.errors import ContextTooLong
from pipelines.events import Drafted, Token
from pipelines.extractive import (
    COMPARED,
    Sentence,
    by_meaning_too,
    distinct,
    rank_sentences,
    unmentioned,
)
from pipelines.models import ChatModel, Prompt
from pipelines.prompts import CONFIRMED, NOT_ANSWERED, reason_prompt
from pipelines.quotes import without_brackets
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.step import Skipped
from pipelines.trace import Recorder
from pipelines.types import Doubt, Draft, Evidence, FirstDraft, Outcome, Query
from pipelines.words import content_stems

__all__ = ["by_reasoning_model", "by_simpler_summary", "extractively", "nothing_to_reason"]


_LONGEST_COMPARISON_SECONDS = 3.0
"""For all of them, the model's loading included."""


def nothing_to_reason(
    evidence: tuple[Evidence, ...], first_draft: FirstDraft, query: Query, recorder: Recorder
) -> Skipped | None:
    """Says so when there is no evidence, and what was tried, or when the small model's draft stands."""
    if evidence:
        return without_escalation(first_draft, recorder)
    draft = Draft(text=_nothing_found(query, recorder), author="nothing")
    recorder.emit(Drafted(draft=draft))
    return Skipped(draft, "nothing was found")


async def by_reasoning_model(
    query: Query,
    evidence: tuple[Evidence, ...],
    first_draft: FirstDraft,
    reasoning: ChatModel,
    recorder: Recorder,
) -> Draft:
    """The reasoning model's answer, streamed; in a cascade, its word on the small model's draft."""
    earlier = first_draft.draft
    room = reasoning.settings.input_tokens
    prompt = partial(reason_prompt, query.text, evidence, draft=earlier.text if earlier else "")
    unless = CONFIRMED if earlier else ""
    try:
        text = await _streamed(reasoning, prompt(room_tokens=room), recorder, unless=unless)
    except ContextTooLong:
        # Its context is smaller than it is said to be: once more with fewer passages, none cut short.
        text = await _streamed(reasoning, prompt(room_tokens=room // 2), recorder, unless=unless)
    return _told(_settled(earlier, first_draft.doubts, text, reasoning.settings.name, recorder), recorder)


async def by_simpler_summary(
    query: Query,
    evidence: tuple[Evidence, ...],
    first_draft: FirstDraft,
    small: ChatModel,
    recorder: Recorder,
) -> Draft:
    """The small model's answer over the summaries; its draft, where it has written one already."""
    if first_draft.draft is not None:
        recorder.emit(Token(text=first_draft.draft.text))
        return _told(first_draft.draft, recorder)
    prompt = reason_prompt(query.text, evidence, room_tokens=small.settings.input_tokens, brief=True)
    text = await _streamed(small, prompt, recorder)
    return _told(Draft(text=text, author="small", model=small.settings.name), recorder)


async def extractively(
    query: Query, evidence: tuple[Evidence, ...], library: Shelves, limits: Limits, recorder: Recorder
) -> Draft:
    """The last rung: the best-supported sentences, word for word."""
    owner = {hit.passage.id: each.id for each in evidence for hit in each.hits}
    hits = sorted((hit for each in evidence for hit in each.hits), key=lambda hit: hit.rank)
    weights = await library.rarity(content_stems(query.text))
    by_words = rank_sentences(query.text, hits, weights=weights)
    ranked = distinct(await _by_meaning(query, by_words, library, recorder), limit=limits.sentences)
    best = [each for each in ranked if each.score >= limits.worth * ranked[0].score]
    lines = [f"- {without_brackets(each.text)} [{owner[each.hit.passage.id]}]" for each in best]
    if not lines:
        lines = [f"- {without_brackets(each.summary)} [{each.id}]" for each in evidence[: limits.sentences]]
    if missing := unmentioned(query.text, hits, weights=weights):
        *others, last = (f"“{word}”" for word in missing)
        words = " or ".join([", ".join(others), last] if others else [last])
        noun = "words" if others else "word"
        recorder.note(f"No passage found has the {noun} {words}: what is quoted may not answer it.")
    draft = Draft(text="\n".join(lines), author="extractive")
    recorder.emit(Token(text=draft.text))
    recorder.emit(Drafted(draft=draft))
    return draft


async def _by_meaning(
    query: Query, by_words: list[Sentence], library: Shelves, recorder: Recorder
) -> list[Sentence]:
    """The best sentences by their words, in the order of their words and their meaning together.

    This is the last rung, which has to be there in time: without a model on this machine, or when it takes
    too long, words alone decide.
    """
    compared = by_words[:COMPARED]
    limit = min(_LONGEST_COMPARISON_SECONDS, max(0.0, recorder.allowance.seconds_left / 2))
    closeness: Sequence[float] = ()
    with suppress(EncoderError, TimeoutError):
        async with asyncio.timeout(limit):
            closeness = await library.closeness(query.text, [each.in_context for each in compared])
    if closeness:
        return by_meaning_too(compared, closeness)
    return [each for each in by_words if each.share]


def _settled(
    earlier: Draft | None, doubts: tuple[Doubt, ...], text: str, model: str, recorder: Recorder
) -> Draft:
    """What comes of a draft and the stronger model's word on it: confirmed, replaced, or both shown."""
    if earlier is None:
        return Draft(text=text, author="reasoning", model=model)
    why = "; ".join(doubts)
    bare = text.lstrip(" .*\n")
    text = bare.removeprefix(CONFIRMED).lstrip(" .,:*\n") if bare.startswith(CONFIRMED) else text
    own = Draft(text=text, author="reasoning", model=model)
    if bare.startswith(CONFIRMED) and "[" not in text:  # what cites nothing is a remark, not an answer
        recorder.emit(Token(text=earlier.text))
        recorder.note(f"{model} confirmed what {earlier.model} wrote, which was in doubt: {why}.")
        return earlier
    if _abstains(text) and not _abstains(earlier.text):
        recorder.note(
            f"{model} finds no answer in this evidence; what {earlier.model} wrote stands beside it."
        )
        return own.model_copy(update={"text": f"{text}\n\n{earlier.model} answered: {earlier.text}"})
    recorder.note(f"{model} answered anew after {earlier.model}, whose draft was in doubt: {why}.")
    return own


async def _streamed(model: ChatModel, prompt: Prompt, recorder: Recorder, *, unless: str = "") -> str:
    """The whole reply, its pieces told as they come; a reply that may be the word `unless` is held back."""
    text, told = "", 0
    async with aclosing(cast("Any", model.stream(prompt))) as pieces:
        async for piece in pieces:
            text += piece
            if not (unless and unless.startswith(text.strip(" .*\n")[: len(unless)])):
                recorder.emit(Token(text=text[told:]))
                told = len(text)
    return text.strip()


def _told(draft: Draft, recorder: Recorder) -> Draft:
    recorder.emit(Drafted(draft=draft))
    return draft


def _abstains(text: str) -> bool:
    return NOT_ANSWERED.rstrip(".") in text


def _nothing_found(query: Query, recorder: Recorder) -> str:
    where = f"in {', '.join(query.domain)}" if query.domain else "in the library"
    tried = [
        degradation.why
        for degradation in recorder.degraded
        if degradation.step == "retrieve" and degradation.outcome is not Outcome.NOTHING_FOUND
    ]
    return " ".join([f"Nothing {where} bears on this question.", *dict.fromkeys(tried)])
