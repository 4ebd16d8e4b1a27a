"""Evidence: listed beside or under the answer, checked in words, each piece opening its page."""

from __future__ import annotations

from assistant.engine.protocol import Surroundings
from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import Citation, Done, EvidenceReady, Summarised, Token
from assistant.failures import EngineDied
from tui.example import example_answer, example_engine
from tui.screens.passage import PassageScreen
from tui.widgets.evidence import EvidencePane

WIDE, MEDIUM, NARROW = (160, 48), (100, 40), (60, 20)


def _engine_with(page: Surroundings | Exception) -> ScriptedEngine:
    return ScriptedEngine([Done(answer=example_answer())], surroundings=page)


async def test_a_wide_screen_shows_the_quotes_beside_the_answer(sit_down):
    async with sit_down(example_engine(), size=WIDE) as desk:
        await desk.ask()
        await desk.answered()
        await desk.sees("“A retry policy therefore begins")
        answer, pane = desk.turns[0].region, desk.app.screen.query_one(EvidencePane).region
        assert answer.right <= pane.x


async def test_a_narrower_screen_shows_one_line_for_each_paper_under_the_answer(sit_down):
    async with sit_down(example_engine(), size=MEDIUM) as desk:
        await desk.ask()
        await desk.answered()
        await desk.sees("[1] Retries, back-off and jitter · p. 1 · quote verified ✓", "not cited")
        assert "“A retry policy" not in desk.text


async def test_a_long_title_leaves_room_for_page_and_check(sit_down):
    answer = example_answer()
    hit = answer.evidence[0].hits[0]
    document = hit.document.model_copy(update={"title": "A title that takes its time to come to an end " * 3})
    long = answer.evidence[0].model_copy(update={"hits": (hit.model_copy(update={"document": document}),)})
    engine = ScriptedEngine([Done(answer=answer.model_copy(update={"evidence": (long,)}))])
    async with sit_down(engine, size=(80, 24)) as desk:
        await desk.ask()
        await desk.answered()
        await desk.sees("[1] A title that takes its time to come to an end A… · p. 1 · quote verified ✓")
        await desk.pilot.resize_terminal(60, 24)
        await desk.press("f2")
        await desk.sees("[1] A title that takes its time… · p. 1 · quote verified ✓")


async def test_pieces_of_one_paper_are_not_counted_as_papers(sit_down):
    answer = example_answer()
    second = answer.evidence[0].model_copy(update={"id": 5})
    answer = answer.model_copy(update={"evidence": (*answer.evidence, second)})
    async with sit_down(ScriptedEngine([Done(answer=answer)]), size=WIDE) as desk:
        await desk.ask()
        await desk.answered()
        await desk.sees("Evidence · 5 from 4 papers", "✓ 4 papers")


async def test_hiding_the_evidence_gives_the_keyboard_back_to_the_question(sit_down):
    async with sit_down(example_engine(), size=WIDE) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", "f2", "x")
        await desk.sees("│ x")


async def test_a_small_screen_shows_the_evidence_when_asked(sit_down):
    async with sit_down(example_engine(), size=NARROW) as desk:
        await desk.ask()
        await desk.answered()
        assert not desk.shows(EvidencePane)
        await desk.press("f2")
        await desk.sees("[1] Retries, back-off and jitter")
        await desk.press("f2")
        assert not desk.shows(EvidencePane)


async def test_f2_before_the_first_question_says_that_there_is_nothing(sit_down):
    async with sit_down(example_engine(), size=WIDE) as desk:
        await desk.press("f2")
        await desk.sees("There is no evidence before the first question.")


async def test_evidence_arrives_while_the_papers_are_read(sit_down):
    first, second = example_answer().evidence[:2]
    gate = Gate()
    engine = ScriptedEngine([Summarised(evidence=second), gate, Summarised(evidence=first), Gate()])
    async with sit_down(engine, size=WIDE) as desk:
        await desk.ask()
        await desk.sees("Evidence · 1 paper", "[2]", "not checked yet")
        gate.open()
        await desk.sees("Evidence · 2 papers", "[1]")
        listed = [each.id for each in desk.turns[0].evidence]
        assert listed == [1, 2]


async def test_a_quote_that_is_not_in_the_page_is_marked_in_words(sit_down):
    wrong = Citation(evidence_id=1, start=0, end=3, verified=False, support=0.0)
    answer = example_answer().model_copy(update={"citations": (wrong,)})
    async with sit_down(ScriptedEngine([Done(answer=answer)])) as desk:
        await desk.ask()
        await desk.answered()
        await desk.sees("quote not verified ✗")


async def test_web_evidence_is_told_from_the_library(sit_down):
    answer = example_answer()
    hit = answer.evidence[0].hits[0]
    document = hit.document.model_copy(update={"origin": "web", "source": "https://example.org/page"})
    web = answer.evidence[0].model_copy(update={"hits": (hit.model_copy(update={"document": document}),)})
    engine = ScriptedEngine([Done(answer=answer.model_copy(update={"evidence": (web,)}))])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.answered()
        await desk.sees("[1] Retries, back-off and jitter · web ·")
        await desk.press("escape", "1")
        await desk.sees("from the web", "https://example.org/page", "A retry policy therefore")
        assert not engine.looked_up


async def test_a_number_key_opens_the_page_with_the_quote_marked(sit_down):
    async with sit_down(example_engine()) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", "1")
        await desk.until(lambda: isinstance(desk.app.screen, PassageScreen))
        await desk.sees("[1] Retries, back-off and jitter", "page 1 of 1", "A retry policy therefore")
        marked = desk.app.screen.query_one("#page-text").visual.spans
        assert len(marked) == 1


async def test_esc_returns_from_the_page_to_the_answer(sit_down):
    async with sit_down(example_engine()) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", "2")
        await desk.until(lambda: isinstance(desk.app.screen, PassageScreen))
        await desk.press("escape")
        assert desk.app.screen is desk.ask_screen


async def test_enter_in_the_list_opens_the_page(sit_down):
    engine = example_engine()
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", "down", "enter")
        await desk.until(lambda: engine.looked_up)
        assert engine.looked_up[0][0] == "demo-2"


async def test_a_click_in_the_list_opens_the_page(sit_down):
    engine = example_engine()
    async with sit_down(engine, size=MEDIUM) as desk:
        await desk.ask()
        await desk.answered()
        await desk.sees("[3] Circuit breakers")
        await desk.pilot.click("EvidencePane OptionList", offset=(10, 2))
        await desk.until(lambda: engine.looked_up)
        assert engine.looked_up[0][0] == "demo-3"


async def test_the_keys_stand_in_the_heading_while_the_keyboard_is_on_the_evidence(sit_down):
    async with sit_down(example_engine(), size=MEDIUM) as desk:
        await desk.ask()
        await desk.answered()
        assert "o file" not in desk.text
        await desk.press("escape")
        await desk.sees("Evidence · 4 papers · o file · d DOI · c cite")
        await desk.press("i")
        await desk.until(lambda: "o file" not in desk.text)


async def test_a_click_on_a_citation_opens_its_page(sit_down):
    engine = example_engine()
    async with sit_down(engine, size=MEDIUM) as desk:
        await desk.ask()
        await desk.answered()
        lines = desk.text.splitlines()
        y = next(number for number, line in enumerate(lines) if "[2]." in line)
        await desk.pilot.click(offset=(lines[y].index("[2].") + 1, y))
        await desk.until(lambda: engine.looked_up)
        assert engine.looked_up[0][0] == "demo-2"


async def test_a_click_on_a_citation_while_text_streams_opens_its_page(sit_down):
    engine = ScriptedEngine(
        [EvidenceReady(evidence=example_answer().evidence), Token(text="Cited already [1]"), Gate()]
    )
    async with sit_down(engine, size=MEDIUM) as desk:
        await desk.ask()
        await desk.sees("Cited already [1]")
        lines = desk.text.splitlines()
        y = next(number for number, line in enumerate(lines) if "already [1]" in line)
        await desk.pilot.click(offset=(lines[y].index("[1]") + 1, y))
        await desk.until(lambda: engine.looked_up)


async def test_a_citation_of_an_older_answer_shows_the_older_evidence(sit_down):
    first = example_answer()
    second = first.model_copy(update={"text": "Second answer.", "evidence": first.evidence[:1], "claims": ()})
    plays = iter([[Done(answer=first)], [Done(answer=second)]])
    async with sit_down(ScriptedEngine(lambda _: next(plays)), size=WIDE) as desk:
        await desk.ask("One?")
        await desk.answered()
        await desk.ask("Two?")
        await desk.until(lambda: len(desk.turns) == 2 and desk.turns[1].answer)
        await desk.sees("Evidence · 1 paper")
        lines = desk.text.splitlines()
        y = next(number for number, line in enumerate(lines) if "[3]." in line)
        await desk.pilot.click(offset=(lines[y].index("[3].") + 1, y))
        await desk.until(lambda: isinstance(desk.app.screen, PassageScreen))
        await desk.press("escape")
        await desk.sees("Evidence · 4 papers of an earlier answer")


async def test_a_citation_without_evidence_says_so(sit_down):
    async with sit_down(example_engine()) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", "9")
        await desk.sees("There is no evidence [9].")


async def test_digits_typed_into_the_question_stay_there(sit_down):
    async with sit_down(example_engine()) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("1", "2")
        await desk.sees("│ 12")
        assert desk.app.screen is desk.ask_screen


async def test_letters_typed_anywhere_go_into_the_question(sit_down):
    async with sit_down(example_engine()) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", *"why")
        await desk.press("2", "question_mark")
        await desk.sees("│ why2?")


async def test_arrows_step_through_the_evidence(sit_down):
    async with sit_down(example_engine()) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", "1")
        await desk.sees("[1] Retries")
        await desk.press("right")
        await desk.sees("[2] Deadlines")
        await desk.press("left", "left")
        await desk.sees("[4] Cascades")


async def test_the_quote_is_scrolled_into_view_on_a_long_page(sit_down):
    text = "\n".join(f"Line {number}." for number in range(300)) + "\nThe needle.\n" + "More.\n" * 300
    start = text.index("The needle.")
    page = Surroundings(page=2, page_count=9, text=text, start=start, end=start + 11)
    async with sit_down(_engine_with(page)) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", "1")
        await desk.sees("The needle.", "Line 299.")


async def test_when_the_page_cannot_be_had_the_passage_is_shown_with_the_reason(sit_down):
    async with sit_down(_engine_with(EngineDied("The engine stopped."))) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("escape", "1")
        await desk.sees("Only the passage is shown: The engine stopped.", "A retry policy therefore begins")
