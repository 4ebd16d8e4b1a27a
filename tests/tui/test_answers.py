"""The text of an answer: it grows as it would have been read at once, wraps, and is copied as it was written."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from textual.geometry import Offset
from textual.selection import Selection

from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import Done, Token
from tui.blocks import blocks_of
from tui.example import example_answer
from tui.prose import Prose
from tui.widgets.answer import AnswerPart, AnswerText

_WIDE = 200
_PIECES = (
    "Begin with **the kind** of the error [1]. ",
    "a `429`\n",
    "\n",
    "- one\n",
    "  - two\n",
    "1. *Back off*\n",
    "2. Obey [2, 3]\n",
    "> quoted\n",
    "| a | b |\n|---|---|\n| c | d |\n",
    "```python\nwait = 1\n",
    "```\n",
    "# Heading\n",
    "---\n",
    "    indented\n",
    "  \n",
    "text  \nbroken\n",
    "\u2028",
    "~~no~~ <b>",
)
markdown = st.lists(st.sampled_from(_PIECES), max_size=14).map("".join)
LONG = """\
# On retries

Begin with **the kind of the error**, not with a number of attempts [1]; a dropped connection may pass.

- The first is short.
- The second is long enough to be wrapped where there is little room for it, as it is here.

| what | how long |
|---|---|
| wait | 0.4 s |

```python
wait = random.uniform(0, limit)
```
"""


@given(markdown, st.data())
@settings(max_examples=400, deadline=None)
@example("a\n2. b\n\n", None)
def test_what_comes_later_changes_the_last_block_alone(text, data):
    whole = blocks_of(text)
    cuts = range(len(text)) if data is None else [data.draw(st.integers(0, len(text)))]
    for cut in cuts:
        finished = blocks_of(text[:cut])[:-1]
        assert finished == whole[: len(finished)]
    for number, block in enumerate(whole):
        again = [(block.start + each.start, each.lines) for each in blocks_of(text[block.start :])]
        assert again == [tuple(each) for each in whole[number:]]


async def test_a_streamed_answer_is_what_it_would_be_at_once(sit_down):
    text = LONG * 8
    tokens = [Token(text=text[start : start + 7]) for start in range(0, len(text), 7)]
    gates = [Gate() for _ in range(3)]
    third = len(tokens) // 3
    script = [*tokens[:third], gates[0], *tokens[third : 2 * third], gates[1], *tokens[2 * third :], gates[2]]
    async with sit_down(ScriptedEngine(script), size=(100, 40)) as desk:
        await desk.ask()
        for gate, until in zip(gates, (third, 2 * third, len(tokens)), strict=True):
            await desk.until(gate.reached.is_set)
            so_far = "".join(token.text for token in tokens[:until])
            answer = desk.turns[0].query_one(AnswerText)
            await desk.until(lambda answer=answer, so_far=so_far: answer.source == so_far)
            gate.open()
        await desk.until(lambda: not desk.ask_screen.is_answering)
        streamed = [part.lines for part in answer.parts]
        assert len(streamed) > 1
        await answer.show("")
        assert not any(part.lines for part in answer.parts)
        await answer.show(text)
        assert [part.lines for part in answer.parts] == streamed


def _shown(text: str, width: int) -> list[str]:
    rows = Prose([line for block in blocks_of(text) for line in block.lines])._laid_out(width).content
    return [row.rstrip() for row in rows.plain.split("\n")]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("- one two three\n- four", ["• one two", "  three", "• four"]),
        ("9. a\n10. b", ["9. a", "10. b"]),
        ("- a\n  - b\n- c", ["• a", "  ▪ b", "• c"]),
        ("- a\n\n  b\n- c", ["• a", "", "  b", "• c"]),
        ("- \n- c", ["•", "• c"]),
        ("> one two three\n>\n> four", ["▌ one two", "▌ three", "▌", "▌ four"]),
        ("a  \nb", ["a", "b"]),
        ("---", ["─" * 10]),
        ("```\na\n\n  b\n```", ["  a", "", "    b"]),
        ("| a | b |\n|--|--|\n| c | d |", ["a │ b", "─" * 10, "c │ d"]),
        ("| a | b |\n|--|--|\n| c | one two |", ["a │ b", "─" * 10, "c │ one", "two"]),
        ("| a | b |\n|--|--|\n| c |", ["a │ b", "─" * 10, "c │"]),
    ],
)
def test_blocks_are_laid_out_for_the_width(text, rows):
    assert _shown(text, 10) == rows


def test_a_cell_is_wrapped_in_its_column():
    table = "| a | b |\n|--|--|\n| c | one two three |"
    assert _shown(table, 12) == ["a │ b", "─" * 12, "c │ one two", "  │ three"]


def test_a_table_that_is_too_wide_is_wrapped_as_text_is_and_loses_nothing():
    table = "|" + "|".join(f"column{number}" for number in range(9)) + "|\n" + "|--" * 9 + "|\n"
    assert "".join(_shown(table, 20)).count("column") == 9


@given(markdown, st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_no_letter_is_lost_at_any_width(text, width):
    lines = [line for block in blocks_of(text) for line in block.lines]
    shown = "".join(_shown(text, width))
    for line in lines:
        assert all(letter in shown for letter in line.content.plain if letter.isalnum())


@given(markdown, st.integers(8, 60), st.data())
@settings(max_examples=200, deadline=None)
def test_every_place_of_the_text_is_found_in_the_row_that_shows_it(text, width, data):
    prose = Prose([line for block in blocks_of(text) for line in block.lines])
    plain = prose.content.plain
    places = [at for at, letter in enumerate(plain) if letter.isalnum()]
    if places:
        place = data.draw(st.sampled_from(places))
        row = prose._laid_out(width).content.plain.split("\n")[prose.row_of(place, width)]
        assert plain[place] in row


def test_a_selection_is_copied_as_it_was_before_it_was_wrapped():
    prose = Prose([line for block in blocks_of("- one two three\n- four") for line in block.lines])
    start, end = (prose.place_of(offset, 10) for offset in (Offset(6, 0), Offset(5, 1)))
    assert Selection(start, end).extract(prose.text) == "two thr"
    assert prose.text == "• one two three\n• four"
    assert prose.place_of(Offset(0, 2), 10) == Offset(0, 1)
    assert prose.place_of(Offset(0, 9), 10) == Offset(0, 2)


async def test_what_is_selected_in_an_answer_is_copied(sit_down):
    done = Done(answer=example_answer().model_copy(update={"text": LONG, "claims": (), "citations": ()}))
    async with sit_down(ScriptedEngine([done]), size=(60, 60)) as desk:
        await desk.ask()
        await desk.answered()
        part = desk.turns[0].query_one(AnswerPart)
        desk.app.screen.selections = {part: Selection(None, None)}
        copied = desk.app.screen.get_selected_text()
        assert (
            "• The second is long enough to be wrapped where there is little room for it, as it is here."
            in copied
        )


async def test_a_click_on_a_citation_in_a_table_opens_its_evidence(sit_down):
    text = "| what | where |\n|---|---|\n| jitter | [1] |\n"
    done = Done(answer=example_answer().model_copy(update={"text": text, "claims": (), "citations": ()}))
    async with sit_down(ScriptedEngine([done]), size=(120, 60)) as desk:
        await desk.ask()
        await desk.answered()
        part = desk.turns[0].query_one(AnswerPart)
        await desk.pilot.click(part, offset=(10, 2))
        await desk.until(lambda: type(desk.app.screen).__name__ == "PassageScreen")


async def test_a_match_far_down_in_a_long_part_is_brought_into_view(sit_down):
    text = "\n".join(f"{number}. item {number}" for number in range(1, 200)).replace("item 90", "needle")
    done = Done(answer=example_answer().model_copy(update={"text": text, "claims": (), "citations": ()}))
    async with sit_down(ScriptedEngine([done]), size=(100, 30)) as desk:
        await desk.ask()
        await desk.answered()
        await desk.ask("/find needle")
        await desk.sees("90. needle")
