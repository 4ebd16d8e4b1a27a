"""Reads LaTeX: the words of a paper without its commands, with those of the files that it includes."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from indexes.clean import clean_line
from indexes.readers import front
from indexes.readers.beside import Beside
from indexes.readers.block import Block
from indexes.readers.extract import Extract
from indexes.readers.latex_assembly import BODY, Assembly
from indexes.readers.limits import Limits

__all__ = ["read", "words"]

_SET_ASIDE = re.compile("\x01(\\d+)\x01")
_OPTION = r"\*?\s*(?:\[[^\]]{0,300}\]\s*){0,2}(?=\{)"
_SECTION = re.compile(r"\\(?:part|chapter|(?:sub){0,2}section|(?:sub)?paragraph)(?![A-Za-z])" + _OPTION)
_ABSTRACT = re.compile(r"\\begin\s*\{abstract\}|\\abstract(?![A-Za-z])\s*(?=\{)")
_CITATION = re.compile(r"\\[A-Za-z]{0,20}cite[A-Za-z]{0,12}" + _OPTION + r"\{([^{}]*)\}")
_FRONT = tuple(
    "title author affiliation affil address email date orcid correspondingauthor label shorttitle"
    " shortauthors thanks input include subfile includegraphics graphicspath bibliographystyle bibliography"
    " nocite vspace hspace pagestyle thispagestyle".split()
)
_MAKETITLE = re.compile(r"\\(?:maketitle|tableofcontents)(?![A-Za-z])")
_WITH_A_NAME = tuple("thanks affil affiliation inst orcid orcidlink footnote email href url".split())
_AUTHOR_BREAK = re.compile(r"\\(?:and|And|AND)(?![A-Za-z])|\\\\|\n\s*\n")
_SHORTHAND = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand)\*?\s*\{?\\(?P<new>[A-Za-z]+)\}?\s*(?=\{)|\\def\s*\\(?P<old>[A-Za-z]+)\s*(?=\{)"
)
_LONGEST_SHORTHAND = 200
_MOST_GROWTH = 200_000
"""Characters that writing out the author's shorthands may add; a bomb of macros stops here."""
_ENVIRONMENTS = re.compile(r"\\(?:begin|end)\s*\{[^{}]{0,60}\}(?:\[[^\]]{0,200}\])?")
_COMMANDS = re.compile(r"\\[A-Za-z@]+\*?|\\[^A-Za-z]|[{}$~^_&]")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_LONGEST_ARGUMENT = 20_000
_LONGEST_CONVERTED = 200_000
"""Characters of one piece; a longer one is data, and the library would take minutes over it."""


def read(data: bytes, *, name: str, limits: Limits, load: Beside | None = None) -> Extract:
    r"""Returns the paper's words as one page, a block for each heading and for the text under it.

    What `\input` and the like name is read in its place where `load` finds it. Of the macros that the paper
    defines, those without parameters are written out, once.

    Raises:
        Damaged: It is a binary file.
        TooLarge: Its text is over the limit, or it includes too many files.
    """
    limits.check_text(len(data) // 4, name=clean_line(name))
    assembly = Assembly(name=name, load=load, limits=limits)
    source = _written_out(assembly.whole(data))
    found = BODY.search(source)
    return Extract(
        media_type="application/x-latex",
        pages=(tuple(_blocks(found.group(1) if found else source, assembly.listings)),),
        titles=tuple(words(title) for title in _arguments(source, "title")),
        authors=tuple(_people(source)),
        year=next((front.year(words(date)) for date in _arguments(source, "date")), None),
        doi=next((words(doi) for doi in _arguments(source, "doi")), None),
        notes=tuple(assembly.notes),
    )


def _written_out(source: str) -> str:
    r"""`source` with shorthands of its own, as in `\newcommand{\us}{Carrel}`, replaced by what they mean."""
    shorthands: dict[str, str] = {}
    for found in _SHORTHAND.finditer(source):
        stands_for, end = _braced(source, found.end())
        if end < 0:
            break
        if len(stands_for) <= _LONGEST_SHORTHAND and "#" not in stands_for:
            shorthands[found["new"] or found["old"]] = stands_for
    if not shorthands:
        return source
    names = "|".join(sorted(shorthands, key=len, reverse=True))
    used = re.compile(rf"\\({names})(?![A-Za-z@])(?:\{{\}})?")
    growth = sum(len(shorthands[found[1]]) for found in used.finditer(source))
    return source if growth > _MOST_GROWTH else used.sub(lambda found: shorthands[found[1]], source)


def _blocks(body: str, listings: Sequence[str]) -> Iterator[Block]:
    """The body divided at headings and listings; each piece is converted alone: one spoils no other."""
    for index, piece in enumerate(_SET_ASIDE.split(body)):
        if index % 2:
            yield Block(listings[int(piece)])
        else:
            yield from _sections(piece)


def _sections(source: str) -> Iterator[Block]:
    start = 0
    for found in _SECTION.finditer(source):
        if found.start() < start:
            continue
        heading, end = _braced(source, found.end())
        if end < 0:
            break
        yield from _abstract_and_text(source[start : found.start()])
        yield Block(words(heading), heading=True)
        start = end
    yield from _abstract_and_text(source[start:])


def _abstract_and_text(source: str) -> Iterator[Block]:
    if found := _ABSTRACT.search(source):
        yield Block(_text(source[: found.start()]))
        yield Block("Abstract", heading=True)
        source = source[found.end() :]
    yield Block(_text(source))


def _arguments(source: str, macro: str) -> Iterator[str]:
    r"""What stands in the braces of each `\macro[...]{...}`, up to the first that never ends."""
    for found in _uses((macro,)).finditer(source):
        argument, end = _braced(source, found.end())
        if end < 0:
            return
        yield argument


@cache
def _uses(macros: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\\(?:{'|'.join(macros)})(?![A-Za-z]){_OPTION}")


def _braced(source: str, start: int) -> tuple[str, int]:
    """What the brace at `start` encloses, and the offset after its end; -1 where it does not end soon."""
    depth = 0
    for found in _BRACES.finditer(source, start, start + _LONGEST_ARGUMENT):
        depth += {"{": 1, "}": -1}.get(found.group(), 0)
        if depth == 0:
            return source[start + 1 : found.start()], found.end()
    return "", -1


def _without(source: str, macros: tuple[str, ...]) -> str:
    """`source` without these macros and what stands in their braces, up to one that never ends."""
    kept: list[str] = []
    start = 0
    for found in _uses(macros).finditer(source):
        if found.start() < start:
            continue
        _, end = _braced(source, found.end())
        if end < 0:
            break
        kept.append(source[start : found.start()])
        start = end
    return "".join(kept) + source[start:]


def _people(source: str) -> Iterator[str]:
    for author in _arguments(source, "author"):
        for person in _AUTHOR_BREAK.split(_without(author, _WITH_A_NAME)):
            if (name := words(person)) and "@" not in name:
                yield from front.split_names(name)


def words(source: str) -> str:
    """Returns LaTeX source as readable text on one line."""
    return " ".join(_text(source).split())


def _text(source: str) -> str:
    """`source` as readable text; where the library cannot follow, paragraph by paragraph, then by force."""
    source = _CITATION.sub(r"[\1]", _MAKETITLE.sub("", _without(source, _FRONT)))
    whole = _converted(source)
    if whole is None:
        whole = "\n\n".join(_converted(part) or _stripped(part) for part in re.split(r"\n[ \t]*\n", source))
    return _squeezed(whole.split("\n"))


def _squeezed(lines: Iterable[str]) -> str:
    return "\n".join(" ".join(line.split()) for line in lines)


def _converted(source: str) -> str | None:
    from pylatexenc.latexwalker import LatexWalkerError

    if len(source) > _LONGEST_CONVERTED:
        return None
    try:
        return str(_converter().latex_to_text(source))
    except (LatexWalkerError, RecursionError, ValueError, LookupError, AttributeError, TypeError):
        return None  # the library's ways of meeting source that TeX itself would refuse


def _stripped(source: str) -> str:
    return _COMMANDS.sub(" ", _ENVIRONMENTS.sub("\n", source))


@cache
def _converter() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text

    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
    return LatexNodes2Text(math_mode="text", keep_comments=False, strict_latex_spaces=False)
