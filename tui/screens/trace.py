"""The trace of one answer: a waterfall of its spans, and all that is known of the one with the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from assistant.events import Answer, Span, trace_rows
from tui.commands import bindings
from tui.safe import shown, shown_line
from tui.sturdy import Options
from tui.words import count_of, duration

if TYPE_CHECKING:
    from tui.app import CarrelApp

__all__ = ["TraceScreen", "told_span"]

_HEAD = 3
"""Lines of a waterfall above its first span: the summary, a line of air, the axis."""
_LEAST_WIDTH = 40
_NAME_WIDTH = 10


class TraceScreen(Screen[None]):
    """The spans above, in the order they began; the one with the cursor below."""

    app: CarrelApp

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("trace"),
        Binding("escape,backspace", "back", "Back", key_display="Esc", id="leave_trace"),
    ]

    def __init__(self, answer: Answer) -> None:
        """Takes the answer whose trace is shown."""
        super().__init__()
        self._answer = answer
        self._spans: list[Span] = [row.span for row in trace_rows(answer.trace)]

    def compose(self) -> ComposeResult:
        """The question, the whole, the spans, one span."""
        yield Static(shown_line(self._answer.query.text, 300), markup=False, classes="screen-title")
        yield Static(_route(self._answer), markup=False, id="trace-route")
        yield Static("", markup=False, id="trace-axis")
        yield Options(id="spans", markup=False)
        yield Static("", markup=False, id="span")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The first span has the cursor."""
        self.query_one(OptionList).focus()

    def on_resize(self) -> None:
        """Draws to the width."""
        self.call_after_refresh(self._draw)

    def action_back(self) -> None:
        """Returns to the answer."""
        self.dismiss()

    @on(OptionList.OptionHighlighted)
    def show_span(self, event: OptionList.OptionHighlighted) -> None:
        """Tells all of the span with the cursor."""
        if event.option_index < len(self._spans):
            self.query_one("#span", Static).update(told_span(self._spans[event.option_index]))

    def _draw(self) -> None:
        options = self.query_one(OptionList)
        width = max(options.scrollable_content_region.width, _LEAST_WIDTH)
        lines = str(self._answer.trace.waterfall(width=width)).splitlines()
        axis = lines[_HEAD - 1] if len(lines) > _HEAD - 1 else ""
        self.query_one("#trace-axis", Static).update(Content(f"{shown_line(lines[0])}\n\n{shown(axis)}"))
        highlighted = options.highlighted
        options.clear_options()
        options.add_options([Option(Content(shown(line))) for line in lines[_HEAD:]])
        if self._spans:
            options.highlighted = min(highlighted or 0, len(self._spans) - 1)


def _route(answer: Answer) -> Content:
    route = answer.route
    name = shown_line(route.name, 40)
    return Content.assemble(("Why this route: ", "$primary"), f"{shown_line(route.why)} ({name})")


def told_span(span: Span) -> Content:
    """All that is known of a span, a line for each."""
    usage = span.usage
    tokens = f"{usage.input_tokens:,} in, {usage.output_tokens:,} out"
    cost = "" if usage.cost_usd is None else f", ${usage.cost_usd:.4f}"
    asked = count_of(usage.calls, "call") + (f", {usage.recalled:,} recalled" if usage.recalled else "")
    fields = [
        ("Step", f"{span.name} · {span.rung}"),
        ("For", span.branch),
        ("Model", span.model),
        ("Time", f"{duration(span.seconds)}, from {span.started:.2f} s to {span.ended:.2f} s"),
        ("Attempt", str(span.attempt) if span.attempt > 1 else ""),
        ("Ended", str(span.status) + (f": {span.error}" if span.error else "")),
        ("Spent", f"{asked}, {tokens}{cost}" if usage.calls or usage.recalled else ""),
    ]
    lines = [
        Content.assemble((f"{name:<{_NAME_WIDTH}}", "$primary"), shown_line(value, 500))
        for name, value in fields
        if value
    ]
    return Content("\n").join(lines)
