"""What was learned of a provider's pace is kept between runs, and counts for less as it grows old."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from pathlib import Path

import pytest

from pipelines.errors import ModelLimited
from pipelines.gate import Gate, Gates
from pipelines.models import ModelSettings

MODEL = ModelSettings(name="openai:gpt-5-mini")


async def slowed(gates: Gates, model: ModelSettings = MODEL) -> Gate:
    gate = gates.for_model(model)
    for _ in range(2):
        with pytest.raises(ModelLimited):
            async with gate.call():
                raise ModelLimited("Too many requests.")
    return gate


def test_models_of_one_provider_and_address_share_a_gate_and_others_do_not() -> None:
    gates = Gates()
    same = MODEL.model_copy(update={"name": "openai:gpt-5"})
    elsewhere = MODEL.model_copy(update={"base_url": "http://localhost:8000/v1"})
    other_key = MODEL.model_copy(update={"api_key_env": "OTHER_KEY"})
    assert gates.for_model(MODEL) is gates.for_model(same)
    assert len({id(gates.for_model(each)) for each in (MODEL, elsewhere, other_key)}) == 3


def test_what_was_learned_is_kept_between_runs_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "providers.json"
    gates = Gates(file)
    learned = asyncio.run(slowed(gates)).spacing_seconds
    gates.save()
    assert learned > 0
    assert Gates(file).for_model(MODEL).spacing_seconds == pytest.approx(learned, rel=1e-3)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["providers.json"]


async def test_a_run_that_did_not_call_a_provider_keeps_what_another_learned(tmp_path: Path) -> None:
    file = tmp_path / "providers.json"
    gates = Gates(file)
    await slowed(gates)
    gates.save()
    Gates(file).save()
    assert Gates(file).for_model(MODEL).spacing_seconds > 0


def test_a_pace_learned_long_ago_counts_for_less(tmp_path: Path) -> None:
    file = tmp_path / "providers.json"
    a_fortnight_ago = time.time() - 14 * 86_400
    file.write_text(json.dumps({"openai": {"spacing_seconds": 2.0, "at": a_fortnight_ago}}))
    assert Gates(file).for_model(MODEL).spacing_seconds == pytest.approx(2 * 0.95**14, rel=1e-3)


def test_a_clock_that_was_set_back_makes_no_pace_faster_or_slower(tmp_path: Path) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps({"openai": {"spacing_seconds": 2.0, "at": time.time() + 86_400}}))
    assert Gates(file).for_model(MODEL).spacing_seconds == 2


def test_where_nothing_was_learned_no_file_is_written(tmp_path: Path) -> None:
    gates = Gates(tmp_path / "providers.json")
    gates.for_model(MODEL)
    gates.save()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"openai": 1}', '{"openai": {"spacing_seconds": -1, "at": 0}}']
)
def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "providers.json"
    file.write_text(text)
    assert Gates(file).for_model(MODEL).spacing_seconds == 0
