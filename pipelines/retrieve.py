"""Searches every source at once, fuses what they found and keeps the papers that bear on the question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from indexes.fuse import fuse
from indexes.neighbours import at_most, few, joined
from indexes.protocols import Retriever
from indexes.types import Document, Hit, Hits, Model
from pipelines.errors import NothingRelevant
from pipelines.events import HitsFound
from pipelines.models import Models
from pipelines.route import papers_wanted, reading_limits
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.trace import Recorder, current_span
from pipelines.types import Query, Question, Route, Usage
from pipelines.words import content_stems, stem_set

__all__ = [
    "Findings",
    "Paper",
    "Search",
    "from_the_web",
    "fused",
    "keyword_everywhere",
    "nothing_found",
    "search_one",
    "searches",
    "web_papers",
]


class Search:
    """One source to ask, with the wording and the collections to ask for."""

    def __init__(self, retriever: Retriever, query: Query) -> None:
        self.retriever = retriever
        self.query = query

    @property
    def label(self) -> str:
        """How the branch is called while it runs."""
        return self.retriever.name


class Findings(Hits):
    """What one source found."""

    retriever: str


class Paper(Model):
    """A document's passages that bear on the question, best first."""

    document: Document
    hits: tuple[Hit, ...]
    relevance: float
    """Of the best passage, from 0 to 1."""

    @property
    def label(self) -> str:
        """How the branch that reads it is called."""
        return self.document.title

    @property
    def text(self) -> str:
        """The passages in the order they stand in the paper."""
        return "\n\n".join(hit.passage.text for hit in sorted(self.hits, key=lambda hit: hit.passage.start))


def searches(query: Query, route: Route, retrievers: tuple[Retriever, ...]) -> tuple[Search, ...]:
    """One search per source; they run side by side."""
    return tuple(Search(retriever, query) for retriever in retrievers)


async def search_one(search: Search, models: Models, limits: Limits, recorder: Recorder) -> Findings:
    """Asks one source."""
    query, limit = search.query, reading_limits(limits, models).hits
    found = await search.retriever.search(query.for_library, limit=limit, collections=query.domain)
    return _told(search.retriever.name, found, recorder)


async def fused(
    findings: tuple[Findings, ...],
    query: Query,
    library: Shelves,
    models: Models,
    limits: Limits,
    recorder: Recorder,
) -> tuple[Paper, ...]:
    """The papers that the sources found together.

    Raises:
        NothingRelevant: No source found a passage that bears on the question.
    """
    for note in library.notes:
        recorder.note(note)
    return await _papers(findings, query, library, reading_limits(limits, models))


async def keyword_everywhere(
    question: Question,
    query: Query,
    retrievers: tuple[Retriever, ...],
    library: Shelves,
    models: Models,
    limits: Limits,
    recorder: Recorder,
) -> tuple[Paper, ...]:
    """By keyword alone, in all collections, or in those the person named: never outside them.

    Raises:
        NothingRelevant: Nothing there either.
    """
    keyword = next((retriever for retriever in retrievers if retriever.name == "keyword"), None)
    if keyword is None:
        raise NothingRelevant("There is no keyword index to ask.")
    wider = reading_limits(limits, models)
    found = await keyword.search(query.for_library, limit=wider.hits, collections=question.collections)
    return await _papers((_told("keyword", found, recorder),), query, library, wider)


async def from_the_web(
    query: Query, web: Retriever, library: Shelves, limits: Limits, recorder: Recorder
) -> tuple[Paper, ...]:
    """By the person's own words on the web; titles and snippets, marked as such.

    Raises:
        NothingRelevant: The web has nothing either.
    """
    papers = await web_papers(query, web, library, limits, recorder)
    recorder.note("The evidence is from the web, not from your library: titles and snippets only.")
    return papers


async def web_papers(
    query: Query, web: Retriever, library: Shelves, limits: Limits, recorder: Recorder
) -> tuple[Paper, ...]:
    """What the web has to a question.

    Raises:
        NothingRelevant: The web has nothing.
    """
    if span := current_span():
        span.spend(Usage(web_searches=1))
    found = await web.search(query.text, limit=limits.papers)
    findings = _told(web.name, found, recorder)
    if not findings.hits:
        raise NothingRelevant("The web search found nothing.")
    if query.asked:
        recorder.note("The web was searched without the question's filters: only the library knows them.")
    weights = await library.rarity(content_stems(query.text))
    return _grouped(
        findings.hits,
        query,
        limits,
        {hit.passage.id: _coverage(query, hit, weights) for hit in findings.hits},
    )


async def nothing_found() -> tuple[Paper, ...]:
    """The last rung: an honest nothing."""
    return ()


def _told(retriever: str, found: Hits, recorder: Recorder) -> Findings:
    for note in found.notes:
        recorder.note(note)
    titles = tuple(dict.fromkeys(hit.document.title for hit in found.hits))[:3]
    recorder.emit(HitsFound(retriever=retriever, count=len(found.hits), titles=titles))
    return Findings(retriever=retriever, hits=found.hits, scores=found.scores)


async def _papers(
    findings: Iterable[Findings], query: Query, library: Shelves, limits: Limits
) -> tuple[Paper, ...]:
    answers = tuple(findings)
    ranked = fuse(answers) if len(answers) > 1 else answers[0].hits if answers else ()
    hits = at_most(ranked, limits.passages_per_paper)[: limits.hits]
    if not hits:
        raise NothingRelevant("Nothing in the library matches the question.")
    weights = await library.rarity(content_stems(query.text))
    cosine = _cosines(answers)
    relevance = {
        hit.passage.id: max(_coverage(query, hit, weights), min(1.0, cosine.get(hit.passage.id, 0.0)))
        for hit in hits
    }
    relevant = [hit for hit in hits if relevance[hit.passage.id] >= limits.relevant]
    if not relevant:
        raise NothingRelevant("Nothing in the library bears on the question closely enough.")
    papers = _grouped(relevant, query, limits, relevance)
    return tuple([await _without_repeats(paper, library) for paper in papers])


async def _without_repeats(paper: Paper, library: Shelves) -> Paper:
    """The paper with passages that touch as one: what two of them share is read and paid for once."""
    return paper.model_copy(update={"hits": tuple(await joined(paper.hits, library.page))})


def _cosines(answers: Iterable[Findings]) -> dict[str, float]:
    """The cosine with the question of each passage that search by meaning has looked at."""
    dense = [answer for answer in answers if answer.retriever == "dense"]
    return {
        **{hit.passage.id: hit.score for answer in dense for hit in answer.hits},
        **{id: score for answer in dense for id, score in answer.scores},
    }


def _grouped(
    hits: Iterable[Hit], query: Query, limits: Limits, relevance: Mapping[str, float]
) -> tuple[Paper, ...]:
    """Papers in the order of their best hit, each with its best few passages."""
    by_document: dict[str, list[Hit]] = {}
    for hit in hits:
        by_document.setdefault(hit.document.id, []).append(hit)
    return tuple(
        Paper(
            document=found[0].document,
            hits=tuple(few(found, limits.passages_per_paper)),
            relevance=max(relevance[hit.passage.id] for hit in found),
        )
        for found in list(by_document.values())[: papers_wanted(query, limits)]
    )


def _coverage(query: Query, hit: Hit, weights: Mapping[str, float]) -> float:
    """Share of what is asked that the passage or its headings mention, rare words counting more."""
    asked = dict.fromkeys(content_stems(query.text))
    total = sum(weights.get(stem, 1.0) for stem in asked)
    if not total:
        return 0.0
    present = stem_set(" ".join((hit.passage.text, hit.passage.section or "", hit.document.title)))
    return sum(weights.get(stem, 1.0) for stem in asked if stem in present) / total
