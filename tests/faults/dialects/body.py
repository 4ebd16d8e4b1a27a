"""Bodies of JSON, whole or cut short: what services share that answer in one piece."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.faults.script import Ending
from tests.faults.wire import Wire

__all__ = ["leave", "send_body", "send_json"]

_JSON = {"Content-Type": "application/json"}


async def send_json(
    wire: Wire, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> None:
    """Sends an object."""
    await wire.whole(status, json.dumps(body).encode(), {**_JSON, **(headers or {})})


async def send_body(wire: Wire, body: bytes, ending: Ending) -> None:
    """Sends JSON that ends as scripted; an ending that is no cut leaves it whole."""
    match ending:
        case Ending.BAD_JSON | Ending.MIDLINE | Ending.TRUNCATE:
            await wire.whole(200, body[: len(body) // 2], _JSON)
        case Ending.RST | Ending.HANG | Ending.CHUNKED_CUT:
            await wire.head(200, {**_JSON, "Content-Length": str(len(body))})
            await wire.raw(body[: len(body) // 2])
            await leave(wire, ending)
        case _:
            await wire.whole(200, body, _JSON)


async def leave(wire: Wire, ending: Ending) -> None:
    """Breaks off: by a reset, by silence, or by closing in good order."""
    if ending is Ending.RST:
        await wire.reset()
    elif ending is Ending.HANG:
        await wire.hang()
    else:
        await wire.close()
