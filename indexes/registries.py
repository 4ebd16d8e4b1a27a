"""Asks Crossref or OpenAlex what a paper is called, who wrote it, and whether it was retracted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import quote, urlencode, urlsplit

from indexes.clean import clean_line
from indexes.errors import WebError, WebMissing
from indexes.fetch import fetch
from indexes.readers import front
from indexes.shelf import letters
from indexes.types import Document

__all__ = ["Crossref", "Found", "OpenAlex", "Registry", "RegistryName", "registry_named"]

RegistryName = Literal["crossref", "openalex"]

_SHORTEST_TITLE = 15
"""Letters: "Introduction" is the title of many papers."""
_LONGEST_ABSTRACT = 6_000
_CANDIDATES = 5
_TAG = re.compile(r"</?[A-Za-z][\w:-]{0,30}(?:\s[^<>]{0,200})?/?>")


class Found(NamedTuple):
    """What a registry says of a work."""

    said: dict[str, Any]
    """By the fields of `indexes.types.DESCRIBED`, without what it leaves out."""
    retraction: str
    """A sentence; empty for a work that is not retracted as far as it knows."""


class Registry(Protocol):
    """A registry of works."""

    @property
    def name(self) -> RegistryName:
        """As it stands in the origins of metadata."""
        ...

    @property
    def host(self) -> str:
        """Who gets to see the DOI, or the title and the first author."""
        ...

    def look_up(self, document: Document) -> Found | None:
        """Returns what it says of a document, `None` if it does not know it; blocks.

        Raises:
            WebBlocked: It refuses to answer for now.
            WebError: It cannot be reached, or answers with something else.
        """
        ...


def registry_named(name: RegistryName, *, url: str = "", contact: str = "") -> Registry:
    """Returns a registry.

    Args:
        name: Which.
        url: Of a mirror or a proxy in front of it; by default its own.
        contact: A mail address that both ask for, so that they can tell somebody whose program misbehaves.
    """
    registry = Crossref if name == "crossref" else OpenAlex
    return registry(url, contact=contact)


class Crossref:
    """Crossref (api.crossref.org); knows retractions from Retraction Watch and from publishers."""

    name: RegistryName = "crossref"

    def __init__(self, url: str = "", *, contact: str = "") -> None:
        self._asking = _Asking(url or "https://api.crossref.org", contact)

    @property
    def host(self) -> str:
        """`api.crossref.org`, unless another address was given."""
        return self._asking.host

    def look_up(self, document: Document) -> Found | None:
        """Asks by DOI, else by title and first author; a title has to agree letter by letter."""
        if document.doi:
            answer = self._asking.get(f"/works/{quote(document.doi, safe='')}")
            return None if answer is None else self._found(_object(answer, "message"))
        if (wording := _wording(document)) is None:
            return None
        answer = self._asking.get("/works", {"query.bibliographic": wording, "rows": _CANDIDATES})
        works = _list(_object(answer or {}, "message"), "items")
        return next((self._found(work) for work in works if _is(document, _first(work.get("title")))), None)

    def _found(self, work: Mapping[str, Any]) -> Found:
        people = (
            _line(f"{one.get('given') or ''} {one.get('family') or ''}") or _line(one.get("name"))
            for one in _list(work, "author")
        )
        said = {
            "title": _line(_first(work.get("title"))),
            "authors": front.names(people),
            "year": _year(_list_of_lists(_object(work, "issued"))),
            "doi": front.doi(_line(work.get("DOI"))),
            "venue": _line(_first(work.get("container-title")) or work.get("publisher")),
            "abstract": _abstract(work.get("abstract")),
        }
        notices = (one for one in _list(work, "updated-by") if "retract" in _line(one.get("type")).lower())
        notice = next(notices, None)
        return Found({field: value for field, value in said.items() if value}, _retraction(notice))


class OpenAlex:
    """OpenAlex (api.openalex.org)."""

    name: RegistryName = "openalex"

    def __init__(self, url: str = "", *, contact: str = "") -> None:
        self._asking = _Asking(url or "https://api.openalex.org", contact)

    @property
    def host(self) -> str:
        """`api.openalex.org`, unless another address was given."""
        return self._asking.host

    def look_up(self, document: Document) -> Found | None:
        """Asks by DOI, else by title; a title has to agree letter by letter."""
        doi = document.doi or (f"10.48550/arXiv.{document.arxiv_id}" if document.arxiv_id else "")
        if doi:
            answer = self._asking.get(f"/works/doi:{quote(doi, safe='/')}")
            return None if answer is None else self._found(answer)
        if _wording(document) is None:
            return None
        query = re.sub(r"[^\w\s-]", " ", document.title)
        answer = self._asking.get("/works", {"filter": f"title.search:{query}", "per-page": _CANDIDATES})
        works = _list(answer or {}, "results")
        return next((self._found(work) for work in works if _is(document, work.get("title"))), None)

    def _found(self, work: Mapping[str, Any]) -> Found:
        people = (_line(_object(one, "author").get("display_name")) for one in _list(work, "authorships"))
        said = {
            "title": _line(work.get("title")),
            "authors": front.names(people),
            "year": _year([work.get("publication_year")]),
            "doi": front.doi(_line(work.get("doi"))),
            "venue": _line(_object(_object(work, "primary_location"), "source").get("display_name")),
            "abstract": _inverted(work.get("abstract_inverted_index")),
        }
        retraction = "It was retracted, says OpenAlex." if work.get("is_retracted") is True else ""
        return Found({field: value for field, value in said.items() if value}, retraction)


class _Asking:
    """Requests to one registry; what it answers is checked to be an object."""

    def __init__(self, url: str, contact: str) -> None:
        self._url = url.rstrip("/")
        self._contact = contact

    @property
    def host(self) -> str:
        return urlsplit(self._url).netloc

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The object at a path, `None` where there is nothing."""
        asked = {**(query or {}), **({"mailto": self._contact} if self._contact else {})}
        try:
            content = fetch(f"{self._url}{path}" + (f"?{urlencode(asked)}" if asked else ""))
            answer = json.loads(content)
        except WebMissing:
            return None
        except (ValueError, RecursionError) as error:
            raise WebError(f"{self.host} answered with something that is no JSON.") from error
        if not isinstance(answer, dict):
            raise WebError(f"{self.host} answered with something that describes no works.")
        return answer


def _wording(document: Document) -> str | None:
    """What a work without a DOI is looked for by, `None` where its title may be that of many."""
    if len(letters(document.title)) < _SHORTEST_TITLE:
        return None
    return " ".join([document.title, *document.authors[:1]])


def _is(document: Document, title: object) -> bool:
    return letters(_line(title)) == letters(document.title)


def _retraction(notice: Mapping[str, Any] | None) -> str:
    if notice is None:
        return ""
    year = _year(_list_of_lists(_object(notice, "updated")))
    when = f" in {year}" if year else ""
    doi = front.doi(_line(notice.get("DOI")))
    return f"It was retracted{when}, says Crossref{f' (https://doi.org/{doi})' if doi else ''}."


def _abstract(said: object) -> str:
    """An abstract without the JATS tags that publishers leave in it."""
    return (
        clean_line(_TAG.sub(" ", said[:_LONGEST_ABSTRACT]), limit=_LONGEST_ABSTRACT)
        if isinstance(said, str)
        else ""
    )


def _inverted(index: object) -> str:
    """The text of OpenAlex's index from words to their places."""
    if not isinstance(index, dict):
        return ""
    places = sorted(_places(index))
    return clean_line(" ".join(word for _, word in places), limit=_LONGEST_ABSTRACT)


def _places(index: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    for word, places in index.items():
        for place in places if isinstance(places, list) else ():
            if isinstance(place, int) and 0 <= place < _LONGEST_ABSTRACT:
                yield place, word


def _year(parts: Sequence[Any]) -> int | None:
    year = parts[0] if parts else None
    return year if isinstance(year, int) and 1000 <= year <= 3000 else None


def _list_of_lists(said: Mapping[str, Any]) -> list[Any]:
    """Crossref's first date, as [year, month, day]."""
    dates = said.get("date-parts")
    first = dates[0] if isinstance(dates, list) and dates else None
    return first if isinstance(first, list) else []


def _first(said: object) -> object:
    return (said[0] if said else None) if isinstance(said, list) else said


def _line(said: object) -> str:
    return clean_line(_TAG.sub("", said), limit=400) if isinstance(said, str) else ""


def _object(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _list(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = said.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
