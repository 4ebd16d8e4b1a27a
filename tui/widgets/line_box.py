"""One line to type on; what is pasted into it loses whatever a terminal would act on."""

from __future__ import annotations

from textual.widgets import Input

from tui.safe import shown

__all__ = ["LineBox"]


class LineBox(Input):
    """A filter, a path, a value of a setting."""

    def validate_value(self, value: str) -> str:
        """The text as it may be shown; its spaces stay as they are."""
        return shown(value).replace("\n", "").replace("\t", " ")
