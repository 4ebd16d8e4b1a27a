"""Any string through every widget and screen that shows foreign text: no exception, and it is shown as it is."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from textual.screen import Screen
from textual.widget import Widget

import tui.screens
import tui.widgets
from assistant.engine.errands import Kind, PastAnswer, PastQuestion, SettingRow, State, Survey
from assistant.engine.scripted import ScriptedEngine
from assistant.events import Asked, Done, StepStarted, Token
from tests.tui.test_safety import (
    ATTACKS_OF_THE_ENGINE,
    FORBIDDEN,
    _answer,
    _library,
    _status,
    from_the_engine,
    over_the_app,
)
from tui.adding import Adding, Failure
from tui.completion import Offer, Wanted
from tui.safe import shown, shown_line
from tui.screens.add import AddScreen
from tui.screens.ask import AskScreen
from tui.screens.choose import ChooseScreen
from tui.screens.compare import CompareScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.export import ExportScreen
from tui.screens.filtered import FilteredList
from tui.screens.help import HelpScreen, HelpText
from tui.screens.history import HistoryScreen
from tui.screens.library import LibraryScreen
from tui.screens.paper import PaperScreen
from tui.screens.passage import PassageScreen
from tui.screens.pick import PickScreen
from tui.screens.settings import SettingsScreen
from tui.screens.trace import TraceScreen
from tui.screens.value import ValueScreen
from tui.widgets.adding import AddingLine, AddingProgress
from tui.widgets.answer import AnswerPart, AnswerText
from tui.widgets.choices import Choices
from tui.widgets.composer import Composer, Offers
from tui.widgets.desk import Desk
from tui.widgets.evidence import EvidencePane
from tui.widgets.find_bar import FindBar
from tui.widgets.line_box import LineBox
from tui.widgets.paged_list import Column, Fetched, PagedList, Row
from tui.widgets.preview import Preview
from tui.widgets.question_box import QuestionBox
from tui.widgets.status_line import StatusLine
from tui.widgets.steps import Steps
from tui.widgets.transcript import Notice, Transcript, Welcome
from tui.widgets.turn import Turn

SIZE = (200, 50)
LONGEST = 20
"""Characters: what is longer is cut in lists, and wrapped elsewhere."""
OWN_WORDS = {
    AddingLine: "counts, and a path of the person's own",
    ExportScreen: "a file's name, made of the letters of the question",
    FilteredList: "what its screens show",
    HelpScreen: "the help",
    HelpText: "the help",
    Welcome: "how to begin",
}
"""Widgets that show no foreign text as it is, and what they show."""
HOLD_OTHERS = {AskScreen: Desk, Composer: QuestionBox, Desk: Turn, Transcript: Notice, AnswerPart: AnswerText}
"""Widgets that show what one in them shows, which is tried by itself."""

as_it_is = st.text(st.characters(exclude_categories=("Cs", "Cn", "Co")), min_size=1, max_size=LONGEST)
few = settings(over_the_app, phases=[Phase.explicit, Phase.generate])
"""A text that is not shown is short already, and each try opens the app."""
some = st.lists(as_it_is | from_the_engine.map(lambda text: text[:LONGEST]), min_size=2, max_size=2)


def _past(text: str) -> PastAnswer:
    question = PastQuestion(run="r", id="q", text=text, said=text, state=State.OK, asked=text)
    return PastAnswer(question=question, said=text, answer=_answer(text))


def _adding(text: str) -> Adding:
    adding = Adding("/papers")
    adding.failures.append(Failure(shown_line(text), shown_line(text)))
    return adding


def _row(text: str) -> SettingRow:
    return SettingRow(key=text, value=text, origin=text, meaning=text)


async def _evidence(pane: EvidencePane, text: str) -> None:
    pane.show(_answer(text).evidence, {1: "checked"})


async def _steps(steps: Steps, text: str) -> None:
    steps.apply(StepStarted(span_id=1, step=text, rung=text, branch="", model=text))
    steps.draw()


async def _list(list_: PagedList, text: str) -> None:
    async def fetch(offset: int, limit: int) -> Fetched:
        return Fetched(1, [Row((text,), text)])

    list_.show(fetch)


async def _turn(turn: Turn, text: str) -> None:
    await turn.receive(Done(answer=_answer(text)))


async def _does(done: object) -> None:
    """Nothing is to be waited for."""


WIDGETS: dict[type[Widget], tuple[Callable[[str], Widget], Callable[[Widget, str], Awaitable[None]]]] = {
    AddingProgress: (lambda text: AddingProgress(), lambda each, text: _does(each.follow(_adding(text)))),
    Choices: (lambda text: Choices(), lambda each, text: _does(each.offer([text], chosen=0))),
    EvidencePane: (lambda text: EvidencePane(), _evidence),
    FindBar: (lambda text: FindBar(Transcript(), shown_line(text)), lambda each, text: _does(None)),
    LineBox: (lambda text: LineBox(shown_line(text)), lambda each, text: _does(None)),
    Notice: (lambda text: Notice(shown(text)), lambda each, text: _does(None)),
    Offers: (
        lambda text: Offers(),
        lambda each, text: _does(each.show(Wanted("paper", "", 0), [Offer(shown_line(text), "")])),
    ),
    PagedList: (lambda text: PagedList((Column("Text"),)), _list),
    Preview: (
        lambda text: Preview(),
        lambda each, text: _does(each.show(Survey(kinds=(Kind(name=text, files=1, size=1),)))),
    ),
    QuestionBox: (lambda text: QuestionBox(), lambda each, text: _does(each.insert(shown_line(text)))),
    StatusLine: (lambda text: StatusLine(), lambda each, text: _does(each.tell(_status(text)))),
    Steps: (lambda text: Steps(lambda: 0.0), _steps),
    Turn: (lambda text: Turn(text, lambda: 0.0), _turn),
}
"""How each is made, and what is done with it when it is there."""
SCREENS: dict[type[Screen[object]], Callable[[str], Screen[object]]] = {
    AddScreen: lambda text: AddScreen(_adding(text)),
    ChooseScreen: lambda text: ChooseScreen(text, ("Keep", text)),
    CompareScreen: lambda text: CompareScreen(_past(text), _past(text)),
    ConfirmScreen: lambda text: ConfirmScreen(
        Asked(id="a", prompt=text, choices=("no", text), default="no", timeout_seconds=9), lambda: 0.0
    ),
    HistoryScreen: lambda text: HistoryScreen(),
    LibraryScreen: lambda text: LibraryScreen(),
    PaperScreen: lambda text: PaperScreen(_answer(text).evidence[0].document),
    PassageScreen: lambda text: PassageScreen(_answer(text).evidence, {}, start_at=1),
    PickScreen: lambda text: PickScreen(text, (text,)),
    SettingsScreen: lambda text: SettingsScreen(),
    TraceScreen: lambda text: TraceScreen(_answer(text)),
    ValueScreen: lambda text: ValueScreen(_row(text)),
}


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def test_every_widget_and_every_screen_is_tried_or_shows_the_apps_own_words():
    ours = {
        kind
        for package in (tui.widgets, tui.screens)
        for module in _modules(package)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Widget) and kind.__module__ == module.__name__
    }
    assert ours == {*WIDGETS, *SCREENS, *OWN_WORDS, *HOLD_OTHERS, AnswerText}
    assert set(HOLD_OTHERS.values()) <= {*WIDGETS, *HOLD_OTHERS, AnswerText}


@given(some)
@example([text[:LONGEST] for text in ATTACKS_OF_THE_ENGINE[:3]])
@few
async def test_a_widget_shows_any_text_as_it_is(sit_down, texts):
    async with sit_down(ScriptedEngine(), size=SIZE) as desk:
        screen: Screen[None] = Screen()
        await desk.app.push_screen(screen)
        for kind, (make, feed) in WIDGETS.items():
            for text in texts:
                widget = make(text)
                await screen.mount(widget)
                await feed(widget, text)
                await _shows(desk, kind, text)
                await widget.remove()


@given(some)
@example([text[:LONGEST] for text in ATTACKS_OF_THE_ENGINE[:3]])
@few
async def test_a_screen_shows_any_text_as_it_is(sit_down, texts):
    async with sit_down(ScriptedEngine(), size=SIZE) as desk:
        for kind, make in SCREENS.items():
            for text in texts:
                desk.app._engine = _library(text)
                await desk.app.push_screen(make(text))
                await _shows(desk, kind, text)
                await desk.app.pop_screen()


async def _shows(desk: Any, kind: type, text: str) -> None:
    try:
        await desk.until(lambda: _bare(shown_line(text)) in _bare(desk.text))
    except AssertionError as error:
        raise AssertionError(f"{kind.__name__} does not show {text!r}.") from error
    assert not FORBIDDEN.search(desk.text.replace("\n", "")), kind


@given(
    st.lists(st.text(st.characters(categories=("L", "Nd")), min_size=1, max_size=60), min_size=4, max_size=4)
)
@few
async def test_an_answer_shows_every_letter_of_its_text(sit_down, texts):
    """Its marks are Markdown's, and are shown as what they mean; see test_safety."""
    plays = iter([[Token(text=text), Done(answer=_answer(text))] for text in texts])
    async with sit_down(ScriptedEngine(lambda _: next(plays)), size=SIZE) as desk:
        for text in texts:
            await desk.ask("Why?")
            await desk.answered()
            await desk.until(lambda text=text: _bare(shown(text)) in _bare(desk.text))


def _bare(text: str) -> str:
    """Without what separates words: a line may be broken at any of it."""
    return "".join(text.split())
