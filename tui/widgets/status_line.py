"""One line that says what there is to ask, with which models, and whether the web may be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

if TYPE_CHECKING:
    from assistant.engine.protocol import Status

__all__ = ["StatusLine", "library_sentence", "models_sentence", "web_sentence"]

_WEB = {"ask": "web: asks first", "auto": "web: allowed", "never": "web: off"}
_ROOM_FOR_ALL = 100
"""A narrower line leaves out the passages and the models' providers."""


class StatusLine(Static):
    """Starts with "Starting…", so that the first frame needs nothing but the app."""

    def __init__(self) -> None:
        super().__init__("Starting…", id="status-line", markup=False)
        self._status: Status | None = None

    @property
    def is_told(self) -> bool:
        """Whether it shows a status."""
        return self._status is not None

    @property
    def models(self) -> tuple[str, ...]:
        """The models that can be asked, each once."""
        if self._status is None:
            return ()
        return tuple(dict.fromkeys([*self._status.others, *self._status.models.values()]))

    def on_resize(self) -> None:
        """Says as much as there is room for."""
        if self._status is not None:
            self.tell(self._status)

    def tell(self, status: Status) -> None:
        """Shows the library and the models as they stand."""
        self._status = status
        full = self.size.width >= _ROOM_FOR_ALL
        library, models = library_sentence(status, full=full), models_sentence(status, full=full)
        parts = [library, models, web_sentence(status)]
        self.update("  │  ".join(parts) if full else " │ ".join(parts))

    def tell_problem(self, message: str) -> None:
        """Shows in its place why there is nothing to show."""
        from tui.safe import shown_line

        self._status = None
        self.update(shown_line(message))


def library_sentence(status: Status, *, full: bool = True) -> str:
    """Papers, passages, and how many of them can be found by meaning."""
    from tui.safe import shown_line
    from tui.words import count_of

    passages = sum(collection.passages for collection in status.collections)
    documents = sum(collection.documents for collection in status.collections)
    if not documents:
        return "library: empty"
    named = [
        f"{shown_line(each.name, 24)} {each.documents:,}" for each in status.collections if each.documents
    ]
    papers = count_of(documents, "paper")
    if full and 1 < len(named) <= 3:
        papers += f" ({', '.join(named)})"
    counted = f"{papers} · {count_of(passages, 'passage')}" if full else papers
    return f"{counted} · {'search ' if full else ''}{_coverage(status, passages)}"


def models_sentence(status: Status, *, full: bool = True) -> str:
    """Who writes the answers."""
    from tui.safe import shown_line

    if not status.models:
        return "no model: extractive answers" if full else "no model: extractive"
    names = [shown_line(status.models[role], 60) for role in sorted(status.models) if status.models[role]]
    spelled = names if full else [name.partition(":")[2] or name for name in names]
    return " + ".join(dict.fromkeys(spelled))


def web_sentence(status: Status) -> str:
    """Whether the web may be searched."""
    return _WEB[status.web]


def _coverage(status: Status, passages: int) -> str:
    if not status.encoder:
        return "by keyword only"
    embedded = sum(collection.embedded for collection in status.collections)
    if embedded >= passages:
        return "by meaning: all"
    return f"by meaning: {embedded / passages:.0%}"
