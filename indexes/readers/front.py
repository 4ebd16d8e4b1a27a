"""Title, authors, year and DOI, from what a file says about itself and from its first page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from indexes.clean import clean_line

__all__ = [
    "arxiv_id",
    "best_title",
    "doi",
    "looks_like_title",
    "names",
    "publication_year",
    "split_names",
    "venue",
    "without_identifiers",
    "year",
]

_NOT_A_TITLE = re.compile(
    r"^(?:untitled|no title|title|document\d*|paper|manuscript|article|abstract|contents|introduction"
    r"|layout \d+|slide \d+|microsoft \w+ - .*|powerpoint presentation|pii: .*|\(anonymous\)|anonymous)$"
    r"|\.(?:docx?|odt|rtf|pdf|tex|dvi|ps|eps|indd|qxd|fm|pages|pptx?|xlsx?)$",
    re.IGNORECASE,
)
_FURNITURE = re.compile(
    r"https?://|www\.|\bdoi\b|10\.\d{4,9}/|\barxiv\s*:|\bissn\b|\bvol(?:ume|\.)\s*\d|\bno\.\s*\d|©|\bcopyright\b"
    r"|^(?:page|published|received|accepted|submitted|preprint|proceedings of|journal of|research article)\b"
    r"|^\W*\d{1,2}[ ./-](?:\d{1,2}|[a-z]{3,9})[ ./-]\d{4}\W*$|^[a-z]{3,9} (?:\d{1,2}, )?\d{4}$|@\w+\.\w",
    re.IGNORECASE,
)
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>{}|\\^`]{1,200}", re.IGNORECASE)
_DOI_SAID = re.compile(r"(?:\bdoi\b|doi\.org)[\s:./]{0,4}(?:https?://(?:dx\.)?doi\.org/)?$", re.IGNORECASE)
_ARXIV = re.compile(
    r"(?:\barxiv(?:\.org/(?:abs|pdf)/|\s*[:.]\s*)|10\.48550/arxiv\.)"
    r"(\d{4}\.\d{4,5}|[a-z-]{2,12}(?:\.[a-z]{2})?/\d{7})(?!\d)",
    re.IGNORECASE,
)
_ARXIV_ALONE = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]{2,12}(?:\.[a-z]{2})?/\d{7})(?:v\d+)?", re.IGNORECASE)
_VENUE = re.compile(
    r"^\W*((?:The )?(?:[A-Z][\w&’'-]+ ){0,4}"
    r"(?:Journal|Proceedings|Transactions|Annals|Archives|Advances|Letters)"
    r"(?: (?:of|on|in|for) [^\n,;:.()\d|]{3,80}| ?[A-Z][^\n,;:.()\d|]{0,60})?)",
    re.MULTILINE,
)
_YEAR = r"(19[5-9]\d|20\d\d)"
_PUBLICATION = (
    re.compile(rf"(?:^\W*published|\bpublished(?: online)?:)[^\n]{{0,40}}?\b{_YEAR}\b", re.I | re.M),
    re.compile(rf"(?:©|\(c\)|\bcopyright\b)[^\n]{{0,30}}?\b{_YEAR}\b", re.IGNORECASE),
    re.compile(rf"\barxiv:[^\n]{{0,60}}?\b{_YEAR}\b", re.IGNORECASE),
)
_MENTIONS = (
    re.compile(
        rf"\b(?:accepted|received|dated?|proceedings|conference)\b[^\n]{{0,40}}?\b{_YEAR}\b", re.IGNORECASE
    ),
    re.compile(rf"\({_YEAR}\)"),
    re.compile(rf"\b{_YEAR}\b"),
)
_ET_AL = re.compile(r",?\s*\bet\.?\s+al\b\.?\s*$", re.IGNORECASE)
_AND = re.compile(r"\s+(?:and|&)\s+|^and\s+", re.IGNORECASE)
_SEARCHED = 6000


def best_title(candidates: Iterable[str], *, stem: str) -> str:
    """Returns the first candidate that looks like a title, else `stem`, the file's name without suffix."""
    for candidate in candidates:
        line = clean_line(candidate)
        if looks_like_title(line):
            return line
    return stem


def looks_like_title(line: str) -> bool:
    """Whether `line` is no date, address, running head, file name or program's default."""
    letters = sum(character.isalpha() for character in line)
    if letters < 4 or letters < len(line) / 3:
        return False
    if " " not in line and re.search(r"[_/\\]|\d{3}", line):
        return False  # a file name, an identifier
    return not (_NOT_A_TITLE.search(line) or _FURNITURE.search(line))


def split_names(field: str) -> tuple[str, ...]:
    """Returns the people named in one metadata field, separated by `;`, `,` or "and".

    "Curie, Marie; Curie, Pierre" is two people: where a semicolon separates, a comma turns a name round.
    """
    field = _ET_AL.sub("", clean_line(field, limit=20_000))
    if ";" in field:
        return tuple(_turned(name) for name in field.split(";"))
    people = _AND.split(field)
    if len(people) > 1 and all(name.count(",") == 1 and name.index(",") > 0 for name in people):
        return tuple(_turned(name) for name in people)
    return tuple(part for name in people for part in name.split(","))


def _turned(name: str) -> str:
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}" if comma else name


def names(people: Iterable[str]) -> tuple[str, ...]:
    """Returns `people` on one clean line each, without empty, repeated or impossible ones, at most 500."""
    seen: dict[str, None] = {}
    for person in people:
        name = clean_line(person, limit=200).strip(" ,;*†‡§¶")
        if any(character.isalpha() for character in name) and not _NOT_A_TITLE.search(name):
            seen.setdefault(name)
    return tuple(seen)[:500]


def doi(text: str) -> str | None:
    """Returns the DOI that `text` announces as its own ("doi: 10..."), else the first one, else nothing."""
    found = list(_DOI.finditer(text[:_SEARCHED]))
    said = [match for match in found if _DOI_SAID.search(text[max(0, match.start() - 40) : match.start()])]
    return _trimmed((said or found)[0].group()) if found else None


def arxiv_id(text: str, *, alone: bool = False) -> str | None:
    """Returns the first arXiv identifier that `text` names as one, without its version.

    Args:
        text: Where to look.
        alone: `text` is the field of an identifier, which needs no "arXiv:" before it.
    """
    found = _ARXIV.search(text[:_SEARCHED]) or (_ARXIV_ALONE.fullmatch(text.strip()) if alone else None)
    return found[1] if found else None


def venue(text: str) -> str:
    """Returns the journal or the proceedings that a line of `text` begins with."""
    found = _VENUE.search(text[:_SEARCHED])
    said = clean_line(found[1]) if found else ""
    return said if " " in said else ""


def without_identifiers(text: str) -> str:
    """Returns `text` without DOIs, arXiv identifiers and addresses, whose digits are no years."""
    return re.sub(r"https?://\S+", " ", _DOI.sub(" ", _ARXIV.sub(" ", text)))


def _trimmed(identifier: str) -> str:
    identifier = clean_line(identifier).rstrip(".,;:'’”)]*")
    return identifier + ")" if identifier.count("(") > identifier.count(")") else identifier


def publication_year(text: str) -> int | None:
    """Returns the year in which `text` says it was published."""
    return _year(text, _PUBLICATION)


def year(text: str) -> int | None:
    """Returns the year in which `text` says it was published, else the first plausible one it names."""
    return _year(text, _PUBLICATION + _MENTIONS)


def _year(text: str, patterns: Iterable[re.Pattern[str]]) -> int | None:
    latest = datetime.now(tz=UTC).year + 1
    for pattern in patterns:
        for match in pattern.finditer(text[:_SEARCHED]):
            if int(match.group(1)) <= latest:
                return int(match.group(1))
    return None
