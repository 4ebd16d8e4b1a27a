"""What is taken from a small model's reading of a paper, whatever form it keeps to."""

from __future__ import annotations

import pytest

from pipelines.summarise import relevance_and_summary


@pytest.mark.parametrize(
    ("reply", "relevance", "summary"),
    [
        ("RELEVANCE: 8\nSUMMARY: Jitter spreads retries.", 0.8, "Jitter spreads retries."),
        ("**Relevance:** 8.5/10\n\n**Summary:** Jitter spreads retries.", 0.85, "Jitter spreads retries."),
        ("Relevance\n7\nSummary\nJitter spreads retries.", 0.7, "Jitter spreads retries."),
        ("Relevance score: 0\nSummary: Nothing.", 0.0, "Nothing."),
        ("RELEVANCE: 85\nSUMMARY: Jitter.", 1.0, "Jitter."),
        ("RELEVANCE:\nSUMMARY: 0 of 12 mice died.", None, "0 of 12 mice died."),
        ("RELEVANCE: high\nSUMMARY: 3 mice died.", None, "3 mice died."),
        ("Jitter spreads retries.", None, "Jitter spreads retries."),
        ("", None, ""),
    ],
)
def test_relevance_and_summary_are_found_however_they_are_written(
    reply: str, relevance: float | None, summary: str
) -> None:
    assert relevance_and_summary(reply) == (relevance, summary)
