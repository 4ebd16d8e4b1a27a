"""Asks a question again on the evidence its answer already has: deeper, with the web, or by another model."""

from __future__ import annotations

from indexes.errors import WebDisallowed
from indexes.protocols import Retriever
from pipelines.ending import ending
from pipelines.events import Classified, EvidenceReady, Routed
from pipelines.models import Models
from pipelines.policy import Policy
from pipelines.prompts import tokens
from pipelines.retrieve import web_papers
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.step import Pipeline, Skipped, Step, rung
from pipelines.summarise import passages_of
from pipelines.trace import Recorder
from pipelines.types import Again, Evidence, FirstDraft, Query, Route
from pipelines.words import content_stems

__all__ = ["asked_again", "opened", "same_evidence"]


def asked_again(limits: Limits) -> Pipeline:
    """The pipeline of a question that is asked again: no library is searched, and no paper summarised."""
    web = Policy(timeout_seconds=limits.web_seconds)
    return Pipeline(
        "again",
        takes=("again",),
        gives="answer",
        services=frozenset({"library", "models", "limits"}),
        optional=frozenset({"web", "small", "reasoning"}),
        steps=(
            Step("understand", gives="query", ladder=(rung(as_understood),)),
            Step("route", gives="route", ladder=(rung(as_told),)),
            Step(
                "collect",
                gives="evidence",
                share=25,
                unless=same_evidence,
                ladder=(
                    rung(with_the_web, web, name="the web", consent="web too"),
                    rung(nothing_to_add, name="nothing to add"),
                ),
            ),
            Step("draft", gives="first_draft", ladder=(rung(no_draft),)),
            *ending(limits),
        ),
    )


async def as_understood(again: Again, recorder: Recorder) -> Query:
    """The question as it was classified the first time."""
    recorder.emit(Classified(query=again.query))
    return again.query


async def as_told(again: Again, models: Models, recorder: Recorder) -> Route:
    """What the person wants is the route."""
    route = Route(
        name=f"again: {again.name}",
        steps=("collect", "reason", "verify"),
        models=models.names,
        why=_why(again, models),
    )
    recorder.emit(Routed(route=route))
    return route


def same_evidence(again: Again, models: Models, recorder: Recorder) -> Skipped | None:
    """Says that the evidence of the first answer serves again, unless the web is to add to it."""
    if again.how == "web":
        return None
    evidence = again.evidence
    if again.how == "deeper" and models.reasoning is not None:
        evidence = opened(evidence, room_tokens=models.reasoning.settings.input_tokens)
    recorder.emit(EvidenceReady(evidence=evidence))
    return Skipped(evidence, f"the {len(evidence)} pieces of evidence of the first answer serve again")


def opened(evidence: tuple[Evidence, ...], *, room_tokens: int) -> tuple[Evidence, ...]:
    """The evidence with passages in place of a smaller model's summaries, best first, as far as they fit.

    Args:
        evidence: Best first.
        room_tokens: For all of it and the instructions, of which 800 are kept for these.
    """
    left = room_tokens - 800 - sum(tokens(each.summary) + 40 for each in evidence)
    pieces: list[Evidence] = []
    for each in evidence:
        more = sum(tokens(hit.passage.text) for hit in each.hits) - tokens(each.summary)
        if each.read_by and more <= left:
            left -= max(0, more)
            each = each.model_copy(update={"read_by": ""})
        pieces.append(each)
    return tuple(pieces)


async def with_the_web(
    again: Again, query: Query, web: Retriever, library: Shelves, limits: Limits, recorder: Recorder
) -> tuple[Evidence, ...]:
    """The evidence of the first answer, and what the web adds to it.

    Raises:
        NothingRelevant: The web has nothing.
    """
    papers = await web_papers(query, web, library, limits, recorder)
    weights = await library.rarity(content_stems(query.text))
    known = {hit.passage.id for each in again.evidence for hit in each.hits}
    added = [
        piece
        for paper in papers
        for piece in passages_of(paper, query, weights)
        if piece.hits[0].passage.id not in known
    ]
    numbered = enumerate((*again.evidence, *added), start=1)
    evidence = tuple(each.model_copy(update={"id": number}) for number, each in numbered)
    if added:
        first = len(again.evidence) + 1
        recorder.note(
            f"Evidence from [{first}] on is from the web, not from your library: titles and snippets only."
        )
    recorder.emit(EvidenceReady(evidence=evidence))
    return evidence


async def nothing_to_add(recorder: Recorder) -> tuple[Evidence, ...]:
    """The last rung: without the web the answer would be the one that is there, so nothing is paid for it.

    Raises:
        WebDisallowed: Always, with the reason why there is nothing from the web.
    """
    whys = [each.why for each in recorder.degraded if each.step == "collect"]
    why = whys[-1] if whys else "Searching the web is switched off."
    raise WebDisallowed(f"{why} The answer stands as it is.", hint="The setting “web” allows it, or asks.")


async def no_draft() -> FirstDraft:
    """The model that was chosen begins by itself."""
    return FirstDraft()


def _why(again: Again, models: Models) -> str:
    reader = models.reasoning or models.small
    name = reader.settings.name if reader is not None else "no model"
    pieces = f"the {len(again.evidence)} pieces of evidence of the first answer"
    match again.how:
        case "deeper":
            return f"Asked deeper: {name} reads {pieces} itself; nothing is searched for."
        case "web":
            return f"Asked with the web: {name} reads {pieces} and what the web adds."
        case "model":
            return f"Another model was asked: {name} reads {pieces}; nothing is searched for."
