"""Safety: whatever a paper, the web or a model says, nothing raises and nothing reaches the terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it.token import Token as Mark
from rich.cells import cell_len

from assistant.engine.errands import (
    CheckSetting,
    FailedPage,
    FindFailed,
    FindPaper,
    FindPapers,
    FindQuestion,
    FindQuestions,
    FindSettings,
    PapersFound,
    PaperSheet,
    PastAnswer,
    PastQuestion,
    QuestionFound,
    QuestionsFound,
    Record,
    SettingChecked,
    SettingRow,
    SettingsFound,
    State,
)
from assistant.engine.protocol import Status, Surroundings
from assistant.engine.scripted import ScriptedEngine
from assistant.events import (
    Answer,
    Asked,
    Collection,
    Degradation,
    Document,
    Done,
    Evidence,
    Failed,
    Fate,
    FellBack,
    FileDone,
    FilesFound,
    Hit,
    Listed,
    Noted,
    Outcome,
    Passage,
    Query,
    Route,
    StepStarted,
    Token,
    Usage,
)
from assistant.past_question import PastPage
from indexes.listed import PaperPage
from indexes.types import Details, Section
from tui.board import Board
from tui.markdown import answer_parser, mark_unsupported
from tui.safe import shown
from tui.screens.confirm import ConfirmScreen
from tui.widgets.paged_list import fitted

ATTACKS = (
    "[/] [b]bold[/nope] [@click=app.quit]go[/]",
    "\x1b[2J\x1b]52;c;cm0gLXJm\x07\x9b31m\x1b]8;;http://x\x07link\x1b]8;;\x07",
    "\u202egnp.exe\u2066 \u200b\ufeff \ud800 \U000e0041",
    "![img](http://x/y.png) <script>alert(1)</script> <b>html</b> [label](http://evil) <http://auto>",
    "```\n[/]\n``` \n\n| [/] | b |\n|---|---|\n| [x] | \x1b[31m |\n\n# [h]\n\n> [/q]\n",
    "&#x202e;&#27;&#x9b;31m&ZeroWidthSpace;",
    "[1]: http://evil\n\n[1] [999] [1, 2] [1](http://evil) [x](cite:3)",
    "\x0c\x0b\x00\x7f\t\r\n",
    "[" * 200 + "*" * 200 + "`" * 200,
    "عربى 한국어 e\u0301 👩‍👩‍👧 ﬁ ∑",
)
ATTACKS_OF_THE_ENGINE = [attack.encode("utf-8", "replace").decode("utf-8") for attack in ATTACKS]
ALL_ATTACKS = "\n\n".join(ATTACKS_OF_THE_ENGINE)
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]")

anything = st.text(max_size=120) | st.sampled_from(ATTACKS)
# Text that a frozen model accepts: JSON has no lone surrogates, so neither has anything from the engine.
from_the_engine = anything.map(lambda text: text.encode("utf-8", "replace").decode("utf-8"))
several = st.lists(from_the_engine, min_size=5, max_size=5)
over_the_app = settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
"""Each example is several texts, one after the other in the same app: opening it is what takes the time."""


def _answer(text: str) -> Answer:
    document = Document(id="d", source=text, title=text, authors=(text,), collection=text)
    passage = Passage(
        id="d:0", document_id="d", text=text, start=0, end=len(text), page=1, section=text or None
    )
    hit = Hit(passage=passage, document=document, score=1.0, rank=1, retriever=text)
    evidence = Evidence(id=1, hits=(hit,), quote=text, quote_start=0, summary=text, relevance=1.0)
    return Answer(
        query=Query(text=text, domain=(text,)),
        route=Route(name=text, steps=(), why=text),
        text=f"{text} [1]",
        evidence=(evidence,),
        degraded=(Degradation(step=text, rung=text, instead_of=text, outcome=Outcome.INTERNAL, why=text),),
        notes=(text,),
        author=text,
        usage=Usage(calls=1),
    )


class Pages(ScriptedEngine):
    """Gives a page full of attacks for each document."""

    async def surroundings(self, document_id: str, *, start: int, end: int) -> Surroundings:
        return Surroundings(page=1, page_count=1, text=ALL_ATTACKS, start=start, end=end)


def _script(text: str) -> list[object]:
    half = len(text) // 2
    return [
        StepStarted(span_id=1, step=text or "step", rung=text, branch=text, model=text),
        FellBack(step=text, branch=text, from_rung=text, to_rung=text, outcome=Outcome.TIMED_OUT, why=text),
        Noted(note=text),
        Token(text=text[:half]),
        Token(text=text[half:]),
        Done(answer=_answer(text)),
    ]


def _status(text: str) -> Status:
    collection = Collection(name=text, documents=1, passages=2, embedded=1)
    return Status(
        collections=(collection, collection), models={"small": text}, encoder=text, web="ask", home=text
    )


def _assert_clean(text: str) -> None:
    lines = text.split("\n")
    assert not [line for line in lines if FORBIDDEN.search(line)]


@given(several)
@example([ALL_ATTACKS, *ATTACKS_OF_THE_ENGINE])
@over_the_app
async def test_any_text_goes_through_every_widget_of_a_question(sit_down, texts):
    plays = iter([_script(text) for text in texts])
    async with sit_down(ScriptedEngine(lambda _: next(plays)), size=(120, 60)) as desk:
        for number, text in enumerate(texts, start=1):
            await desk.ask(f"? {text}")
            await desk.until(lambda number=number: len(desk.turns) == number and desk.turns[-1].answer)
            await desk.press("f4")
            _assert_clean(desk.text)


@given(several)
@example([ALL_ATTACKS, *ATTACKS_OF_THE_ENGINE])
@over_the_app
async def test_any_page_is_shown(sit_down, texts):
    evidence = tuple(
        each.model_copy(update={"id": number})
        for number, text in enumerate(texts, start=1)
        for each in _answer(text).evidence
    )
    answer = _answer("All").model_copy(update={"evidence": evidence})
    async with sit_down(Pages([Done(answer=answer)]), size=(120, 60)) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", "1")
        for number in range(1, len(texts) + 1):
            await desk.until(lambda number=number: desk.text.split()[:1] == [f"[{number}]"])
            _assert_clean(desk.text)
            await desk.press("right")


@given(several)
@example([ALL_ATTACKS, *ATTACKS_OF_THE_ENGINE])
@over_the_app
async def test_any_text_goes_through_failures_toasts_and_the_status_line(sit_down, texts):
    failures = iter([[Failed(kind=text, message=text, hint=text)] for text in texts])
    async with sit_down(ScriptedEngine(lambda _: next(failures)), size=(120, 60)) as desk:
        for number, text in enumerate(texts, start=1):
            desk.ask_screen.show_status(_status(text))
            desk.app.toast(text)
            await desk.ask()
            await desk.until(lambda number=number: len(desk.turns) == number and desk.turns[-1].over)
            assert desk.turns[-1].answer is None
            _assert_clean(desk.text)
            desk.ask_screen.show_problem(text)
            await desk.pilot.pause()
            _assert_clean(desk.text)


@given(several)
@example([ALL_ATTACKS, *ATTACKS_OF_THE_ENGINE])
@over_the_app
async def test_any_text_goes_through_the_add_dialog(sit_down, tmp_path_factory, texts):
    files = [
        FileDone(path=text, fate=Fate.FAILED, reason=text, done=number, total=9)
        for number, text in enumerate(texts, start=1)
    ]
    engine = ScriptedEngine(add_events=[FilesFound(total=9), *files, ValueError(ALL_ATTACKS)])
    async with sit_down(engine, size=(120, 60)) as desk:
        await desk.ask(f"/add {tmp_path_factory.mktemp('folder')}")
        await desk.sees(f"{len(texts)} files failed")
        for text in texts:
            desk.app.screen.query_one("#path").value = text
            await desk.press("enter")
            _assert_clean(desk.text)
        await desk.press("escape")
        _assert_clean(desk.text)


@given(several)
@example([ALL_ATTACKS, *ATTACKS_OF_THE_ENGINE])
@over_the_app
async def test_any_text_goes_through_a_question_to_the_person(sit_down, texts):
    asked = [
        Asked(id=str(number), prompt=text, choices=(text, "no"), default=text, timeout_seconds=30)
        for number, text in enumerate(texts)
    ]
    engine = ScriptedEngine(asked)
    async with sit_down(engine, size=(120, 60)) as desk:
        await desk.ask()
        for number in range(len(texts)):
            await desk.until(lambda: isinstance(desk.app.screen, ConfirmScreen))
            await desk.sees("is taken in 30 s")
            _assert_clean(desk.text)
            await desk.press("escape")
            await desk.until(lambda number=number: len(engine.decisions) == number + 1)


@given(anything)
@settings(max_examples=300, deadline=None)
def test_nothing_but_citations_is_a_link_and_no_html_or_image_survives(text):
    tokens = answer_parser().parse(text)
    marks = [mark for token in tokens for mark in [token, *(token.children or [])]]
    assert {mark.type for mark in marks}.isdisjoint({"html_block", "html_inline", "image"})
    links = [str(mark.attrs["href"]) for mark in marks if mark.type == "link_open"]
    assert all(re.fullmatch(r"cite:\d{1,4}", link) for link in links)
    assert not any(FORBIDDEN.search(mark.content.replace("\n", "")) for mark in marks)


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("See [the page](http://evil.example).", "See the page (http://evil.example)."),
        ("<http://evil.example>", "http://evil.example"),
        ("![a cat](http://evil.example/cat.png)", "!a cat (http://evil.example/cat.png)"),
        ("[x](cite:3)", "x (cite:3)"),
        ("A <b>bold</b> claim", "A <b>bold</b> claim"),
        ("[1]: http://evil.example", "[1]: http://evil.example"),
        ("Both [1, 2] and [3].", "Both [1][2] and [3]."),
        ("&#x202e;right to left", "right to left"),
    ],
)
def test_foreign_markup_is_shown_as_text(source, plain):
    inline = next(token for token in answer_parser().parse(source) if token.type == "inline")
    assert "".join(mark.content for mark in inline.children or []) == plain


def test_each_number_of_a_citation_is_a_link_of_its_own():
    inline = next(token for token in answer_parser().parse("As in [1, 12].") if token.type == "inline")
    links = [mark.attrs["href"] for mark in inline.children or [] if mark.type == "link_open"]
    assert links == ["cite:1", "cite:12"]


def test_code_is_not_searched_for_citations():
    inline = next(token for token in answer_parser().parse("Take `rows[1]`.") if token.type == "inline")
    assert all(isinstance(mark, Mark) and mark.type != "link_open" for mark in inline.children or [])


def test_only_unsupported_sentences_are_marked():
    from tui.example import example_answer

    marked = mark_unsupported(example_answer())
    assert marked.count("(unsupported)") == 1
    assert "recommend this today. *(unsupported)*" in marked


@given(from_the_engine)
@settings(max_examples=100, deadline=None)
def test_the_steps_are_drawn_from_clean_text(text):
    board = Board()
    for event in _script(text):
        board.apply(event)
    assert not any(FORBIDDEN.search(f"{row.name}{row.detail}") for row in board.rows(1.0))


@given(anything)
def test_what_is_shown_has_neither_escapes_nor_form_feeds(text):
    assert not FORBIDDEN.search(shown(text).replace("\n", ""))


async def test_hovering_over_a_table_parses_no_markup(sit_down):
    table = "| a | b |\n|---|---|\n| [/nope] | [b]x |\n"
    async with sit_down(ScriptedEngine([Done(answer=_answer(table))]), size=(120, 60)) as desk:
        await desk.ask()
        await desk.answered()
        await desk.pilot.hover("AnswerPart", offset=(2, 2))
        await desk.pilot.pause(0.6)
        assert desk.app.is_running


def _library(text: str) -> ScriptedEngine:
    """An engine whose every paper, failed file, past question and setting says `text`."""
    document = _answer(text).evidence[0].document
    record = Record(
        path=text,
        collection=text,
        document_id=None,
        content_hash="",
        fate=Fate.FAILED,
        reason=text,
        attempts=1,
    )
    sheet = PaperSheet(
        document=document.model_copy(update={"venue": text, "doi": text, "retraction": text}),
        details=Details(
            abstract=text,
            sections=(Section(title=text, start=0),),
            origins={"title": "text"},
            notes=(text,),
        ),
        files=(record,),
        embedded=1,
        passages=tuple(hit.passage for hit in _answer(text).evidence[0].hits),
    )
    past = PastQuestion(run="r", id="q", text=text, said=text, state=State.OK, asked=text)
    row = SettingRow(key=text, value=text, origin=text, meaning=text)
    paper = Listed(document=document, passages=2, embedded=1, trouble=text)
    return ScriptedEngine(
        status=_status(text),
        found={
            FindPapers: PapersFound(page=PaperPage(total=1, offset=0, papers=(paper,))),
            FindFailed: FailedPage(total=1, offset=0, records=(record,)),
            FindPaper: sheet,
            FindQuestions: QuestionsFound(page=PastPage(total=1, offset=0, questions=(past,))),
            FindQuestion: QuestionFound(past=PastAnswer(question=past, said=text, answer=_answer(text))),
            FindSettings: SettingsFound(rows=(row,), file=text),
            CheckSetting: SettingChecked(problem=text),
        },
    )


@pytest.mark.parametrize("text", [ALL_ATTACKS, *ATTACKS_OF_THE_ENGINE[:3]])
async def test_any_text_goes_through_the_library_the_history_the_trace_and_the_settings(sit_down, text):
    async with sit_down(_library(text), size=(120, 50)) as desk:
        for keys in (
            ["f5", "enter", "escape", "x", "escape", "left", "c"],
            ["f6", "enter", "f7", "down", "escape", "e", "escape"],
            ["f8", "enter", "1", "escape"],
        ):
            for key in keys:
                await desk.press(key)
                await desk.pilot.pause(0.05)
                _assert_clean(desk.text)
        assert desk.app.is_running


@given(st.lists(anything, min_size=1, max_size=4), st.integers(min_value=0, max_value=30))
@settings(max_examples=200, deadline=None)
def test_a_cell_of_a_list_is_exactly_as_wide_as_its_column(texts, width):
    for text in texts:
        for cut_left in (False, True):
            cell = fitted(text, width, cut_left=cut_left)
            assert cell_len(cell) == width
            assert not FORBIDDEN.search(cell)
