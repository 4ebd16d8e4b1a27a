"""A trace leaves Carrel in OpenTelemetry's words, and without a word of a question or a paper unless asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from indexes.errors import SearchError
from pipelines.errors import ModelMalformed
from pipelines.events import Done
from pipelines.models import Models
from pipelines.otel import TelemetryMissing, export, facts_of
from pipelines.research import Research
from pipelines.settings import Limits
from pipelines.testing import PageShelves, ScriptedModel
from pipelines.types import Answer, Outcome, Question, Span, Trace, Usage
from tests.pipelines.papers import BREAKER, FUSION, JITTER, Found, hit, pages

NOTES = [
    hit(f"{text} More about retries of clients." + " They wait at random." * 60, title=title, rank=rank)
    for rank, (title, text) in enumerate([("Jitter", JITTER), ("Breakers", BREAKER), ("Fusion", FUSION)], 1)
]
QUESTION = "How does full jitter spread retries of clients?"
ASKED_AT = 1_700_000_000_000_000_000

TRACE = Trace(
    spans=(
        Span(id=1, name="search", rung="search", branch="keyword", started=0.0, ended=0.25),
        Span(id=3, name="summarise", rung="by small model", branch="A title", started=0.5, ended=0.75,
             status=Outcome.REFUSED, error="It would not read ‘A title’.", model="mistralai:small",
             usage=Usage(calls=1, input_tokens=400)),
        Span(id=2, name="summarise", rung="by small model", branch="Another", started=0.25, ended=1.0,
             model="mistralai:small", usage=Usage(calls=1, input_tokens=500, output_tokens=20, cost_usd=0.002)),
        Span(id=4, name="reason", rung="the reasoning model", started=1.0, ended=2.5, status=Outcome.TIMED_OUT,
             error="TimeoutError", attempt=2, model="openai:acme/large", usage=Usage(calls=1)),
        Span(id=5, name="retrieve", rung="all sources, fused", started=2.5, ended=2.5, status=Outcome.NOTHING_FOUND),
    )
)  # fmt: skip


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


async def an_answer_with_everything_in_it() -> Answer:
    """Summaries, a failed source, and errors that quote what they failed on."""
    small = ScriptedModel(
        lambda prompt: (
            ModelMalformed(f"Not a summary: {prompt.user}")
            if "Breakers" in prompt.user
            else "RELEVANCE: 8\nSUMMARY: Clients wait a random time."
        )
    )
    reasoning = ScriptedModel("Full jitter spreads retries [1].", name="scripted:large", context_tokens=1100)
    sources = (Found("dense", SearchError(f"Cannot search for {QUESTION}")), Found("keyword", NOTES))
    models = Models(small=small, reasoning=reasoning)
    pipeline = Research(PageShelves(pages(NOTES)), sources, models=models, limits=Limits())
    last = [event async for event in pipeline.stream(Question(text=QUESTION))][-1]
    assert isinstance(last, Done)
    return last.answer


def texts_of(answer: Answer) -> list[str]:
    """Everything that a person or a paper has said."""
    said = [QUESTION, answer.text, "Breakers", "Jitter", "Fusion"]
    said += [text for each in answer.evidence for text in (each.document.title, each.quote, each.summary)]
    errors = [span.error for span in answer.trace if span.error]
    assert len(errors) >= 2
    return [text.splitlines()[0][:40] for text in [*said, *errors]]  # as much as JSON writes as it is


def lines(trace: Trace, **how: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in trace.to_jsonl(**how).splitlines()]


def by_name(spans: tuple[ReadableSpan, ...], name: str) -> ReadableSpan:
    (found,) = [span for span in spans if span.name == name]
    return found


def test_each_line_is_a_span_in_the_order_of_start_below_the_question() -> None:
    question, *spans = lines(TRACE)
    assert question["name"] == "question"
    assert question["parent_span_id"] is None
    assert [span["span_id"] for span in spans] == [f"{number:016x}" for number in (1, 2, 3, 4, 5)]
    assert {span["parent_span_id"] for span in spans} == {question["span_id"]}
    assert {line["trace_id"] for line in (question, *spans)} == {question["trace_id"]}
    assert (len(question["trace_id"]), len(question["span_id"])) == (32, 16)
    assert [(span["start_ms"], span["end_ms"]) for span in spans[:2]] == [(0.0, 250.0), (250.0, 1000.0)]
    assert (question["start_ms"], question["end_ms"]) == (0.0, 2500.0)


def test_a_line_tells_rung_model_tokens_cost_and_outcome_under_the_conventional_names() -> None:
    question, _, read, refused, timed_out, nothing = lines(TRACE)
    assert read["status"] == "OK"
    assert read["attributes"] == {
        "carrel.rung": "by small model",
        "carrel.attempt": 1,
        "carrel.outcome": "ok",
        "carrel.branch.number": 1,
        "carrel.calls": 1,
        "carrel.cost_usd": 0.002,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "small",
        "gen_ai.usage.input_tokens": 500,
        "gen_ai.usage.output_tokens": 20,
    }
    assert (refused["status"], refused["attributes"]["error.type"]) == ("ERROR", "refused")
    assert timed_out["attributes"]["carrel.attempt"] == 2
    assert timed_out["attributes"]["error.type"] == "timed_out"
    assert timed_out["attributes"]["gen_ai.request.model"] == "acme/large"
    assert nothing["status"] == "UNSET"
    assert "error.type" not in nothing["attributes"]
    assert question["attributes"]["gen_ai.usage.input_tokens"] == 900


def test_the_same_trace_has_the_same_id_and_another_has_another() -> None:
    other = Trace(spans=TRACE.spans[:-1])
    assert lines(TRACE)[0]["trace_id"] == lines(TRACE)[0]["trace_id"] != lines(other)[0]["trace_id"]


def test_titles_and_the_words_of_errors_are_there_when_they_are_asked_for() -> None:
    refused = lines(TRACE, with_text=True)[3]["attributes"]
    assert refused["carrel.branch"] == "A title"
    assert refused["error.message"] == "It would not read ‘A title’."


async def test_no_text_of_a_question_or_a_paper_is_in_the_lines_unless_asked_for() -> None:
    answer = await an_answer_with_everything_in_it()
    written = answer.trace.to_jsonl()
    assert [text for text in texts_of(answer) if text in written] == []
    assert "Breakers" in answer.trace.to_jsonl(with_text=True)


async def test_no_text_of_a_question_or_a_paper_is_sent_unless_asked_for(
    exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    answer = await an_answer_with_everything_in_it()
    export(answer.trace, facts=facts_of(answer), provider=provider)
    sent = "\n".join(span.to_json() for span in exporter.get_finished_spans())
    assert [text for text in texts_of(answer) if text in sent] == []
    assert '"carrel.found": true' in sent

    exporter.clear()
    export(answer.trace, facts=facts_of(answer, with_text=True), with_text=True, provider=provider)
    question = by_name(exporter.get_finished_spans(), "question")
    assert (question.attributes or {})["carrel.question"] == QUESTION
    assert any("Breakers" in span.to_json() for span in exporter.get_finished_spans())


def test_a_trace_is_sent_as_a_tree_with_its_own_times(
    exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    assert export(TRACE, asked_unix_ns=ASKED_AT, provider=provider) == 6
    spans = exporter.get_finished_spans()
    question, reason = by_name(spans, "question"), by_name(spans, "reason")
    assert question.parent is None
    assert all(span.parent == question.context for span in spans if span is not question)
    assert (question.start_time, question.end_time) == (ASKED_AT, ASKED_AT + 2_500_000_000)
    assert (reason.start_time, reason.end_time) == (ASKED_AT + 1_000_000_000, ASKED_AT + 2_500_000_000)
    assert (reason.kind, by_name(spans, "search").kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    assert (reason.attributes or {})["gen_ai.provider.name"] == "openai"


def test_a_failed_attempt_is_an_error_and_a_good_one_is_not(
    exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    export(TRACE, provider=provider)
    spans = exporter.get_finished_spans()
    codes = {
        name: by_name(spans, name).status.status_code for name in ("search", "reason", "retrieve", "question")
    }
    assert codes == {
        "search": StatusCode.OK,
        "reason": StatusCode.ERROR,
        "retrieve": StatusCode.UNSET,
        "question": StatusCode.OK,
    }
    assert by_name(spans, "reason").status.description is None


def test_the_callers_own_span_is_the_parent(exporter: InMemorySpanExporter, provider: TracerProvider) -> None:
    with provider.get_tracer("a web service").start_as_current_span("request") as request:
        export(TRACE, provider=provider)
    question = by_name(exporter.get_finished_spans(), "question")
    assert question.parent == request.get_span_context()


def test_a_question_that_is_sampled_out_sends_nothing(exporter: InMemorySpanExporter) -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    assert export(TRACE, provider=provider) == 0
    assert exporter.get_finished_spans() == ()


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(TelemetryMissing) as caught:
        export(TRACE)
    assert caught.value.hint == 'pip install "carrel[otel]"'


IN_A_FRESH_PROCESS = """
import sys
from pipelines.otel import export
from pipelines.types import Span, Trace
trace = Trace(spans=(Span(id=1, name="search", rung="search", started=0.0, ended=0.5),))
trace.to_jsonl()
assert not any(name.startswith("opentelemetry") for name in sys.modules)
assert export(trace) == 0

from opentelemetry import trace as api
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
api.set_tracer_provider(TracerProvider())
api.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
assert export(trace) == 2
print([span.name for span in exporter.get_finished_spans()])
"""


def test_the_api_is_imported_only_to_send_and_sends_to_the_provider_of_the_process() -> None:
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "['search', 'question']"
