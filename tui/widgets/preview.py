"""What adding would read and what it would pass over, before anything is read."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from assistant.engine.errands import Kind, Survey
from tui.safe import shown_line
from tui.words import SKIPPED, count_of, size_of

__all__ = ["Preview"]

_MOST_LINES = 6


class Preview(Static):
    """Empty until there is something to show."""

    def __init__(self) -> None:
        super().__init__("", markup=False, id="preview")
        self.display = False

    def show(self, survey: Survey) -> None:
        """Shows counts by kind, the size, and what is passed over with its reasons."""
        heading = f"{count_of(survey.files, 'file')} will be read, {size_of(survey.size)}"
        read = [Content(f"  {_counted(kind)}, {size_of(kind.size)}") for kind in _first(survey.kinds)]
        skipped = [
            Content.styled(f"  {SKIPPED} {_counted(kind)}", "$secondary") for kind in _first(survey.skipped)
        ]
        passed = sum(kind.files for kind in survey.skipped)
        if skipped:
            skipped.insert(0, Content(f"{count_of(passed, 'file')} will be passed over"))
        self.update(Content("\n").join([Content.styled(heading, "bold"), *read, *skipped]))
        self.display = True

    def clear(self) -> None:
        """Shows nothing."""
        self.display = False


def _counted(kind: Kind) -> str:
    return f"{kind.files:,} × {shown_line(kind.name, 70)}"


def _first(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """The kinds that there is room for; the rest as one."""
    if len(kinds) <= _MOST_LINES:
        return kinds
    rest = kinds[_MOST_LINES - 1 :]
    others = Kind(name="others", files=sum(each.files for each in rest), size=sum(each.size for each in rest))
    return (*kinds[: _MOST_LINES - 1], others)
