"""What can be done with a paper wherever one is shown: open its file, its DOI, cite it, its BibTeX."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from textual import work
from textual.screen import Screen

if TYPE_CHECKING:
    from assistant.events import Document
    from assistant.viewers import Opening
    from tui.app import CarrelApp

__all__ = ["PaperActions", "Place", "citation_of"]

_MOST_AUTHORS = 3


class Place(NamedTuple):
    """A paper, and where in it the person is."""

    document: Document
    page: int
    """From 1."""


class PaperActions(Screen[None]):
    """A screen on which a paper is shown; the screen says which."""

    app: CarrelApp

    def place(self, number: str = "") -> Place | None:
        """The paper that is meant.

        Args:
            number: Of a piece of evidence, where there are several; empty for the one with the cursor.
        """
        raise NotImplementedError

    def cited(self) -> tuple[Document, ...]:
        """The papers whose BibTeX is wanted: by default the one that is meant."""
        place = self.place()
        return (place.document,) if place else ()

    def action_file(self, number: str = "") -> None:
        """Opens the paper's file at its page, in the person's viewer."""
        if (place := self._meant(number)) is not None:
            self._open_file(place)

    def action_doi(self, number: str = "") -> None:
        """Opens the paper's DOI in the browser, or copies it where there is none."""
        if (place := self._meant(number)) is not None:
            self._open_doi(place.document)

    def action_cite(self, number: str = "") -> None:
        """Copies a citation of the paper."""
        if (place := self._meant(number)) is not None:
            self.app.copy(citation_of(place.document, place.page), "The citation")

    def action_bibtex(self) -> None:
        """Copies the BibTeX of the papers that are cited, or of the one that is shown."""
        if papers := self.cited():
            self._copy_bibtex(papers)
        else:
            self.app.toast("No paper is cited here.")

    def _meant(self, number: str) -> Place | None:
        place = self.place(number)
        if place is None:
            self.app.toast(f"There is no evidence [{number}]." if number else "There is no paper here.")
        return place

    @work(exit_on_error=False, description="open file")
    async def _open_file(self, place: Place) -> None:
        from assistant.viewers import opening_of

        document = place.document
        if document.origin == "web":
            await self._start(_address_opening(document.source), document.source, "")
            return
        path = Path(document.source)
        if not await asyncio.to_thread(_is_file, path):
            self.app.toast(
                f"There is no file {document.source} any more, or it is inside an archive.", error=True
            )
            return
        opening = await asyncio.to_thread(opening_of, path, place.page, wanted=self.app.pdf_viewer)
        where = f"Go to page {place.page}." if document.page_count > 1 else ""
        await self._start(opening, document.source, "" if opening and opening.at_page else where)

    def _open_doi(self, document: Document) -> None:
        if document.doi:
            self.open_address_of_doi(document.doi)
        else:
            self.app.toast("This paper has no DOI that is known.")

    @work(exit_on_error=False, description="open doi")
    async def open_address_of_doi(self, doi: str) -> None:
        """Opens what a DOI stands for in the person's browser."""
        address = f"https://doi.org/{quote(doi, safe='/')}"
        await self._start(_address_opening(address), address, "")

    async def _start(self, opening: Opening | None, what: str, afterwards: str) -> None:
        """Runs it; where nothing can open it, its name is what the person can use."""
        from assistant.viewers import start
        from tui.safe import shown_line

        if opening is None:
            self.app.copy(
                what, f"Nothing here can open {shown_line(what, 100)}. {afterwards} Its name".strip()
            )
            return
        try:
            await asyncio.to_thread(start, opening.command)
        except OSError as error:
            self.app.toast(f"{opening.command[0]} cannot be started: {error.strerror}.", error=True)
        else:
            self.app.toast(f"Opened with {Path(opening.command[0]).name}. {afterwards}".strip())

    @work(exit_on_error=False, description="copy bibtex")
    async def _copy_bibtex(self, papers: tuple[Document, ...]) -> None:
        from assistant.engine.errands import FindReferences
        from assistant.failures import failed_of

        try:
            found = await self.app.engine.run(FindReferences(documents=papers))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            self.app.toast(f"{failed.message} {failed.hint}", error=True)
            return
        count = len(papers)
        self.app.copy(found.text, f"BibTeX of {count} paper{'' if count == 1 else 's'}")


def citation_of(document: Document, page: int) -> str:
    """Returns authors, year, title, where it appeared, page and DOI in one line."""
    from tui.safe import shown_line

    names = list(document.authors[:_MOST_AUTHORS])
    authors = ", ".join(names) + (" et al." if len(document.authors) > _MOST_AUTHORS else "")
    head = f"{authors} ({document.year})" if document.year else authors
    at_page = f"p. {page}" if document.origin == "library" and document.page_count > 1 else ""
    link = f"https://doi.org/{document.doi}" if document.doi else ""
    address = document.source if document.origin == "web" else ""
    parts = [head, document.title or "Untitled", document.venue, at_page, link, address]
    return shown_line(". ".join(part.rstrip(".") for part in parts if part), 1000)


def _address_opening(address: str) -> Opening | None:
    from assistant.viewers import opening_of_address

    return opening_of_address(address) if address.startswith(("https://", "http://")) else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_absolute() and path.is_file()
    except (OSError, ValueError):
        return False
