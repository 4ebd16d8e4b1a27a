"""Opens a paper's file or an address with the person's own programs, and says what came of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from assistant.viewers import opening_of, opening_of_address, start
from tui.safe import shown_line

if TYPE_CHECKING:
    from assistant.events import Document
    from assistant.viewers import Opening

__all__ = ["Opened", "Place", "address_of_doi", "citation_of", "open_address", "open_file"]

_MOST_AUTHORS = 3


class Place(NamedTuple):
    """A paper, and where in it the person is."""

    document: Document
    page: int
    """From 1."""


class Opened(NamedTuple):
    """What came of it."""

    said: str
    """One sentence or two."""
    failed: bool = False
    to_copy: str = ""
    """What the person can use where nothing here can open it: a path or an address."""


async def open_file(place: Place, *, viewer: str) -> Opened:
    """Opens the paper's file at its page; a page of the web at its address.

    Args:
        place: The paper and its page.
        viewer: The person's own, as in `zathura -P {page} {file}`; empty takes the first that is there.
    """
    document = place.document
    if document.origin == "web":
        return await open_address(document.source)
    path = Path(document.source)
    if not await asyncio.to_thread(_is_file, path):
        said = f"There is no file {document.source} any more, or it is inside an archive."
        return Opened(said, failed=True)
    opening = await asyncio.to_thread(opening_of, path, place.page, wanted=viewer)
    where = f"Go to page {place.page}." if document.page_count > 1 else ""
    return await _start(opening, document.source, "" if opening and opening.at_page else where)


async def open_address(address: str) -> Opened:
    """Opens an address of the web in the person's browser."""
    of_the_web = address.startswith(("https://", "http://"))
    return await _start(opening_of_address(address) if of_the_web else None, address, "")


def address_of_doi(doi: str) -> str:
    """Where a DOI leads, every odd character written out."""
    return f"https://doi.org/{quote(doi, safe='/')}"


def citation_of(document: Document, page: int) -> str:
    """Returns authors, year, title, where it appeared, page and DOI in one line."""
    names = list(document.authors[:_MOST_AUTHORS])
    authors = ", ".join(names) + (" et al." if len(document.authors) > _MOST_AUTHORS else "")
    head = f"{authors} ({document.year})" if document.year else authors
    at_page = f"p. {page}" if document.origin == "library" and document.page_count > 1 else ""
    link = f"https://doi.org/{document.doi}" if document.doi else ""
    address = document.source if document.origin == "web" else ""
    parts = [head, document.title or "Untitled", document.venue, at_page, link, address]
    return shown_line(". ".join(part.rstrip(".") for part in parts if part), 1000)


async def _start(opening: Opening | None, what: str, afterwards: str) -> Opened:
    """Runs it; where nothing can open it, its name is what the person can use."""
    if opening is None:
        return Opened(f"Nothing here can open {shown_line(what, 100)}. {afterwards}".strip(), to_copy=what)
    try:
        await asyncio.to_thread(start, opening.command)
    except OSError as error:
        return Opened(f"{opening.command[0]} cannot be started: {error.strerror}.", failed=True)
    return Opened(f"Opened with {Path(opening.command[0]).name}. {afterwards}".strip())


def _is_file(path: Path) -> bool:
    try:
        return path.is_absolute() and path.is_file()
    except (OSError, ValueError):
        return False
