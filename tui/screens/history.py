"""The history: every past question, found by its words; an answer opens with its evidence, or goes on."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Footer, Input, Static

from assistant.engine.errands import FindQuestion, FindQuestions, PastAnswer, PastQuestion, Rate, State
from tui.asked import ANSWERED, STATES, can_go_on, local_time, text_of
from tui.commands import bindings
from tui.screens.filtered import FilteredList
from tui.widgets.line_box import LineBox
from tui.widgets.paged_list import Column, Fetched, PagedList, Row
from tui.words import DONE, FAILED, FELL_BACK, SKIPPED, count_of

if TYPE_CHECKING:
    from tui.app import CarrelApp

__all__ = ["HistoryScreen"]

_PAUSE_SECONDS = 0.15
"""How long the person has stopped typing before the list is fetched anew."""
_MARKS = {
    State.OK: DONE,
    State.PARTIAL: FELL_BACK,
    State.CANCELLED: SKIPPED,
    State.ERROR: FAILED,
    State.RUNNING: "…",
}
_COLUMNS = (
    Column("When", 16, 70, style="paged-list--quiet"),
    Column("Question", share=3),
    Column("Answer", from_width=110, style="paged-list--quiet", share=2),
    Column("State", 12, 56, "paged-list--quiet"),
    Column("Helped", 6, 76, "paged-list--quiet"),
)
_NOTHING = "  No question fits. Esc empties the search."
_NEW = "  Nothing has been asked yet."


class HistoryScreen(FilteredList):
    """A search box above, the questions below, newest first."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("history"),
        Binding("escape", "back", "Back", key_display="Esc", id="leave_history"),
    ]

    def __init__(self, text: str = "") -> None:
        """Takes what to look for at first.

        Args:
            text: Words of a question or its answer.
        """
        super().__init__()
        self._text = text
        self._typing: Timer | None = None
        self._picked: PastQuestion | None = None
        """The first of two answers to compare."""

    def compose(self) -> ComposeResult:
        """The search, then the questions."""
        yield Static("History", markup=False, classes="screen-title")
        yield LineBox(
            self._text, placeholder="Words of a question or its answer", classes="filter", compact=True
        )
        yield Static("", markup=False, classes="list-remark")
        yield PagedList(_COLUMNS, id="questions")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Fetches the newest questions."""
        self._list.focus()
        self.refresh_list()

    def refresh_list(self, *, keep_place: bool = False) -> None:
        """Fetches the list again."""
        empty = _NOTHING if self.query_one(Input).value.strip() else _NEW
        self._list.show(self._fetch, empty=empty, keep_place=keep_place)

    # What the person does.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what was stopped can go on."""
        if not super().check_action(action, parameters):
            return False
        if action == "resume":
            past = self._past
            return past is not None and can_go_on(past)
        return True

    def action_open_question(self) -> None:
        """Shows the question with the cursor, its answer and its evidence, where questions are asked."""
        if (past := self._past) is not None:
            self.app.going_on.show(past.run, past.id)

    def action_resume(self) -> None:
        """Goes on with the question with the cursor."""
        if (past := self._past) is not None:
            self.app.going_on.resume(past.text, past.run)

    def action_compare(self) -> None:
        """Picks the answer with the cursor; the second one that is picked is shown beside the first."""
        past = self._past
        if past is None:
            return
        if past.state not in ANSWERED:
            self._remark("There is no answer to compare.", error=True)
        elif self._picked is None or (self._picked.run, self._picked.id) == (past.run, past.id):
            self._picked = past
            self._remark(f"Picked: {past.text}. Press the key again on another answer to compare both.")
        else:
            first, self._picked = self._picked, None
            self._compare(first, past)

    def action_export_past(self) -> None:
        """Asks where the answer with the cursor is written to."""
        if (past := self._past) is not None:
            self._export(past)

    def action_helped(self, helped: bool) -> None:
        """Notes whether the answer with the cursor helped; said again, it is taken back."""
        if (past := self._past) is not None:
            self._rate(past, None if past.helped is helped else helped)

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        """Waits for a pause in the typing."""
        if event.value == self._text:
            return
        self._text = event.value
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(_PAUSE_SECONDS, self.refresh_list)

    @on(PagedList.Chosen)
    def open_clicked(self) -> None:
        """A second click opens."""
        self.action_open_question()

    @on(PagedList.Moved)
    def offer(self) -> None:
        """Other questions, other possibilities."""
        self.refresh_bindings()

    @on(PagedList.Counted)
    def tell_count(self, event: PagedList.Counted) -> None:
        """Says how many there are."""
        self._remark(f"{count_of(event.total, 'question')}, newest first")

    # What the engine does.

    @property
    def _past(self) -> PastQuestion | None:
        row = self._list.row
        return row.value if row is not None and isinstance(row.value, PastQuestion) else None

    def _fetch(self, offset: int, limit: int) -> Awaitable[Fetched]:
        wanted = FindQuestions(text=self.query_one(Input).value, offset=offset, limit=limit)

        async def fetch() -> Fetched:
            await self.app.ready()
            page = (await self.app.engine.run(wanted)).page
            return Fetched(page.total, [_row(past) for past in page.questions])

        return fetch()

    @work(group="compare", exclusive=True, exit_on_error=False, description="compare")
    async def _compare(self, first: PastQuestion, second: PastQuestion) -> None:
        from tui.screens.compare import CompareScreen

        try:
            found = [await self._answer_of(past) for past in (first, second)]
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self._tell(error)
            return
        self._remark("")
        if all(past.answer is not None for past in found):
            self.app.push_screen(CompareScreen(*found))

    @work(group="export", exclusive=True, exit_on_error=False, description="export")
    async def _export(self, past: PastQuestion) -> None:
        from tui.screens.export import ExportScreen

        try:
            answer = (await self._answer_of(past)).answer
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self._tell(error)
            return
        if answer is None:
            self._remark("There is no answer to write.", error=True)
        else:
            self.app.push_screen(ExportScreen(answer))

    async def _answer_of(self, past: PastQuestion) -> PastAnswer:
        return (await self.app.engine.run(FindQuestion(run=past.run, question_id=past.id))).past

    @work(group="rate", exit_on_error=False, description="rate")
    async def _rate(self, past: PastQuestion, helped: bool | None) -> None:
        try:
            await self.app.engine.run(Rate(run=past.run, question_id=past.id, helped=helped))
        except Exception as error:  # noqa: BLE001 - an outer door: whatever the engine does, the app stays
            self._tell(error)
            return
        self.refresh_list(keep_place=True)


def _row(past: PastQuestion) -> Row:
    helped = {None: "", True: "yes", False: "no"}[past.helped]
    state = f"{_MARKS[past.state]} {STATES[past.state]}"
    return Row((local_time(past.asked), text_of(past), past.said, state, helped), past)
