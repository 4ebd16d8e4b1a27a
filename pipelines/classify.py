"""What kind of question it is and which collections it belongs to, with a confidence."""

from __future__ import annotations

import re
from collections import defaultdict

from indexes.errors import SearchError
from indexes.protocols import Retriever
from indexes.query import parse_query
from pipelines.errors import ModelMalformed, Unsure
from pipelines.events import Classified
from pipelines.models import ChatModel
from pipelines.person import Person
from pipelines.prompts import KIND_NAMES, kind_prompt
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.trace import Recorder
from pipelines.types import Kind, Query, Question

__all__ = ["EVERY_ONE", "as_general", "by_cues", "by_small_model", "kind_by_cues"]

_CUES: tuple[tuple[Kind, float, str], ...] = (
    (Kind.COMPARISON, 0.9, r"\b(?:compar\w+|differen\w+ between|versus|vs\.?|(?:better|rather) than)\b"),
    (Kind.COMPARISON, 0.8, r"\b(?:dis)?advantages? (?:of|over)\b"),
    (Kind.OVERVIEW, 0.9, r"\b(?:overview|summari[sz]e|summary|state of the art|survey)\b"),
    (Kind.OVERVIEW, 0.85, r"\bmain (?:idea|finding|point|result)s?\b"),
    (Kind.OVERVIEW, 0.7, r"^(?:what|which) (?:are|were) (?:the )?(?:\w+ ){0,3}\w+s\b"),
    (Kind.REASON, 0.85, r"^why\b|\breasons? (?:for|why|that)\b|\bcauses? of\b"),
    (Kind.FACT, 0.85, r"^(?:how (?:many|much|long|often|large|fast|old|far)|when|where|who|whose)\b"),
    (Kind.METHOD, 0.8, r"^how (?:do(?:es)?|did|is|are|was|were|can|could|should|to)\b"),
    (Kind.METHOD, 0.7, r"\b(?:method|procedure|algorithm)s? (?:for|to)\b"),
    (Kind.FACT, 0.8, r"^(?:is|are|was|were|do|does|did|can|has|have|will)\b"),
    (Kind.DEFINITION, 0.8, r"^(?:what is|what's|what are|define|definition of|what does .* mean|explain)\b"),
    (Kind.FACT, 0.65, r"^(?:which|what|whom)\b"),
)

EVERY_ONE = "all of them"
"""The choice that leaves an ambiguous question to every collection it may belong to."""

_SHARE_OF_A_DOMAIN = 0.25
"""A collection counts as the question's when it holds at least this share of the first hits' weight."""


async def by_cues(
    question: Question,
    retrievers: tuple[Retriever, ...],
    library: Shelves,
    limits: Limits,
    person: Person,
    recorder: Recorder,
) -> Query:
    """Classifies by the question's wording and by where its words stand; calls no model.

    Raises:
        Unsure: The cues are weak.
    """
    kind, confidence = kind_by_cues(parse_query(question.text).text)
    if confidence < limits.sure:
        raise Unsure(f"The wording tells the kind of question with a confidence of {confidence:.2f} only.")
    domain = await _domain(question, retrievers, library, person, recorder)
    return _told(question, kind, domain, confidence, recorder)


async def by_small_model(
    question: Question,
    small: ChatModel,
    retrievers: tuple[Retriever, ...],
    library: Shelves,
    person: Person,
    recorder: Recorder,
) -> Query:
    """Asks the small model for the kind, one word; the collections still come from the index."""
    reply = await small.complete(kind_prompt(parse_query(question.text).text))
    named = [kind for name, kind in KIND_NAMES.items() if re.search(rf"\b{name}\b", reply.lower())]
    if len(named) != 1:
        raise ModelMalformed(f"{small.settings.name} named no kind of question.")
    domain = await _domain(question, retrievers, library, person, recorder)
    return _told(question, named[0], domain, 0.75, recorder)


async def as_general(question: Question, recorder: Recorder) -> Query:
    """The last rung: a general question, to be looked for everywhere."""
    return _told(question, Kind.GENERAL, question.collections, 0.0, recorder)


def kind_by_cues(text: str) -> tuple[Kind, float]:
    """The kind that the wording of a question points to, and how strongly (0 to 1)."""
    wording = " ".join(text.lower().split())
    for kind, confidence, pattern in _CUES:
        if re.search(pattern, wording):
            return kind, confidence
    return Kind.GENERAL, 0.3


async def _domain(
    question: Question,
    retrievers: tuple[Retriever, ...],
    library: Shelves,
    person: Person,
    recorder: Recorder,
) -> tuple[str, ...]:
    """The collections that the first keyword hits lie in, by rank; empty, for all, when there is one.

    Where several hold about as much, the person may choose.
    """
    if question.collections:
        return question.collections
    names = [collection.name for collection in await library.collections()]
    keyword = next((retriever for retriever in retrievers if retriever.name == "keyword"), None)
    if len(names) < 2 or keyword is None:
        return ()
    try:
        found = await keyword.search(question.text, limit=20)
    except SearchError:
        return ()
    weight: defaultdict[str, float] = defaultdict(float)
    for hit in found.hits:
        weight[hit.document.collection] += 1 / hit.rank
    total = sum(weight.values())
    domain = tuple(sorted(name for name, part in weight.items() if part >= _SHARE_OF_A_DOMAIN * total))
    if len(domain) < 2:
        return domain
    needs = {"question": question, "domain": domain}
    choice = await person.choose("collection", needs, recorder, choices=(*domain, EVERY_ONE))
    return domain if choice == EVERY_ONE else (choice,)


def _told(
    question: Question, kind: Kind, domain: tuple[str, ...], confidence: float, recorder: Recorder
) -> Query:
    text = parse_query(question.text).text
    asked = "" if text == question.text else question.text
    query = Query(text=text, asked=asked, said=question.said, kind=kind, domain=domain, confidence=confidence)
    recorder.emit(Classified(query=query))
    return query
