"""A question can be recorded and replayed, and its trace given to OpenTelemetry, through the front door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from assistant import Assistant
from assistant.build import find_encoder
from assistant.demo import NOTES
from assistant.events import CarrelError
from assistant.paths import find_paths
from assistant.settings import load_settings
from pipelines.embeddings import RemoteEncoder
from tests.faults.script import Hang
from tests.faults.server import FaultServer

QUESTION = "How are retries of many clients spread over time?"


@pytest.fixture
def assistant(model_server: FaultServer) -> Iterator[Assistant]:
    """Over the built-in notes, with two models at the scripted server."""
    with Assistant(
        web="never",
        small="openai:small",
        reasoning="openai:big",
        base_url=model_server.base_url,
        library__encoder="none",
        limits__reason_seconds=1.0,
    ) as assistant:
        assistant.add(NOTES)
        yield assistant


def test_a_recorded_question_is_replayed_word_for_word_by_another_assistant(
    assistant: Assistant, model_server: FaultServer, tmp_path: Path
) -> None:
    model_server.script(Hang(), model="big")
    recording = tmp_path / "question.jsonl"
    answer = assistant.ask(QUESTION, record=recording)
    assert [each.rung for each in answer.degraded] == ["a simpler summary"]
    called = len(model_server.ledger)

    with Assistant(tmp_path / "elsewhere", web="never") as other:
        again = other.replay(recording)

    assert (again.text, again.citations, again.degraded) == (answer.text, answer.citations, answer.degraded)
    assert again.usage.calls == answer.usage.calls
    assert len(model_server.ledger) == called


def test_a_recording_replaces_no_file(assistant: Assistant, tmp_path: Path) -> None:
    precious = tmp_path / "precious.jsonl"
    precious.write_text("keep me")

    with pytest.raises(CarrelError, match="precious"):
        assistant.ask(QUESTION, record=precious)

    assert precious.read_text() == "keep me"


def test_a_trace_is_given_to_opentelemetry_only_when_the_settings_say_so(
    assistant: Assistant, tmp_path: Path
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    assistant.ask(QUESTION)
    assert not exporter.get_finished_spans()

    with Assistant(tmp_path / "traced", web="never", tracing__opentelemetry=True) as traced:
        traced.add(NOTES)
        answer = traced.ask(QUESTION)

    spans = exporter.get_finished_spans()
    assert len(spans) == len(answer.trace.spans) + 1
    assert QUESTION not in str([span.to_json() for span in spans])


def test_an_encoder_named_by_its_provider_is_that_providers(tmp_path: Path) -> None:
    settings = load_settings(
        tmp_path, overrides={"library.encoder": "openai:text-embedding-3-small", "web": "never"}
    )
    encoder = find_encoder(settings, find_paths(tmp_path))
    assert isinstance(encoder, RemoteEncoder)
    assert encoder.name == "openai:text-embedding-3-small"
