"""Writes an answer to a file: the form and the place are chosen here; a file that is there stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast, get_args

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from assistant.engine.errands import ExportAnswer, ExportForm
from assistant.events import Answer
from assistant.export import SUFFIXES, suggested_name
from assistant.failures import failed_of
from tui.safe import shown_line
from tui.sturdy import Options
from tui.widgets.line_box import LineBox

if TYPE_CHECKING:
    from tui.app import CarrelApp

__all__ = ["ExportScreen", "form_named"]

_FORMS: dict[ExportForm, str] = {
    "markdown": "Markdown: the answer with its sources and notes",
    "html": "HTML: the same as a page by itself",
    "json": "JSON: everything, with evidence, checks and trace",
    "notebook": "Notebook: the answer, and a cell that asks again",
    "bibtex": "BibTeX: the papers it cites",
}


class ExportScreen(ModalScreen[None]):
    """Choosing a form names the file; Enter in the box writes it."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Close", show=False, id="close_export"),
    ]

    def __init__(self, answer: Answer, form: ExportForm = "markdown") -> None:
        """Takes what is written.

        Args:
            answer: The answer.
            form: Chosen at first.
        """
        super().__init__()
        self._answer = answer
        self._form = form

    def compose(self) -> ComposeResult:
        """The forms, the place, what became of it."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Enter writes · Esc closes"
            yield Static("Export the answer", markup=False, classes="dialog-title")
            yield Options(*_FORMS.values(), id="forms", markup=False, compact=True)
            yield LineBox(self._suggested(), id="export-path", compact=True)
            yield Static(
                "Relative to the folder that Carrel was started in.", markup=False, id="export-remark"
            )

    def on_mount(self) -> None:
        """The forms have the keyboard."""
        forms = self.query_one(OptionList)
        forms.highlighted = list(_FORMS).index(self._form)
        forms.focus()

    @on(OptionList.OptionHighlighted)
    def change_form(self, event: OptionList.OptionHighlighted) -> None:
        """Another form, another name."""
        self._form = get_args(ExportForm)[event.option_index]
        self.query_one(Input).value = self._suggested()

    @on(OptionList.OptionSelected)
    def go_to_path(self) -> None:
        """The form is chosen; where it goes comes next."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def write(self, event: Input.Submitted) -> None:
        """Writes the file."""
        if event.value.strip():
            self._write(Path(event.value.strip()).expanduser().absolute())

    def _suggested(self) -> str:
        return suggested_name(self._answer.query.for_library, self._form)

    @work(exclusive=True, exit_on_error=False, description="write")
    async def _write(self, path: Path) -> None:
        errand = ExportAnswer(answer=self._answer, form=self._form, path=str(path))
        try:
            written = await self.app.engine.run(errand)
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            failed = failed_of(error)
            remark = self.query_one("#export-remark", Static)
            remark.add_class("error")
            remark.update(shown_line(f"{failed.message} {failed.hint}", 400))
            return
        self.app.toast(f"Written to {written.path}")
        self.app.call_later(self.dismiss)


def form_named(name: str) -> ExportForm:
    """The form that a person means by a word or its beginning; Markdown where that is none."""
    wanted = name.strip().lower()
    for form in get_args(ExportForm):
        if wanted and (str(form).startswith(wanted) or SUFFIXES[form] == f".{wanted}"):
            return cast("ExportForm", form)
    return "markdown"
