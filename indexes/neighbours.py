"""Several passages of one paper: at most a few among the hits, and those that touch made one stretch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from indexes.types import Hit, Part, Passage

__all__ = ["PER_DOCUMENT", "PageText", "at_most", "few", "joined"]

PER_DOCUMENT = 4
"""Passages of one document that a search shows before another document's: enough to judge a paper by, and a
long one that says the same on every page leaves room for the rest."""

_WIDEST_GAP = 40
"""Characters of white space between two passages that still touch: an empty line, an indent."""

PageText = Callable[[str, int], Awaitable[str]]
"""Returns the text of a document's page, by the document's id and the page's number from 1."""


def at_most(hits: Iterable[Hit], per_document: int | None) -> list[Hit]:
    """Returns the hits, no more than `per_document` of one document before all others have had their turn.

    Of what stands before a paper's abstract, names and addresses, one passage may come along; it takes the
    place of no finding, but where one hit of each document is wanted.
    Nothing is lost: what is over stands behind the rest, so that one paper alone still fills a list.

    Args:
        hits: Best first.
        per_document: At least 1; `None` leaves the order as it is.
    """
    if per_document is None:
        return list(hits)
    seen: Counter[str] = Counter()
    front: set[str] = set()
    first: list[Hit] = []
    over: list[Hit] = []
    for hit in hits:
        id, is_front = hit.document.id, hit.passage.part == "front"
        if is_front and per_document > 1:
            (over if id in front else first).append(hit)
            front.add(id)
        elif seen[id] >= per_document:
            over.append(hit)
        else:
            first.append(hit)
            seen[id] += 1
    return first + over


def few(hits: Sequence[Hit], limit: int) -> list[Hit]:
    """Returns the first `limit` of one document's hits, beside one from before its abstract, as `at_most`."""
    chosen = at_most(hits, limit)
    one_more = limit > 1 and any(hit.passage.part == "front" for hit in chosen[: limit + 1])
    return chosen[: limit + one_more]


async def joined(hits: Iterable[Hit], page_text: PageText) -> list[Hit]:
    """Returns the hits with those whose passages touch on one page as one, in the place of the best of them.

    Passages touch when they overlap or nothing but white space stands between them, and both are of the same
    part: a title page stays apart from the abstract under it. The passage of a joined hit has its text as it
    stands on the page, `<document id>:<first>-<last>` for an id, and the heading of its beginning; score,
    rank and retriever are the best one's.

    Args:
        hits: Best first.
        page_text: Asked only where there is something between two passages.
    """
    pages: dict[tuple[str, int, Part], list[_Placed]] = {}
    for place, hit in enumerate(hits):
        passage = hit.passage
        pages.setdefault((passage.document_id, passage.page, passage.part), []).append(_Placed(place, hit))
    stretches = [each for on_page in pages.values() for each in await _joined(on_page, page_text)]
    return [each.hit for each in sorted(stretches, key=lambda each: each.place)]


class _Placed(NamedTuple):
    """A hit, and its place among all of them."""

    place: int
    hit: Hit


async def _joined(hits: Iterable[_Placed], page_text: PageText) -> list[_Placed]:
    """The hits of one part of one page, those that touch as one."""
    stretches: list[_Placed] = []
    for placed in hits:
        grown, touching, others = placed.hit, list[_Placed](), stretches
        # What is joined may touch what its parts did not.
        while found := [each for each in others if await _touch(each.hit, grown, page_text)]:
            for each in found:
                grown = await _one(each.hit, grown, page_text)
            touching += found
            others = [each for each in others if each not in found]
        if not touching:
            stretches = [*stretches, placed]
            continue
        best = min(touching, key=lambda each: each.place)
        whole = _Placed(best.place, best.hit.model_copy(update={"passage": grown.passage}))
        stretches = [
            whole if each is best else each for each in stretches if each is best or each not in touching
        ]
    return stretches


async def _touch(one: Hit, other: Hit, page_text: PageText) -> bool:
    """Whether two passages of one part of one page do."""
    first, second = _in_order(one.passage, other.passage)
    gap = second.start - first.end
    if gap <= 0 or gap > _WIDEST_GAP:
        return gap <= 0
    return _gap(first, second, await page_text(first.document_id, first.page)) is not None


async def _one(one: Hit, other: Hit, page_text: PageText) -> Hit:
    """Two hits that touch, as a hit whose passage holds both."""
    first, second = _in_order(one.passage, other.passage)
    between = ""
    if second.start > first.end:
        between = _gap(first, second, await page_text(first.document_id, first.page)) or ""
    text = first.text + between + second.text[max(0, first.end - second.start) :]
    whole = first.model_copy(
        update={"id": _id(first, second), "text": text, "end": max(first.end, second.end)}
    )
    return one.model_copy(update={"passage": whole})


def _in_order(one: Passage, other: Passage) -> tuple[Passage, Passage]:
    return (one, other) if (one.start, -one.end) <= (other.start, -other.end) else (other, one)


def _gap(first: Passage, second: Passage, page: str) -> str | None:
    """The white space between two passages as the page has it; `None` where there is more than that."""
    length = second.start - first.end
    at = page.find(first.text)
    while at >= 0:
        between = page[at + len(first.text) :][:length]
        if page.startswith(second.text, at + len(first.text) + length):
            return between if not between.strip() else None
        at = page.find(first.text, at + 1)
    return None


def _id(first: Passage, second: Passage) -> str:
    """Names the ordinals from the first to the last that are joined."""
    ends = [passage.id.rpartition(":")[2].split("-") for passage in (first, second)]
    if ends[0] == ends[1]:
        return first.id
    last = max(ends[0][-1], ends[1][-1], key=lambda ordinal: (len(ordinal), ordinal))
    return f"{first.document_id}:{ends[0][0]}-{last}"
