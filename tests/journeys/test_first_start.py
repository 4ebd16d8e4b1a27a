"""A person starts Carrel for the first time, among their papers, and has a cited answer by keys alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.first_start import first_start


@pytest.mark.timeout(300)
def test_from_the_first_start_to_a_cited_answer_by_keys_alone(data_folder: Path, tmp_path: Path) -> None:
    started = first_start(data_folder / "papers" / "pdf", tmp_path)
    told = ", ".join(f"{stage} after {seconds:.1f} s" for stage, seconds in started.stages.items())
    print(f"\n{told}; {started.read_by_then} of 55 papers were read by then")  # noqa: T201 - for whoever runs it
    assert list(started.stages) == ["welcome", "preview", "asked", "first cited answer"]
    assert started.read_by_then < 55, "it was asked while papers were still being read"
