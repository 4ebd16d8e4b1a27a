"""A trace in OpenTelemetry's words: as JSON lines, and through its API where the person has set that up."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from indexes.clean import clean, clean_line
from indexes.errors import CarrelError
from pipelines.trace_rows import last_moment
from pipelines.types import Answer, Outcome, Span, Trace, Usage

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["Attributes", "TelemetryMissing", "export", "facts_of", "to_jsonl"]

Attributes = Mapping[str, str | int | float | bool]

_ROOT = "question"
_WELL = frozenset({Outcome.OK})
_NEITHER = frozenset({Outcome.PARTIAL, Outcome.SKIPPED, Outcome.NOTHING_FOUND, Outcome.CANCELLED})
"""Neither good nor an error: the next rung takes over, or nobody waits any more."""
_PROVIDERS = {"google_genai": "gcp.gemini", "mistralai": "mistral_ai"}
"""Where the conventions for generative AI spell a provider otherwise than LangChain."""


class TelemetryMissing(CarrelError):
    """OpenTelemetry's API is not installed."""

    default_hint = 'pip install "carrel[otel]"'


def to_jsonl(trace: Trace, *, with_text: bool = False) -> str:
    """Returns one JSON object a line: the question, then its spans in the order of their start.

    Args:
        trace: Of one question.
        with_text: Whether titles of papers and the words of errors, which may quote anything, are in it.
            Without them a branch is a number, counted from 1 in each step.
    """
    trace_id = hashlib.sha256(trace.model_dump_json().encode()).hexdigest()[:32]
    root_id = trace_id[:16]
    numbers = _branch_numbers(trace)
    lines = [
        {
            "name": _ROOT,
            "trace_id": trace_id,
            "span_id": root_id,
            "parent_span_id": None,
            "start_ms": 0.0,
            "end_ms": _milliseconds(last_moment(trace.spans)),
            "status": "OK",
            "attributes": dict(_usage_of(_spent(trace))),
        }
    ]
    lines += [
        {
            "name": clean_line(span.name),
            "trace_id": trace_id,
            "span_id": f"{span.id:016x}",
            "parent_span_id": root_id,
            "start_ms": _milliseconds(span.started),
            "end_ms": _milliseconds(span.ended),
            "status": _status_code(span),
            "attributes": dict(_attributes(span, numbers, with_text=with_text)),
        }
        for span in _by_start(trace)
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def export(
    trace: Trace,
    *,
    facts: Attributes | None = None,
    asked_unix_ns: int | None = None,
    with_text: bool = False,
    provider: TracerProvider | None = None,
) -> int:
    """Sends the spans of a finished question; the current OpenTelemetry span, if any, is their parent.

    Blocks for as long as the provider's exporter does; one that exports in batches does not.

    Args:
        trace: Of one question.
        facts: Attributes of the question's own span; see `facts_of`.
        asked_unix_ns: When it was asked, in nanoseconds since 1970; by default it has ended just now.
        with_text: Whether titles of papers and the words of errors are sent.
        provider: In place of the one that is set up for the process.

    Returns:
        How many spans were sent: none where no provider is set up, or where it samples this one out.

    Raises:
        TelemetryMissing: OpenTelemetry's API is not installed.
    """
    try:
        from opentelemetry import trace as api
    except ImportError as error:
        raise TelemetryMissing("Traces cannot be sent: OpenTelemetry's API is not installed.") from error

    if asked_unix_ns is None:
        asked_unix_ns = time.time_ns() - _nanoseconds(last_moment(trace.spans))
    tracer = api.get_tracer("carrel", tracer_provider=provider)
    root = tracer.start_span(
        _ROOT, attributes={**_usage_of(_spent(trace)), **(facts or {})}, start_time=asked_unix_ns
    )
    if not root.is_recording():
        return 0
    numbers = _branch_numbers(trace)
    for span in _by_start(trace):
        sent = tracer.start_span(
            clean_line(span.name),
            context=api.set_span_in_context(root),
            kind=api.SpanKind.CLIENT if span.model else api.SpanKind.INTERNAL,
            attributes=_attributes(span, numbers, with_text=with_text),
            start_time=asked_unix_ns + _nanoseconds(span.started),
        )
        words = clean_line(span.error) if with_text and span.error else None
        code = api.StatusCode[_status_code(span)]
        sent.set_status(code, words if code is api.StatusCode.ERROR else None)
        sent.end(asked_unix_ns + _nanoseconds(span.ended))
    root.set_status(api.StatusCode.OK)
    root.end(asked_unix_ns + _nanoseconds(last_moment(trace.spans)))
    return len(trace.spans) + 1


def facts_of(answer: Answer, *, with_text: bool = False) -> Attributes:
    """What the question's own span says of the answer: counts and names, and its text only when asked for."""
    facts: dict[str, str | int | float | bool] = {
        "carrel.route": clean_line(answer.route.name),
        "carrel.kind": answer.query.kind.value,
        "carrel.author": clean_line(answer.author),
        "carrel.found": answer.found,
        "carrel.evidence": len(answer.evidence),
        "carrel.citations": len(answer.citations),
        "carrel.citations.verified": sum(citation.verified for citation in answer.citations),
        "carrel.fallbacks": len(answer.degraded),
    }
    if with_text:
        facts |= {"carrel.question": clean(answer.query.text), "carrel.answer": clean(answer.text)}
    return facts


def _attributes(span: Span, numbers: Mapping[tuple[str, str], int], *, with_text: bool) -> Attributes:
    attributes: dict[str, str | int | float | bool] = {
        "carrel.rung": clean_line(span.rung),
        "carrel.attempt": span.attempt,
        "carrel.outcome": span.status.value,
        **_usage_of(span.usage),
    }
    if span.branch:
        attributes["carrel.branch.number"] = numbers[span.name, span.branch]
    if span.model:
        attributes |= _model_of(span.model)
    if _status_code(span) == "ERROR":
        attributes["error.type"] = span.status.value.replace(" ", "_")
    if with_text and span.branch:
        attributes["carrel.branch"] = clean_line(span.branch)
    if with_text and span.error:
        attributes["error.message"] = clean_line(span.error)
    return attributes


def _usage_of(usage: Usage) -> Attributes:
    """What was spent, as far as anything was."""
    spent: dict[str, str | int | float | bool] = {}
    if usage.calls:
        spent["carrel.calls"] = usage.calls
    if usage.recalled:
        spent["carrel.recalled"] = usage.recalled
    if usage.unpriced_calls:
        spent["carrel.calls.unpriced"] = usage.unpriced_calls
    if usage.input_tokens or usage.output_tokens:
        spent["gen_ai.usage.input_tokens"] = usage.input_tokens
        spent["gen_ai.usage.output_tokens"] = usage.output_tokens
    if usage.web_searches:
        spent["carrel.web_searches"] = usage.web_searches
    if usage.cost_usd is not None:
        spent["carrel.cost_usd"] = usage.cost_usd
    return spent


def _model_of(name: str) -> Attributes:
    provider, _, model = clean_line(name).partition(":")
    provider = provider.replace("-", "_")
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS.get(provider, provider),
        "gen_ai.request.model": model,
    }


def _status_code(span: Span) -> str:
    if span.status in _WELL:
        return "OK"
    return "UNSET" if span.status in _NEITHER else "ERROR"


def _branch_numbers(trace: Trace) -> dict[tuple[str, str], int]:
    """A number for each branch of a step, from 1, in the order in which they began."""
    numbers: dict[tuple[str, str], int] = {}
    branches: dict[str, int] = {}
    for span in _by_start(trace):
        if span.branch and (span.name, span.branch) not in numbers:
            branches[span.name] = branches.get(span.name, 0) + 1
            numbers[span.name, span.branch] = branches[span.name]
    return numbers


def _by_start(trace: Trace) -> list[Span]:
    return sorted(trace.spans, key=lambda span: (span.started, span.id))


def _spent(trace: Trace) -> Usage:
    return sum((span.usage for span in trace.spans), Usage())


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
