"""Every fault of a model's server becomes one of our typed errors, after one request and in time."""

from __future__ import annotations

import time

import pytest

from pipelines.chat import LangChainModel
from pipelines.errors import (
    ContextTooLong,
    ModelAuth,
    ModelError,
    ModelLimited,
    ModelMalformed,
    ModelMissing,
    ModelOverloaded,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
)
from pipelines.models import ModelSettings, Prompt
from tests.faults.script import (
    Close,
    ContextLengthExceeded,
    Drip,
    Ending,
    Hang,
    Html200,
    Reply,
    Rst,
    Status,
    Step,
    retry_after,
)
from tests.faults.server import FaultServer

_PROMPT = Prompt(system="Be brief.", user="What is a carrel?")
_TEXT = "A carrel is a small desk in a library [1]."

_FAULTS: list[tuple[Step, type[ModelError]]] = [
    (Rst(), ModelUnreachable),
    (Close(), ModelUnreachable),
    (Reply(after=0, then=Ending.RST), ModelUnreachable),
    (Reply(_TEXT, then=Ending.RST), ModelUnreachable),
    (Reply(_TEXT, then=Ending.CHUNKED_CUT), ModelUnreachable),
    (Reply(_TEXT, then=Ending.TRUNCATE), ModelUnreachable),
    (Reply(_TEXT, then=Ending.MIDLINE), ModelUnreachable),
    (Hang(), ModelTimeout),
    (Reply(_TEXT, then=Ending.HANG), ModelTimeout),
    (Drip(bytes_per_second=20), ModelTimeout),
    (retry_after(1), ModelLimited),
    (retry_after(None), ModelLimited),
    (Status(500), ModelOverloaded),
    (Status(502, body="<html>bad gateway</html>"), ModelOverloaded),
    (Status(503), ModelOverloaded),
    (Status(529), ModelOverloaded),
    (Status(408), ModelOverloaded),
    (Status(401), ModelAuth),
    (Status(403), ModelAuth),
    (Status(404), ModelMissing),
    (Status(404, body="<html>nothing here</html>"), ModelMissing),
    (ContextLengthExceeded(), ContextTooLong),
    (Status(413), ContextTooLong),
    (Status(400), ModelMalformed),
    (Html200(), ModelMalformed),
    (Reply(_TEXT, then=Ending.BAD_JSON), ModelMalformed),
    (Reply(_TEXT, then=Ending.NO_CHOICES), ModelMalformed),
    (Reply(then=Ending.EMPTY), ModelMalformed),
    (Reply(_TEXT, then=Ending.ERROR_EVENT), ModelOverloaded),
    (Reply(_TEXT, then=Ending.CONTENT_FILTER), ModelRefused),
]


def _model(server: FaultServer) -> LangChainModel:
    return LangChainModel(
        ModelSettings(name="openai:big", base_url=server.base_url, first_token_seconds=0.5, gap_seconds=0.5)
    )


@pytest.mark.parametrize(
    ("step", "expected"), _FAULTS, ids=lambda value: getattr(value, "__name__", str(value))
)
async def test_a_fault_is_a_typed_error_after_one_request(
    model_server: FaultServer, step: Step, expected: type[ModelError]
) -> None:
    model_server.script(step)
    started = time.monotonic()

    with pytest.raises(ModelError) as failed:
        await _model(model_server).complete(_PROMPT)

    assert type(failed.value) is expected
    assert "openai:big" in failed.value.message
    assert len(model_server.ledger) == 1
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("ending", [Ending.FINISH, Ending.NO_DONE, Ending.NO_REASON])
async def test_a_reply_with_any_proof_of_its_end_is_an_answer(
    model_server: FaultServer, ending: Ending
) -> None:
    model_server.script(Reply(_TEXT, then=ending))

    assert await _model(model_server).complete(_PROMPT) == _TEXT


async def test_a_reply_stopped_by_the_limit_on_tokens_is_given_as_far_as_it_goes(
    model_server: FaultServer,
) -> None:
    model_server.script(Reply(_TEXT, then=Ending.LENGTH))

    said = await _model(model_server).complete(_PROMPT)

    assert said
    assert _TEXT.startswith(said)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(1, 1.0), (300, 300.0), ("-1", None), ("nan", None), (None, None)],
)
async def test_only_a_usable_time_to_come_back_is_believed(
    model_server: FaultServer, value: str | float | None, seconds: float | None
) -> None:
    model_server.script(retry_after(value))

    with pytest.raises(ModelLimited) as limited:
        await _model(model_server).complete(_PROMPT)

    assert limited.value.retry_after_seconds == seconds


async def test_a_wrong_address_is_told_from_a_wrong_model_name(model_server: FaultServer) -> None:
    model_server.script(Status(404, body="<html>nothing here</html>"), times=1)
    model_server.script(Status(404))

    sentences = []
    for _ in range(2):
        with pytest.raises(ModelMissing) as missing:
            await _model(model_server).complete(_PROMPT)
        sentences.append(f"{missing.value.message} {missing.value.hint}")

    assert "base URL" in sentences[0]
    assert "`big`" in sentences[1]
    assert "carrel models" in sentences[1]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v1", "http://models.invalid/v1"])
async def test_a_server_that_is_not_there_is_unreachable(address: str) -> None:
    model = LangChainModel(ModelSettings(name="openai:big", base_url=address))

    with pytest.raises(ModelUnreachable):
        await model.complete(_PROMPT)


async def test_the_providers_own_key_is_not_sent_to_another_address(
    model_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")

    await _model(model_server).complete(_PROMPT)

    assert "canary" not in str(model_server.ledger.exchanges[0].request.headers)
