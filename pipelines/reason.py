"""Writes the answer: the reasoning model, a simpler summary, or the papers' own sentences."""

from __future__ import annotations

from pipelines.events import Drafted, Token
from pipelines.extractive import best_sentences
from pipelines.models import ChatModel
from pipelines.prompts import reason_prompt
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.step import Skipped
from pipelines.trace import Recorder
from pipelines.types import Draft, Evidence, Outcome, Query
from pipelines.words import content_stems

__all__ = ["by_reasoning_model", "by_simpler_summary", "extractively", "nothing_to_reason_from"]


def nothing_to_reason_from(
    evidence: tuple[Evidence, ...], query: Query, recorder: Recorder
) -> Skipped | None:
    """Says so when there is no evidence, and what was tried."""
    if evidence:
        return None
    draft = Draft(text=_nothing_found(query, recorder), author="nothing")
    recorder.emit(Drafted(draft=draft))
    return Skipped(draft, "nothing was found")


async def by_reasoning_model(
    query: Query, evidence: tuple[Evidence, ...], reasoning: ChatModel, recorder: Recorder
) -> Draft:
    """The reasoning model's answer, streamed."""
    return await _written_by(reasoning, "reasoning", query, evidence, recorder, brief=False)


async def by_simpler_summary(
    query: Query, evidence: tuple[Evidence, ...], small: ChatModel, recorder: Recorder
) -> Draft:
    """The small model's answer over the summaries."""
    return await _written_by(small, "small", query, evidence, recorder, brief=True)


async def extractively(
    query: Query, evidence: tuple[Evidence, ...], library: Shelves, limits: Limits, recorder: Recorder
) -> Draft:
    """The last rung: the best-supported sentences, word for word."""
    weights = await library.rarity(content_stems(query.text))
    hits = sorted((hit for each in evidence for hit in each.hits), key=lambda hit: hit.rank)
    owner = {hit.passage.id: each.id for each in evidence for hit in each.hits}
    ranked = best_sentences(query.text, hits, weights=weights, limit=limits.sentences)
    best = [each for each in ranked if each.score >= limits.worth * ranked[0].score]
    lines = [f"- {_plain(each.text)} [{owner[each.hit.passage.id]}]" for each in best]
    if not lines:
        lines = [f"- {_plain(each.summary)} [{each.id}]" for each in evidence[: limits.sentences]]
    draft = Draft(text="\n".join(lines), author="extractive")
    recorder.emit(Token(text=draft.text))
    recorder.emit(Drafted(draft=draft))
    return draft


async def _written_by(
    model: ChatModel,
    author: str,
    query: Query,
    evidence: tuple[Evidence, ...],
    recorder: Recorder,
    *,
    brief: bool,
) -> Draft:
    prompt = reason_prompt(query.text, evidence, room_tokens=model.settings.input_tokens, brief=brief)
    pieces: list[str] = []
    async for piece in model.stream(prompt):
        pieces.append(piece)
        recorder.emit(Token(text=piece))
    draft = Draft.model_validate(
        {"text": "".join(pieces).strip(), "author": author, "model": model.settings.name}
    )
    recorder.emit(Drafted(draft=draft))
    return draft


def _plain(sentence: str) -> str:
    """A quoted sentence without brackets that would read as citations of ours."""
    return sentence.replace("[", "(").replace("]", ")")


def _nothing_found(query: Query, recorder: Recorder) -> str:
    where = f"in {', '.join(query.domain)}" if query.domain else "in the library"
    tried = [
        degradation.why
        for degradation in recorder.degraded
        if degradation.step == "retrieve" and degradation.outcome is not Outcome.NOTHING_FOUND
    ]
    return " ".join([f"Nothing {where} bears on this question.", *dict.fromkeys(tried)])
