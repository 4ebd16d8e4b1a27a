"""A question's kind is read from its wording, and doubt is said."""

import pytest

from pipelines.classify import kind_by_cues
from pipelines.types import Kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("What is reciprocal rank fusion?", Kind.DEFINITION),
        ("How does full jitter spread retries?", Kind.METHOD),
        ("How many failures open the breaker?", Kind.FACT),
        ("Why do clients retry together?", Kind.REASON),
        ("Compare dense and keyword retrieval", Kind.COMPARISON),
        ("What is the difference between BM25 and cosine?", Kind.COMPARISON),
        ("Give me an overview of routing", Kind.OVERVIEW),
        ("Does jitter reduce the number of calls?", Kind.FACT),
    ],
)
def test_the_wording_tells_the_kind(text: str, kind: Kind) -> None:
    assert kind_by_cues(text)[0] is kind


def test_without_a_cue_the_kind_is_general_and_the_confidence_low() -> None:
    kind, confidence = kind_by_cues("jitter backoff")
    assert kind is Kind.GENERAL
    assert confidence < 0.5
