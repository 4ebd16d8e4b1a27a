"""A screen of one long list with a box above that narrows it: how box, list and remark work together."""

from __future__ import annotations

from textual import on
from textual.screen import Screen
from textual.widgets import Input, Static

from assistant.failures import failed_of
from tui.safe import shown_line
from tui.widgets.paged_list import PagedList

__all__ = ["FilteredList"]


class FilteredList(Screen[None]):
    """Has one `Input`, one `PagedList`, and a line of remarks of the class `list-remark`."""

    @property
    def _list(self) -> PagedList:
        return self.query_one(PagedList)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be done before the list is there: a key may come as soon as the screen is opened."""
        return bool(self.query(PagedList))

    def action_back(self) -> None:
        """From the box to the list; then empties the box; then leaves."""
        box = self.query_one(Input)
        if box.has_focus:
            self._list.focus()
        elif box.value:
            box.value = ""
        else:
            self.dismiss()

    def action_filter(self) -> None:
        """Puts the keyboard into the box."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def leave_box(self) -> None:
        """Goes to the list."""
        self._list.focus()

    @on(PagedList.Refused)
    def tell_why_not(self, event: PagedList.Refused) -> None:
        """What is asked for cannot be, or the engine is gone."""
        self._tell(event.error)

    def _tell(self, error: Exception) -> None:
        failed = failed_of(error)
        self._remark(f"{failed.message} {failed.hint}", error=True)

    def _remark(self, sentence: str, *, error: bool = False) -> None:
        remark = self.query_one(".list-remark", Static)
        remark.set_class(error, "error")
        remark.update(shown_line(sentence, 500))
