"""A trace's spans in the order they are shown, their names and numbers in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indexes.clean import clean_line
from pipelines.types import Outcome, Span, Trace, Usage

__all__ = [
    "Row",
    "in_dollars",
    "in_milliseconds",
    "in_tokens",
    "last_moment",
    "model_of",
    "rows_of",
    "status_of",
    "summary_of",
]


@dataclass(frozen=True)
class Row:
    """A span and how it relates to the one above it."""

    span: Span
    is_first: bool
    """Whether another step's span stands above it."""
    replaced: Span | None
    """The failed attempt above it, for which it stands in."""

    @property
    def step(self) -> str:
        """The step's name, once for all of its lines."""
        return clean_line(self.span.name) if self.is_first else ""

    @property
    def names(self) -> tuple[str, ...]:
        """The branch and the rung, as far as the lines above do not say them."""
        span, replaced = self.span, self.replaced
        names: tuple[str, ...]
        if replaced is None:
            names = (span.branch, "" if span.branch and span.rung == span.name else span.rung)
        else:
            names = (f"try {span.attempt}" if span.rung == replaced.rung else span.rung,)
        return tuple(clean_line(name) for name in names if name)

    @property
    def what(self) -> str:
        """All of it in one line."""
        return ("↳ " if self.replaced else "") + " · ".join(self.names)

    @property
    def failed(self) -> bool:
        """Whether it gave no value."""
        return self.span.status not in (Outcome.OK, Outcome.PARTIAL, Outcome.SKIPPED)


def rows_of(trace: Trace) -> list[Row]:
    """Spans by start, those of one step and branch together."""
    branches: dict[tuple[str, str], list[Span]] = {}
    for span in sorted(trace.spans, key=lambda span: (span.started, span.id)):
        branches.setdefault((span.name, span.branch), []).append(span)
    rows: list[Row] = []
    for spans in branches.values():
        for before, span in zip([None, *spans], spans, strict=False):
            is_first = not rows or rows[-1].span.name != span.name
            # Two papers of one title run side by side: neither stands in for the other.
            replaced = before if before is not None and before.ended <= span.started else None
            rows.append(Row(span, is_first=is_first, replaced=replaced))
    return rows


def summary_of(trace: Trace) -> str:
    """What the whole took and cost, in one line."""
    usage = sum((span.usage for span in trace.spans), Usage())
    said = [f"{last_moment(trace.spans):,.2f} s"]
    if usage.calls:
        said.append(_counted(usage.calls, "model call"))
    if usage.recalled:
        said.append(f"{usage.recalled:,} recalled")
    if usage.input_tokens or usage.output_tokens:
        said.append(f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out")
    if usage.cost_usd is not None:
        said.append(in_dollars(usage.cost_usd))
    if usage.unpriced_calls:
        said.append(f"{usage.unpriced_calls:,} of unknown price")
    if usage.web_searches:
        said.append(_counted(usage.web_searches, "web search", "web searches"))
    return " · ".join(said)


def last_moment(spans: Sequence[Span]) -> float:
    """Seconds from the question to the end of the last span."""
    return max((max(span.started, span.ended) for span in spans), default=0.0)


def in_milliseconds(seconds: float) -> str:
    """A duration as a number of milliseconds, with one decimal when it is short."""
    milliseconds = seconds * 1000
    return f"{milliseconds:.1f}" if milliseconds < 9.95 else f"{milliseconds:,.0f}"


def in_dollars(dollars: float) -> str:
    """A cost, to a hundredth of a cent."""
    if 0 < dollars < 0.00005:
        return "<$0.0001"
    return f"${dollars:.2f}" if dollars >= 1 or not dollars else f"${dollars:.4f}"


def in_tokens(usage: Usage) -> str:
    """Tokens read and written; empty when there were none."""
    if not usage.input_tokens and not usage.output_tokens:
        return ""
    return f"{_short(usage.input_tokens)}→{_short(usage.output_tokens)}"


def status_of(span: Span) -> str:
    """How it ended, in words; empty when all was well and the work was done here and now."""
    if span.status is Outcome.OK:
        return "recalled" if span.usage.recalled and not span.usage.calls else ""
    return span.status.value


def model_of(span: Span) -> str:
    """The model's own name, without the provider and the maker in front of it."""
    name = clean_line(span.model)
    return name.partition(":")[2].rpartition("/")[2] or name


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _short(number: int) -> str:
    return str(number) if number < 10_000 else f"{number / 1000:,.0f}k"
