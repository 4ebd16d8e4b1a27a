"""The library's metadata as a file of references: BibTeX, RIS, CSL-JSON or CSV, every character escaped."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from indexes.clean import clean_line
from indexes.errors import CarrelError, OutputExists
from indexes.holdings import Holding

__all__ = ["FORMATS", "ReferenceFormat", "references_of", "write_new"]

ReferenceFormat = Literal["bibtex", "ris", "csl-json", "csv"]
FORMATS: tuple[ReferenceFormat, ...] = get_args(ReferenceFormat)

_COLUMNS = (
    *("id", "title", "authors", "year", "venue", "doi", "arxiv_id", "retraction"),
    *("collection", "source", "media_type", "page_count"),
)
_SMALL_WORDS = frozenset("a an and are as at by for from in is of on or the to with".split())
_PARTICLES = frozenset("al bin da das de del della den der di dos du el la le ten ter van von zu".split())
_BIBTEX = {
    "\\": r"\textbackslash{}",
    # An escaped brace would still be counted by BibTeX when it looks for the field's end.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{sign: "\\" + sign for sign in "$&#%_"},
}


def references_of(holdings: Sequence[Holding], form: ReferenceFormat) -> str:
    """Returns the papers' metadata, in their order; ends with a line end unless there is nothing."""
    writers: dict[ReferenceFormat, Callable[[Sequence[Holding]], str]] = {
        "bibtex": _bibtex,
        "ris": _ris,
        "csl-json": _csl,
        "csv": _csv,
    }
    return writers[form](holdings)


def write_new(path: Path, text: str, *, force: bool = False) -> None:
    """Writes a file whole or not at all; one that is there already stays, unless `force` is set.

    Raises:
        OutputExists: There is a file of that name.
        CarrelError: It cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(beside, path, force=force)
    except FileExistsError as error:
        raise OutputExists(f"There is a file {clean_line(str(path))!r} already.") from error
    except OSError as error:
        reason = f"{error.strerror or error}"
        raise CarrelError(f"{clean_line(str(path))!r} cannot be written: {reason}.") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _put_in_place(beside: Path, path: Path, *, force: bool) -> None:
    if not force:
        try:
            # Unlike a look before writing, a link fails also when another program was faster.
            return os.link(beside, path)
        except FileExistsError:
            raise
        except OSError as error:  # a disk without links
            if path.exists():
                raise FileExistsError(path) from error
    beside.replace(path)
    return None


class _Name(NamedTuple):
    family: str
    given: str
    """Empty for one who goes by a single name, and for an institution."""

    @property
    def turned(self) -> str:
        return f"{self.family}, {self.given}" if self.given else self.family


def _name(author: str) -> _Name:
    """Divides "Jan van der Berg" before "van": the family's name is the last word with what belongs to it."""
    words = clean_line(author).split()
    start = max(0, len(words) - 1)
    while start > 1 and words[start - 1].lower() in _PARTICLES:
        start -= 1
    return _Name(" ".join(words[start:]), " ".join(words[:start]))


# BibTeX


def _bibtex(holdings: Sequence[Holding]) -> str:
    keys = _keys(holdings)
    return "\n".join(_bibtex_entry(holding, key) for holding, key in zip(holdings, keys, strict=True))


def _bibtex_entry(holding: Holding, key: str) -> str:
    document = holding.document
    fields = {
        # The second pair of braces keeps its capitals.
        "title": f"{{{_bibtex_text(document.title)}}}",
        "author": " and ".join(_bibtex_person(author) for author in document.authors),
        "year": str(document.year or ""),
        "journal": _bibtex_text(document.venue),
        "doi": _plain_identifier(document.doi),
        "eprint": _plain_identifier(document.arxiv_id),
        "archiveprefix": "arXiv" if document.arxiv_id else "",
        "abstract": _bibtex_text(holding.details.abstract, 20_000),
        "file": _bibtex_file(document.source),
    }
    said = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value.strip("{}"))
    return f"@{'article' if document.doi or document.venue else 'misc'}{{{key},\n{said}}}\n"


def _bibtex_person(author: str) -> str:
    name = clean_line(author)
    # BibTeX divides names at "and" and at commas, but not inside braces.
    institution = re.search(r"\band\b|,|&", name, re.IGNORECASE)
    return f"{{{_bibtex_text(name)}}}" if institution else _bibtex_text(_name(name).turned)


def _bibtex_text(text: str, limit: int = 2000) -> str:
    return "".join(_BIBTEX.get(sign, sign) for sign in clean_line(text, limit))


def _bibtex_file(source: str) -> str:
    """As JabRef writes it; nothing for a path with a brace, which no program could read back."""
    path = clean_line(source, 2000)
    escaped = re.sub(r"([\\:;])", r"\\\1", path)
    return "" if set("{}") & set(path) else f":{escaped}:"


def _keys(holdings: Sequence[Holding]) -> list[str]:
    """Family name, year and the title's first telling word; letters count up where that is not enough."""
    used: set[str] = set()
    keys: list[str] = []
    for holding in holdings:
        document = holding.document
        family = _name(document.authors[0]).family if document.authors else "anonymous"
        words = (word for word in _ascii(document.title).split() if word not in _SMALL_WORDS)
        stem = f"{_ascii(family).replace(' ', '') or 'anonymous'}{document.year or ''}{next(words, '')}"
        key = next(key for key in (stem + ending for ending in _endings()) if key not in used)
        used.add(key)
        keys.append(key)
    return keys


def _endings() -> Iterable[str]:
    yield ""
    number = 2
    while True:
        yield f"-{number}"
        number += 1


def _ascii(text: str) -> str:
    """Lower-case letters and digits of the basic alphabet, and spaces."""
    plain = unicodedata.normalize("NFKD", clean_line(text)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", " ", plain.replace("'", "")).strip()


def _plain_identifier(identifier: str | None) -> str:
    """A DOI holds none of these unless somebody means harm."""
    return re.sub(r"[\s{}\\\"<>]", "", clean_line(identifier or ""))


# RIS


def _ris(holdings: Sequence[Holding]) -> str:
    return "".join(_ris_entry(holding) for holding in holdings)


def _ris_entry(holding: Holding) -> str:
    document = holding.document
    lines = [
        ("TY", "JOUR" if document.doi else "GEN"),
        ("TI", document.title),
        *(("AU", _name(author).turned) for author in document.authors),
        ("PY", str(document.year or "")),
        ("T2", document.venue),
        ("DO", _plain_identifier(document.doi)),
        ("UR", f"https://arxiv.org/abs/{_plain_identifier(document.arxiv_id)}" if document.arxiv_id else ""),
        ("AB", holding.details.abstract),
        ("L1", document.source),
    ]
    # One value a line: a line end inside a value would begin a tag of its own.
    said = [f"{tag}  - {clean_line(value, 20_000)}" for tag, value in lines if value]
    return "\r\n".join([*said, "ER  - ", "", ""])


# CSL-JSON


def _csl(holdings: Sequence[Holding]) -> str:
    items = [_csl_item(holding, key) for holding, key in zip(holdings, _keys(holdings), strict=True)]
    return json.dumps(items, ensure_ascii=False, indent=1) + "\n"


def _csl_item(holding: Holding, key: str) -> dict[str, Any]:
    document = holding.document
    item: dict[str, Any] = {
        "id": key,
        "type": "article-journal" if document.doi else "document",
        "title": clean_line(document.title, 2000),
        "author": [_csl_person(author) for author in document.authors],
    }
    if document.year:
        item["issued"] = {"date-parts": [[document.year]]}
    said = {
        "container-title": clean_line(document.venue, 2000),
        "DOI": _plain_identifier(document.doi),
        "abstract": clean_line(holding.details.abstract, 20_000),
        "URL": f"https://arxiv.org/abs/{_plain_identifier(document.arxiv_id)}" if document.arxiv_id else "",
    }
    return item | {name: value for name, value in said.items() if value}


def _csl_person(author: str) -> dict[str, str]:
    name = _name(author)
    return {"family": name.family, "given": name.given} if name.given else {"literal": name.family}


# CSV


def _csv(holdings: Sequence[Holding]) -> str:
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(_COLUMNS)
    for holding in holdings:
        document = holding.document
        fields = document.model_dump() | {"authors": "; ".join(document.authors)}
        rows.writerow([_cell(fields[column]) for column in _COLUMNS])
    return table.getvalue()


def _cell(value: object) -> str:
    """A cell as text: a spreadsheet would compute what begins like a formula."""
    text = clean_line("" if value is None else str(value), 5000)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
