"""What can be done with a paper wherever one is shown: open its file, its DOI, cite it, its BibTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.screen import Screen

if TYPE_CHECKING:
    from assistant.events import Document
    from tui.app import CarrelApp
    from tui.opening import Opened, Place

__all__ = ["PaperActions"]


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
        from tui.opening import citation_of

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
        from tui.opening import open_file

        self._tell_opened(await open_file(place, viewer=self.app.pdf_viewer))

    def _open_doi(self, document: Document) -> None:
        if document.doi:
            self.open_address_of_doi(document.doi)
        else:
            self.app.toast("This paper has no DOI that is known.")

    @work(exit_on_error=False, description="open doi")
    async def open_address_of_doi(self, doi: str) -> None:
        """Opens what a DOI stands for in the person's browser."""
        from tui.opening import address_of_doi, open_address

        self._tell_opened(await open_address(address_of_doi(doi)))

    def _tell_opened(self, opened: Opened) -> None:
        if opened.to_copy:
            self.app.copy(opened.to_copy, f"{opened.said} Its name")
        else:
            self.app.toast(opened.said, error=opened.failed)

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
