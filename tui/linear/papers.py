"""What can be done with a paper wherever linear mode tells one: open it, its DOI, cite it, its BibTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.engine.errands import FindReferences
from tui.linear.rooms import Room
from tui.opening import Place, address_of_doi, citation_of, open_address, open_file
from tui.words import count_of

if TYPE_CHECKING:
    from assistant.events import Document

__all__ = ["PaperRoom"]


class PaperRoom(Room):
    """A room in which papers are told; it says which one is meant."""

    async def place(self, number: str) -> Place | None:
        """The paper that is meant; says so where there is none.

        Args:
            number: Of a paper or a piece of evidence; empty for the one that was told last.
        """
        raise NotImplementedError

    async def papers(self, number: str) -> Sequence[Document]:
        """The papers whose BibTeX is wanted: by default the one that is meant."""
        place = await self.place(number)
        return (place.document,) if place else ()

    async def do_file(self, argument: str) -> None:
        """Opens the paper's file at its page, in the person's viewer."""
        if (place := await self.place(argument)) is not None:
            status = self.session.status
            await self.session.tell_opened(await open_file(place, viewer=status.pdf_viewer if status else ""))

    async def do_doi(self, argument: str) -> None:
        """Opens the paper's DOI in the browser, or copies it where there is none."""
        if (place := await self.place(argument)) is None:
            return
        if doi := place.document.doi:
            await self.session.tell_opened(await open_address(address_of_doi(doi)))
        else:
            self.lines.say("This paper has no DOI that is known.")

    async def do_cite(self, argument: str) -> None:
        """Tells a citation of the paper and copies it."""
        if (place := await self.place(argument)) is not None:
            citation = citation_of(*place)
            self.lines.say(citation)
            await self.session.copy(citation, "The citation")

    async def do_bibtex(self, argument: str) -> None:
        """Tells the BibTeX of what is cited, or of the paper, and copies it."""
        papers = await self.papers(argument)
        if papers:
            found = await self.session.engine.run(FindReferences(documents=tuple(papers)))
            self.lines.text(found.text)
            await self.session.copy(found.text, f"BibTeX of {count_of(len(papers), 'paper')}")
