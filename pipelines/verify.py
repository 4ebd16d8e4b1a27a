"""Checks every citation against the stored page and every sentence against what it cites."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence, Set

from indexes.errors import CarrelError
from pipelines.prompts import NOT_ANSWERED
from pipelines.quotes import contains, without_brackets
from pipelines.services import Shelves
from pipelines.settings import Limits
from pipelines.trace import Recorder
from pipelines.types import Answer, Citation, Claim, Draft, Evidence, EvidenceList, Query, Route
from pipelines.words import content_stems, numbers, sentences, stem_set

__all__ = ["check_citations", "supported_share"]

_MARKER = re.compile(r"\[(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\]")
_QUOTED = re.compile(r"[“\"]([^”\"]{25,400})[”\"]")
_NO_CLAIM = re.compile(
    r"^\W*(?:in (?:summary|short|conclusion)|overall|however|thus|therefore)\W*$", re.IGNORECASE
)


async def check_citations(
    query: Query,
    route: Route,
    evidence: tuple[Evidence, ...],
    draft: Draft,
    library: Shelves,
    limits: Limits,
    recorder: Recorder,
) -> Answer:
    """The answer with every citation verified and every unsupported sentence marked; calls no model."""
    if draft.author == "nothing":
        return Answer(query=query, route=route, text=draft.text, author=draft.author)
    text = _without_unknown_markers(draft.text, evidence, recorder)
    standing = await asyncio.gather(*(_quote_stands(each, library) for each in evidence))
    verified = {each.id: stands for each, stands in zip(evidence, standing, strict=True)}
    claims, citations = _checked(text, evidence, verified, limits)
    _note_problems(claims, evidence, verified, recorder)
    _check_quotations(text, evidence, recorder)
    return Answer(
        query=query,
        route=route,
        text=text,
        citations=tuple(citations),
        claims=tuple(claims),
        evidence=EvidenceList(evidence),
        author=draft.model or draft.author,
    )


def supported_share(text: str, evidence: Sequence[Evidence], limits: Limits) -> float:
    """Share of the text's sentences that the evidence they cite supports, from 0 to 1; 0 without any."""
    known = {each.id for each in evidence}
    text, _ = _single_markers(text, known)
    claims, _ = _checked(text, evidence, dict.fromkeys(known, True), limits)
    return sum(claim.supported for claim in claims) / len(claims) if claims else 0.0


def _without_unknown_markers(text: str, evidence: Sequence[Evidence], recorder: Recorder) -> str:
    text, unknown = _single_markers(text, {each.id for each in evidence})
    if unknown:
        listed = ", ".join(f"[{number}]" for number in sorted(unknown))
        recorder.note(f"Removed {listed}: the model cited evidence that it was not given.")
    return text


def _single_markers(text: str, known: Set[int]) -> tuple[str, set[int]]:
    """Writes `[1, 3]` and `[1-3]` as single markers and takes out what points nowhere; gives these too."""
    unknown: set[int] = set()

    def known_only(marker: re.Match[str]) -> str:
        cited = _ids(marker[1])
        unknown.update(number for number in cited if number not in known)
        return "".join(f"[{number}]" for number in cited if number in known)

    text = _MARKER.sub(known_only, text)
    # Taking one out may have joined another from what stood around it, as in `[[9]8]`: that is no citation.
    return _MARKER.sub(lambda marker: known_only(marker) or f"({marker[1]})", text), unknown


def _ids(inside: str) -> list[int]:
    """The numbers in a marker; `2-4` means 2, 3 and 4."""
    found: list[int] = []
    for part in re.split(r"[,;]", inside):
        ends = [int(number) for number in re.split(r"[–-]", part)]
        low, high = ends[0], ends[-1]
        found.extend(range(low, high + 1) if low <= high < low + 20 else ends)
    return list(dict.fromkeys(found))


async def _quote_stands(evidence: Evidence, library: Shelves) -> bool:
    """Whether the quote stands, word for word, on the stored page; the web has no stored page."""
    if evidence.document.origin == "web":
        return False
    try:
        page = await library.page(evidence.document.id, evidence.page)
    except CarrelError:
        return False
    return contains(page, evidence.quote)


def _checked(
    text: str, evidence: Sequence[Evidence], verified: dict[int, bool], limits: Limits
) -> tuple[list[Claim], list[Citation]]:
    by_id = {each.id: each for each in evidence}
    claims: list[Claim] = []
    citations: list[Citation] = []
    for start, end in _claims(text):
        sentence = text[start:end]
        markers = list(_MARKER.finditer(sentence))
        cited = [by_id[int(marker.group(1))] for marker in markers]
        support = _support(_MARKER.sub(" ", sentence), cited)
        is_claim = not _says_nothing(sentence)
        if is_claim:
            supported = support >= limits.supported and _numbers_stand(_MARKER.sub(" ", sentence), cited)
            claims.append(Claim(start=start, end=end, support=support, supported=supported))
        for marker, each in zip(markers, cited, strict=True):
            own = _support(_MARKER.sub(" ", sentence), [each])
            citations.append(
                Citation(
                    evidence_id=each.id,
                    start=start + marker.start(),
                    end=start + marker.end(),
                    verified=verified[each.id],
                    support=own,
                )
            )
    return claims, citations


def _claims(text: str) -> list[tuple[int, int]]:
    """Sentences, each with the markers that follow its full stop."""
    spans: list[tuple[int, int]] = []
    for start, end in sentences(text):
        leading = re.match(r"(?:\s*\[\d{1,3}\])+[.\s]*", text[start:end])
        if leading and spans:
            spans[-1] = (spans[-1][0], start + len(leading.group().rstrip()))
            start += leading.end()
        if start < end:
            spans.append((start, end))
    return spans


def _says_nothing(sentence: str) -> bool:
    bare = _MARKER.sub("", sentence).strip()
    return bool(
        not any(character.isalpha() for character in bare)
        or bare.startswith("#")
        or _NO_CLAIM.match(bare)
        or NOT_ANSWERED.rstrip(".") in bare
        or not content_stems(bare)
    )


def _support(sentence: str, cited: Sequence[Evidence]) -> float:
    """Share of the sentence's stems that the cited passages have."""
    stated = set(content_stems(sentence))
    if not stated or not cited:
        return 0.0
    return len(stated & stem_set(_passages(cited))) / len(stated)


def _numbers_stand(sentence: str, cited: Sequence[Evidence]) -> bool:
    """Whether every number of the sentence stands in the cited passages, or the whole of it, word for word.

    The passages' own citation markers are no numbers, but a quoted sentence may hold some.
    """
    passages = _passages(cited)
    if numbers(sentence) <= numbers(passages):
        return True
    return contains(without_brackets(passages), sentence.strip(" -"))


def _passages(cited: Sequence[Evidence]) -> str:
    return " ".join(f"{hit.passage.text} {hit.document.title}" for each in cited for hit in each.hits)


def _note_problems(
    claims: Sequence[Claim], evidence: Sequence[Evidence], verified: dict[int, bool], recorder: Recorder
) -> None:
    if unsupported := sum(not claim.supported for claim in claims):
        noun = "sentence is" if unsupported == 1 else "sentences are"
        recorder.note(f"{unsupported} {noun} not supported by the evidence cited, and marked so.")
    lost = [each.id for each in evidence if not verified[each.id] and each.document.origin == "library"]
    if lost:
        listed = ", ".join(f"[{number}]" for number in lost)
        recorder.note(f"The quote of {listed} was not found on the stored page.")


def _check_quotations(text: str, evidence: Sequence[Evidence], recorder: Recorder) -> None:
    """Notes every quotation in the answer that none of the passages contains."""
    passages = [hit.passage.text for each in evidence for hit in each.hits]
    for quotation in _QUOTED.findall(text):
        if not any(contains(passage, _MARKER.sub("", quotation).strip(" .,;")) for passage in passages):
            recorder.note(f"This quotation in the answer stands in none of the passages: “{quotation[:80]}”")
