"""A trace drawn in a terminal and a notebook: what ran when, what failed, what it cost, and nothing harmful."""

from __future__ import annotations

import itertools
from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from indexes.clean import count_unsafe
from pipelines.types import Outcome, Span, Trace, Usage

_numbers = itertools.count(1)
HOSTILE = "\x1b]0;owned\x07[/nope] <img src=x onerror=alert(1)> \u202egnirts\u202c &amp;\n\r[1]\ud800"


def span(name: str, rung: str, started: float, ended: float, **more: Any) -> Span:
    return Span(id=next(_numbers), name=name, rung=rung, started=started, ended=ended, **more)


def spent(tokens_in: int, tokens_out: int, dollars: float | None = None) -> Usage:
    return Usage(calls=1, input_tokens=tokens_in, output_tokens=tokens_out, cost_usd=dollars)


# In the order they ended, as a recorder keeps them.
ASKED = Trace(
    spans=(
        span("classify", "by cues", 0.000, 0.002),
        span("search", "search", 0.002, 0.050, branch="keyword"),
        span("search", "search", 0.002, 0.250, branch="dense"),
        span("summarise", "by small model", 0.25, 0.5, branch="Circuit breakers", status=Outcome.REFUSED,
             error="It declined.", model="ollama:qwen3:4b", usage=spent(465, 0)),
        span("summarise", "the passages themselves", 0.5, 0.5, branch="Circuit breakers"),
        span("summarise", "by small model", 0.25, 0.75, branch="Retries", model="ollama:qwen3:4b", usage=spent(561, 18)),
        span("reason", "the reasoning model", 0.75, 1.0, status=Outcome.LIMITED, model="openai:acme/large"),
        span("reason", "the reasoning model", 1.25, 1.75, attempt=2, status=Outcome.TIMED_OUT, error="TimeoutError",
             model="openai:acme/large", usage=spent(710, 0, 0.003)),
        span("reason", "a simpler summary", 1.75, 2.0, model="ollama:qwen3:4b", usage=spent(400, 61)),
    )
)  # fmt: skip

PICTURE = """\
2.00 s · 4 model calls · 2,136 tokens in, 79 out · $0.0030

step       what                  0 s    1 s        ms  model, tokens, cost
classify   by cues               ╸      ┊         2.0
search     keyword               ╸      ┊          48
           dense                 ━━     ┊         248
summarise  Circuit breakers      ┊╺╍╍   ┊         250  refused qwen3:4b 465→0
           ↳ the passages them…  ┊  ╺   ┊         0.0
           Retries               ┊╺━━━━ ┊         500  qwen3:4b 561→18
reason     the reasoning model   ┊    ╺╍╸         250  limited large
           ↳ try 2               ┊      ┊ ╍╍╍╍╸   500  timed out 710→0 $0.0030
           ↳ a simpler summary   ┊      ┊     ━━  250  qwen3:4b 400→61"""


def lines(trace: Trace, **how: Any) -> list[str]:
    """The lines of the spans, without the summary and the axis."""
    return str(trace.waterfall(**how)).splitlines()[3:]


def extent(line: str) -> tuple[int, int]:
    """First and last cell of the bar."""
    drawn = [cell for cell, sign in enumerate(line) if sign in "━╸╺╍"]
    return drawn[0], drawn[-1]


def the_line(trace: Trace, words: str, **how: Any) -> str:
    (found,) = [line for line in lines(trace, **how) if words in line]
    return found


class Tags(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_each_span_is_a_line_in_the_order_of_start_and_what_replaced_a_failure_stands_below_it() -> None:
    drawn = lines(ASKED, width=120)
    assert len(drawn) == len(ASKED.spans)
    names = ["by cues", "keyword", "dense", "Circuit breakers · by small model", "↳ the passages themselves",
             "Retries · by small model", "the reasoning model", "↳ try 2", "↳ a simpler summary"]  # fmt: skip
    assert [line[11:44].strip() for line in drawn] == names
    steps = ["classify", "search", "summarise", "reason"]
    assert [line.split()[0] for line in drawn if not line.startswith(" ")] == steps


def test_a_trace_looks_like_this() -> None:
    assert str(ASKED.waterfall()) == PICTURE


def test_what_ran_side_by_side_begins_in_one_column_and_what_came_after_begins_where_that_ends() -> None:
    keyword, dense = (extent(the_line(ASKED, name, width=120)) for name in ("keyword", "dense"))
    reading, reasoning = (extent(the_line(ASKED, name, width=120)) for name in ("Retries", "↳ try 2"))
    assert keyword[0] == dense[0]
    assert keyword[1] < dense[1] == reading[0]
    assert reading[1] < reasoning[0]


def test_a_bar_is_as_long_as_its_span_took_on_the_common_axis() -> None:
    axis = str(ASKED.waterfall(width=120)).splitlines()[2]
    first, last = extent(the_line(ASKED, "↳ try 2", width=120))
    a_second = axis.index("1 s") - axis.index("0 s")
    assert abs(first - axis.index("0 s") - 1.25 * a_second) < 2
    assert abs(last + 1 - first - 0.5 * a_second) < 2


def test_a_line_says_how_the_attempt_ended_with_which_model_and_what_it_cost() -> None:
    assert the_line(ASKED, "↳ try 2", width=120).endswith("500  timed out large 710→0 $0.0030")
    assert the_line(ASKED, "Circuit", width=120).endswith("250  refused qwen3:4b 465→0")
    assert the_line(ASKED, "Retries", width=120).endswith("500  qwen3:4b 561→18")
    assert the_line(ASKED, "dense", width=120).endswith(" 248")


def test_the_first_line_sums_up() -> None:
    assert str(ASKED.waterfall()).startswith("2.00 s · 4 model calls · 2,136 tokens in, 79 out · $0.0030\n")


def test_what_was_recalled_and_what_has_no_known_price_is_said() -> None:
    read = span("summarise", "read", 0, 1, model="ollama:small", usage=Usage(recalled=1))
    wrote = span("reason", "write", 1, 2, model="ollama:large", usage=Usage(calls=1, unpriced_calls=1))
    drawn = str(Trace(spans=(read, wrote)).waterfall())
    assert drawn.startswith("2.00 s · 1 model call · 1 recalled · 1 of unknown price\n")
    assert "recalled small" in drawn


def test_where_room_is_short_the_models_name_gives_way_and_the_outcome_stays() -> None:
    assert "timed out large 710→0 $0.0030" in the_line(ASKED, "↳ try 2", width=120)
    assert "timed out 710→0 $0.0030" in the_line(ASKED, "↳ try 2", width=80)


def test_failed_bars_differ_from_good_ones_without_colour() -> None:
    assert "╍" in the_line(ASKED, "Circuit")
    assert "━" in the_line(ASKED, "Retries")
    assert ":xxx " in the_line(ASKED, "Circuit", ascii=True)
    assert str(ASKED.waterfall(ascii=True)).isascii()


def test_two_papers_of_one_title_are_not_taken_for_a_fallback() -> None:
    twins = Trace(
        spans=(
            span("summarise", "read", 0.0, 0.3, branch="Untitled"),
            span("summarise", "read", 0.0, 0.2, branch="Untitled"),
        )
    )
    assert "↳" not in str(twins.waterfall())


def test_a_trace_without_spans_says_so() -> None:
    assert str(Trace().waterfall()) == "Nothing was run."
    assert "Nothing was run." in Trace().waterfall()._repr_html_()


def test_a_question_that_took_no_time_at_all_is_drawn() -> None:
    assert "╸" in str(Trace(spans=(span("classify", "by cues", 0.0, 0.0),)).waterfall())


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Span,
            id=st.integers(1, 99),
            name=st.text(max_size=20).filter(lambda text: text.isprintable()),
            rung=st.sampled_from(["by small model", "日本語の論文を読む", "👩‍💻 reads", HOSTILE[:-1]]),
            branch=st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
            started=st.floats(0, 500),
            ended=st.floats(0, 500),
            attempt=st.integers(1, 4),
            status=st.sampled_from(Outcome),
            model=st.sampled_from(["", "ollama:qwen3:4b", "openai:" + "大" * 40]),
            usage=st.builds(Usage, input_tokens=st.integers(0, 10**9), cost_usd=st.floats(0, 999)),
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 160),
    st.booleans(),
)
def test_no_text_makes_a_line_wider_than_asked_for_or_breaks_it(
    spans: list[Span], width: int, in_ascii: bool
) -> None:
    drawn = str(Trace(spans=tuple(spans)).waterfall(width=width, ascii=in_ascii))
    assert len(drawn.split("\n")) == len(spans) + 3
    assert max(map(cell_len, drawn.split("\n"))) <= width
    assert count_unsafe(drawn) == 0
    assert drawn.isascii() or not in_ascii


def test_text_from_papers_and_models_is_harmless_in_a_terminal_and_in_a_notebook() -> None:
    hostile = HOSTILE[:-1]
    trace = Trace(spans=(span(hostile, hostile, 0, 1, branch=hostile, model=hostile, error=hostile),))
    page = Tags(trace.waterfall()._repr_html_())
    assert count_unsafe(str(trace.waterfall(width=200))) == 0
    assert page.tags == {"div", "p", "table", "thead", "tbody", "tr", "th", "td", "bdi"}
    assert page.attributes == {"class", "style"}
    assert "[/nope] <img src=x onerror=alert(1)>" in page.text
    assert count_unsafe(page.text) == 0


def test_a_notebook_gets_a_table_with_a_bar_for_each_span_and_a_plain_text_beside_it() -> None:
    bundle = ASKED.waterfall()._repr_mimebundle_()
    assert bundle["text/plain"] == str(ASKED.waterfall())
    assert bundle["text/html"].count("margin-left:") == len(ASKED.spans)
    assert "margin-left:62.50%;width:25.00%" in bundle["text/html"]
    text = Tags(bundle["text/html"]).text
    for words in ("timed out", "↳ a simpler summary", "openai:acme/large", "561→18", "↳ try 2"):
        assert words in text
