"""Names of people out of the lines under a title: without marks, degrees, addresses and institutions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["MARK", "is_name", "is_place", "people", "person_share"]

MARK = "\x1f"
"""Stands where the letters are raised: a footnote's number ends a name as a comma does."""

_PARTICLES = frozenset(
    "al ap af av da das de dei del della den der des di dos du e el la le lo 't ten ter und van vande vom"
    " von y zu zum zur bin ibn ben abu st st. san santa".split()
)
_INSTITUTION_WORDS = (
    r"univ universi\w* department departamento dept dept\. dep\. d[ée]partement institut\w* labs?"
    r" laborator\w* facult\w* school college hospital clinic\w* centers? centres? centro academy division"
    r" unit section research sciences? studies technolog\w* engineering physics chemistry biology medicine"
    r" mathematics statistics informatics psychology computer computing software national international"
    r" ministry agency foundation council association society museum observatory program(?:me)? inc ltd llc"
    r" gmbh corp\w* company road avenue ave boulevard p\.?o box\s\d+ floor building campus"
).split()
_PLACE_WORDS = (
    r"county state states kingdom republic usa uk new\s(?:york|zealand|delhi|jersey|haven|orleans|south)"
    r" south\s(?:korea|africa) hong\skong saudi\sarabia costa\srica san\s(?:francisco|diego|jose|antonio)"
    r" los\sangeles las\svegas ann\sarbor st\.?\slouis salt\slake great\sbritain united\sarab"
    r" north(?:ern)?\s(?:carolina|ireland|dakota) santa\s(?:barbara|cruz) palo\salto stony\sbrook"
    r" buenos\saires rio\sde\sjaneiro s[ãa]o\spaulo tel\saviv"
).split()
_TITLE_PAGE_WORDS = (
    r"e-?mails? tel fax phone corresponding correspondence authors? affiliations? editors? reviewers? edited"
    r" reviewed received accepted published submitted revised available online doi arxiv issn https? journal"
    r" proceedings conference workshop volume vol article paper letter preprint copyright rights reserved"
    r" license licence creative commons open access abstract summary introduction keywords? contents figure"
    r" table appendix january february october november december monday"
).split()
_PLACE = re.compile(
    rf"(?<![-\w])(?:{'|'.join(_INSTITUTION_WORDS + _PLACE_WORDS + _TITLE_PAGE_WORDS)})(?![-\w])",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b(?:Univ\w*|Departe?a?mento?|Dept\.?|Instituto?e?s?|Laborator(?:y|ies|ium)|Facult\w+|School of|College"
    r"|Hospital|Centr[eo] (?:for|of|de)|Center (?:for|of)|Academy of|USA|UK|GmbH|Inc\.?|Ltd\.?)\b"
)
_FUNCTION_WORD = re.compile(
    r"(?<![-\w])(?:[Tt]he|[Ff]or|[Ww]ith|[Ff]rom|[Tt]his|[Tt]hat|[Tt]hese|[Ww]hich|our|[Ww]e|[Aa]re|is|was|were"
    r"|has|have|been|not|by|as|at|on|in|of|to|an|or|[Uu]sing|[Bb]ased|into|its|their|than|via|over|[Uu]nder"
    r"|[Bb]etween|[Ww]ithin|[Hh]ow|[Ww]hat|[Ww]hy)(?![-\w])"
)
_GROUP = re.compile(
    r"\b(?:consortium|collaboration|team|group|network|initiative|investigators)$", re.IGNORECASE
)
_DEGREES = (
    r"ph\.?\s?d m\.?\s?d m\.?\s?sc b\.?\s?sc m\.?\s?p\.?h d\.?\s?phil m\.?\s?phil dr\.?\s?ing d\.?\s?sc"
    r" sc\.?\s?d pharm\.?\s?d d\.?v\.?m m\.?\s?a m\.?\s?s b\.?\s?a b\.?\s?s m\.?\s?eng b\.?\s?eng j\.?\s?d"
    r" ed\.?\s?d psy\.?\s?d"
    r" m\.?\s?b\.?\s?b\.?\s?s (?:(?:senior|student|life)\s)?member fellow"
    r" (?:(?:associate|assistant)\s)?professor lecturer"
).split()
_OTHER_LETTERS = r"(?-i:[A-Z][a-z]?[A-Z]{1,4}|M[A-Z][a-z]{2,3}|[A-Z]{2,4}c)"
"""Such as FRCS, ScM or MRes, which are degrees where they stand between commas."""
_DEGREE = re.compile(
    rf"(?:(?<![\w.])(?:{'|'.join(_DEGREES)})\.?|(?<=,)\s*{_OTHER_LETTERS})(?=\s*(?:[,;{MARK}(]|$))",
    re.IGNORECASE,
)
_HONORIFIC = re.compile(
    r"^(?:(?:dr|prof|mr|mrs|ms|professor|sir|dipl|ing|by|and|authors?\s?:)\.?\s+)+", re.IGNORECASE
)
_SUFFIX = re.compile(r"^(?:jr|sr|ii|iii|iv)\.?$", re.IGNORECASE)
_EMAIL = re.compile(
    r"\{[^}]{1,200}\}\s*@\s*[\w.-]+|[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+|https?://\S+|orcid\S*"
    r"|\b\d{4}-\d{4}-\d{4}-\d{3}[\dX]\b",
    re.IGNORECASE,
)
_ICON = re.compile(r"(?<=[^\W\d_A-Z])ID(?!\w)|(?<![\w.])(?:id|iD|ID)(?![\w.-])|[\ue000-\uf8ff]")
_IN_BRACKETS = re.compile(r"\([^()]{0,200}\)|\[[^\[\]]{0,60}\]")
_MARKS = re.compile(rf"[{MARK}\d*†‡§¶#∗⋆★✉✝+^~¹²³⁰-₟‖∥⊥◦♯♦♠✩]+(?:\s*[,;]?\s*[{MARK}\d*†‡§¶#∗⋆★✉+^]+)*")
_SEPARATOR = re.compile(
    r"[,;&·•|⋅∙/\t]\s*(?:and\b)?|\s(?:and|und|et|AND|And|ET|with)\s+(?=[^\W\d_a-z])|(?:^|\s)(?:and|und|et|AND|And|ET)\s*$"
    r"|^\s*(?:and|und|AND|And)\s|\s+[–—-]\s+"
)
_INVERTED = re.compile(r"[^,;]+,[^,;]+(?:;[^,;]+,[^,;]+)+")
"""Family, given; family, given."""
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[.'’`´-])*\.?")
_GLUED = re.compile(r"(?<![\w.])((?:[^\W\d_]{1,2}\.){1,3}(?:-[^\W\d_]\.)?)(?=[^\W\d_]{2})")
_AROUND = " :'’`´-–—_=<>{}"
_INITIALS = re.compile(r"(?:[^\W\d_]\.?[-\s]?){1,3}")


def people(lines: Sequence[str]) -> tuple[str, ...]:
    """Returns the people whom the lines name, in order, each as "Given Family".

    Args:
        lines: Lines of a title page, raised letters replaced by `MARK`.
    """
    found: list[str] = []
    for piece in _pieces(_joined(lines)):
        if _SUFFIX.fullmatch(piece) and found:
            found[-1] = f"{found[-1]} {piece}"
        elif is_name(piece) or _GROUP.search(piece):
            found.append(piece)
    return tuple(dict.fromkeys(_settled(name) for name in found))


def person_share(line: str) -> float:
    """Returns which part of a line's pieces are people, from 0 to 1."""
    pieces = [piece for piece in _pieces([line]) if not _SUFFIX.fullmatch(piece)]
    return sum(map(is_name, pieces)) / len(pieces) if pieces else 0.0


def is_place(words: str) -> bool:
    """Whether words belong to an address: an institution, a department, a country."""
    return _ADDRESS.search(words) is not None


def is_name(piece: str) -> bool:
    """Whether a piece between two separators reads as one person's name."""
    words = piece.split()
    if not 2 <= len(words) <= 7 or len(piece) > 60 or _PLACE.search(piece) or _FUNCTION_WORD.search(piece):
        return False
    if any(_WORD.fullmatch(word) is None for word in words):
        return False
    told = [word for word in words if word not in _PARTICLES]
    whole = [word for word in told if sum(character.isalpha() for character in word) > 1]
    if not whole or len(told) < 2:
        return False
    return all(word[0].isupper() or not word[0].islower() or "-" in word for word in told)


def _settled(name: str) -> str:
    """A name that stands in capitals, or with its initials last, is written as names are."""
    words = name.split()
    if _GROUP.search(name):
        return name
    if len(words[-1].rstrip(".")) == 1 and len(words[0]) > 2:
        first = next(n for n, word in enumerate(words) if len(word.rstrip(".")) == 1)
        words = words[first:] + words[:first]
        name = " ".join(words)
    if _capitals(words[0]) and not any(map(_capitals, words[1:])):
        words = [*words[1:], words[0]]  # CURIE Marie
    return " ".join(word.title() if _capitals(word) else word for word in words)


def _capitals(word: str) -> bool:
    return len(word) > 2 and "." not in word and word.isupper()


def _joined(lines: Iterable[str]) -> list[str]:
    """Lines that end within a name are joined with the next; the others stay apart."""
    joined: list[str] = []
    for line in lines:
        if joined and _goes_on(joined[-1], line):
            joined[-1] = f"{joined[-1]} {line}"
        else:
            joined.append(line)
    return joined


def _goes_on(line: str, following: str) -> bool:
    if re.search(r"(?:[,;&·]|\b(?:and|AND))\s*$", line):
        return False  # a separator does what the line's end would
    if re.search(rf"[{MARK}*†‡§¶∗\d]\s*$", line):
        return False
    last = list(_pieces([line]))[-1:]
    first = list(_pieces([following]))[:1]
    if not last or not first:
        return False
    before, after = last[0].split(), first[0].split()
    if before[-1].lower() in _PARTICLES or (before[-1].endswith(".") and len(before[-1]) <= 3):
        return True
    return (len(before) == 1 or len(after) == 1) and not _PLACE.search(f"{last[0]} {first[0]}")


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        text = _EMAIL.sub(", ", line)
        text = _IN_BRACKETS.sub(MARK, text)
        text = _ICON.sub(MARK, text)
        if not text.isupper():
            text = _DEGREE.sub(MARK, text)
        text = _MARKS.sub(",", text)
        parts = [
            " ".join(part.split()).strip(" .:'’`´-–—_=<>")
            if not re.search(r"\b[^\W\d_]\.$", part.strip())
            else " ".join(part.split()).strip(" :'’`´-–—_=<>")
            for part in _SEPARATOR.split(f"{text} ")
        ]
        text = _GLUED.sub(r"\1 ", text)
        parts = [_trimmed(part) for part in _SEPARATOR.split(f"{text} ")]
        if _INVERTED.fullmatch(text.strip(" ,;")):
            turned = (one.partition(",") for one in text.split(";"))
            parts = [" ".join(f"{given.strip(' ,')} {family.strip()}".split()) for family, _, given in turned]
        yield from _turned([_HONORIFIC.sub("", part) for part in parts if part])


def _trimmed(piece: str) -> str:
    piece = " ".join(piece.split())
    initial = re.search(r"\b[^\W\d_]\.$", piece)
    return piece.strip(_AROUND if initial else f"{_AROUND}.")


def _turned(parts: Sequence[str]) -> Iterator[str]:
    """Turns "Curie, M., Curie, P." round where every other piece is initials."""
    parts = [part for part in parts if part]
    families, given = parts[0::2], parts[1::2]
    turned = (
        len(parts) >= 2
        and len(parts) % 2 == 0
        and all(_INITIALS.fullmatch(one) for one in given)
        and not any(_INITIALS.fullmatch(one) for one in families)
    )
    if turned:
        yield from (f"{first} {family}" for family, first in zip(families, given, strict=True))
    else:
        yield from parts
