"""A few hundred random events, and a short stream: what the benchmarks `app_keys` and `app_stream` do at length."""

from __future__ import annotations

from benchmarks.app_keys import press
from benchmarks.app_stream import measure


async def test_random_keys_pastes_clicks_and_resizes_while_streaming_end_nothing(monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "VISUAL", "EDITOR"):
        monkeypatch.delenv(variable, raising=False)
    pressed = await press(200, seed=3)
    assert pressed.crashes == []
    assert sum(pressed.screens.values()) >= 8


async def test_a_fast_stream_loses_nothing():
    assert (await measure(2_000))["lost"] == 0
