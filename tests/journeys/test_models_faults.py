"""Every fault of a model's server becomes one of our typed errors, after one request and in time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import langchain_anthropic  # noqa: F401 - loading a client takes seconds, which no fault is to be charged with
import langchain_ollama  # noqa: F401
import langchain_openai  # noqa: F401
import pytest
from _pytest.mark.structures import ParameterSet

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
from tests.faults.dialects.anthropic import AnthropicMessages
from tests.faults.dialects.chat import ChatDialect, Said
from tests.faults.dialects.ollama import OllamaChat
from tests.faults.dialects.openai_chat import OpenAIChat
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
from tests.faults.wire import Request

_PROMPT = Prompt(system="Be brief.", user="What is a carrel?")
_TEXT = "A carrel is a small desk in a library [1]."

_DIALECTS: dict[str, type[ChatDialect]] = {
    "openai": OpenAIChat,
    "anthropic": AnthropicMessages,
    "ollama": OllamaChat,
}

_FAULTS: list[tuple[Step, type[ModelError] | dict[str, type[ModelError]]]] = [
    (Rst(), ModelUnreachable),
    (Close(), ModelUnreachable),
    (Reply(after=0, then=Ending.RST), ModelUnreachable),
    (Reply(_TEXT, then=Ending.RST), ModelUnreachable),
    (Reply(_TEXT, then=Ending.CHUNKED_CUT), ModelUnreachable),
    (Reply(_TEXT, then=Ending.TRUNCATE), ModelUnreachable),
    (Reply(_TEXT, then=Ending.MIDLINE), ModelUnreachable),
    (Hang(), ModelTimeout),
    (Reply(_TEXT, then=Ending.HANG), ModelTimeout),
    (Drip(bytes_per_second=10), ModelTimeout),
    (retry_after(1), ModelLimited),
    (retry_after(None), ModelLimited),
    (Status(500), ModelOverloaded),
    (Status(502, body="<html>bad gateway</html>"), ModelOverloaded),
    (Status(503), ModelOverloaded),
    (Status(529), ModelOverloaded),
    (Status(408), ModelOverloaded),
    (Status(401), ModelAuth),
    (Status(402), ModelAuth),
    (Status(403), ModelAuth),
    (Status(404), ModelMissing),
    (Status(404, body="<html>nothing here</html>"), ModelMissing),
    (ContextLengthExceeded(), ContextTooLong),
    (Status(413), ContextTooLong),
    (Status(400), ModelMalformed),
    (Status(422), ModelMalformed),
    (Html200(), ModelMalformed),
    (Reply(_TEXT, then=Ending.BAD_JSON), ModelMalformed),
    (Reply(_TEXT, then=Ending.NO_CHOICES), ModelMalformed),
    (Reply(then=Ending.EMPTY), ModelMalformed),
    (Reply(_TEXT, after=0, then=Ending.LENGTH), ModelMalformed),
    (Reply(_TEXT, then=Ending.ERROR_EVENT), ModelOverloaded),
    (Reply(_TEXT, then=Ending.CONTENT_FILTER), ModelRefused),
    # LangChain's OpenAI client drops the field that a refusal is streamed in, so what is left is empty.
    (Reply(then=Ending.REFUSAL), {"openai": ModelMalformed, "anthropic": ModelRefused}),
]


def _possible(provider: str, step: Step) -> bool:
    return not (isinstance(step, Reply) and step.then in _DIALECTS[provider].impossible)


def _rows() -> list[ParameterSet]:
    """Every fault for each client, but for those that its protocol has no form for."""
    return [
        pytest.param(provider, step, error[provider] if isinstance(error, dict) else error)
        for provider in _DIALECTS
        for step, error in _FAULTS
        if _possible(provider, step)
    ]


@pytest.fixture(params=_DIALECTS)
def provider(request: pytest.FixtureRequest) -> str:
    """Each of the three clients in turn; a test that names its provider gets that one."""
    return str(request.param)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, FaultServer]]:
    """One server for each provider's protocol."""
    with ExitStack() as running:
        yield {
            provider: running.enter_context(FaultServer(dialect(), prefix=_prefix(provider)))
            for provider, dialect in _DIALECTS.items()
        }


@pytest.fixture(scope="module")
def models(servers: dict[str, FaultServer]) -> dict[str, LangChainModel]:
    """One model at each server: to make a client costs more than to meet a fault."""
    return {provider: LangChainModel(_settings(provider, server)) for provider, server in servers.items()}


@pytest.fixture
def server(provider: str, servers: dict[str, FaultServer]) -> FaultServer:
    """The server that speaks the provider's protocol, well again and with nothing in its ledger."""
    servers[provider].behave()
    servers[provider].ledger.clear()
    return servers[provider]


@pytest.fixture
def model(provider: str, server: FaultServer, models: dict[str, LangChainModel]) -> LangChainModel:
    return models[provider]


def _prefix(provider: str) -> str:
    return "/v1" if provider == "openai" else ""


def _settings(provider: str, server: FaultServer, **more: object) -> ModelSettings:
    limits = {"first_token_seconds": 1.0, "gap_seconds": 1.0}
    return ModelSettings.model_validate(
        {"name": f"{provider}:big", "base_url": server.base_url, **limits, **more}
    )


@pytest.mark.parametrize(
    ("provider", "step", "expected"), _rows(), ids=lambda value: getattr(value, "__name__", str(value))
)
async def test_a_fault_is_a_typed_error_after_one_request(
    model: LangChainModel, server: FaultServer, step: Step, expected: type[ModelError]
) -> None:
    server.script(step)
    started = time.monotonic()

    with pytest.raises(ModelError) as failed:
        await model.complete(_PROMPT)

    assert type(failed.value) is expected
    assert model.settings.name in failed.value.message
    assert len(server.ledger) == 1
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("ending", [Ending.FINISH, Ending.NO_DONE, Ending.NO_REASON])
async def test_a_reply_with_any_proof_of_its_end_is_an_answer(
    provider: str, model: LangChainModel, server: FaultServer, ending: Ending
) -> None:
    step = Reply(_TEXT, then=ending)
    if not _possible(provider, step):
        step = Reply(_TEXT)
    server.script(step)

    assert await model.complete(_PROMPT) == _TEXT


async def test_a_reply_stopped_by_the_limit_on_tokens_is_given_as_far_as_it_goes(
    model: LangChainModel, server: FaultServer
) -> None:
    server.script(Reply(_TEXT, then=Ending.LENGTH))

    said = await model.complete(_PROMPT)

    assert said
    assert _TEXT.startswith(said)


@pytest.mark.parametrize("seed", range(4))
async def test_of_fifty_streams_cut_anywhere_none_passes_for_an_answer(
    provider: str, model: LangChainModel, server: FaultServer, seed: int
) -> None:
    """Two hundred for each client; a stream cut after its proof may pass, with the whole text."""
    chance = random.Random(f"{provider}-{seed}")
    taken: Counter[str] = Counter()
    for _ in range(50):
        words = [
            chance.choice("desk oak monk winter shelf lamp".split()) for _ in range(chance.randint(2, 12))
        ]
        text = " ".join(words)
        server.behave()
        server.script(_cut(provider, text, chance))
        try:
            said = await model.complete(_PROMPT)
        except ModelError as error:
            taken[type(error).__name__] += 1
        else:
            assert said == text, f"{said!r} is not all of {text!r}"
            taken["whole"] += 1

    assert taken["whole"] <= 8, "so many cuts cannot all have come after the end"
    assert set(taken) <= {"whole", "ModelUnreachable", "ModelMalformed"}
    assert taken["ModelMalformed"] <= 10, "only a reply without any text looks like no reply"


def _cut(provider: str, text: str, chance: random.Random) -> Step:
    """A cut between two pieces in one of four ways, or at any byte of the stream."""
    if chance.random() < 0.5:
        endings = [Ending.TRUNCATE, Ending.MIDLINE, Ending.CHUNKED_CUT, Ending.RST]
        return Reply(text, after=chance.randint(0, len(text.split())), then=chance.choice(endings))
    dialect = _DIALECTS[provider]()
    body = {"model": "big", "stream": True, "stream_options": {"include_usage": True}}
    said = Said.of(Reply(text), Request("POST", dialect.chat_path, {}, json.dumps(body).encode()), text)
    events = [*dialect.opening(said), *(dialect.piece(said, piece) for piece in said.pieces)]
    stream = b"".join([*events, *dialect.closing(said)])
    whole = stream[: chance.randrange(1, len(stream))]
    return Status(200, {"Content-Type": dialect.stream_type}, body=whole.decode())


async def test_a_reply_that_goes_in_circles_is_stopped_early(
    model: LangChainModel, server: FaultServer
) -> None:
    server.script(Reply("A carrel is a desk. " + "Let me look at the sources once more. " * 1_500))
    shown = []

    async def listen() -> None:
        async for piece in model.stream(_PROMPT):
            shown.append(piece)

    with pytest.raises(ModelMalformed, match="repeats itself"):
        await listen()
    assert len("".join(shown)) < 2_000
    assert await server.ledger.until(end="client left")


async def test_a_reply_without_end_is_stopped_at_the_cap(model: LangChainModel, server: FaultServer) -> None:
    server.script(Reply(" ".join(hashlib.sha256(bytes(n)).hexdigest() for n in range(1_100))))

    with pytest.raises(ModelMalformed, match="more than 64000 characters"):
        await model.complete(_PROMPT)


async def test_giving_up_midway_closes_the_connection_within_a_second(
    model: LangChainModel, server: FaultServer
) -> None:
    server.script(Reply(_TEXT * 20, gap=0.05))

    async def first_words() -> None:
        async for _ in model.stream(_PROMPT):
            reading.set()

    reading = asyncio.Event()
    task = asyncio.create_task(first_words())
    await reading.wait()
    task.cancel()

    (seen,) = await server.ledger.until(end="client left", timeout_seconds=1)
    assert seen.seconds < 2


def test_each_event_loop_is_served_though_the_clients_share_connections(
    provider: str, server: FaultServer
) -> None:
    server.script(Reply(_TEXT))

    async def ask() -> str:
        return await LangChainModel(_settings(provider, server)).complete(_PROMPT)

    assert [asyncio.run(ask()) for _ in range(3)] == [_TEXT] * 3
    assert len(server.ledger) == 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(1, 1.0), (300, 300.0), ("-1", None), ("nan", None), (None, None)],
)
async def test_only_a_usable_time_to_come_back_is_believed(
    model: LangChainModel, server: FaultServer, value: str | float | None, seconds: float | None
) -> None:
    server.script(retry_after(value))

    with pytest.raises(ModelLimited) as limited:
        await model.complete(_PROMPT)

    assert limited.value.retry_after_seconds == seconds


async def test_a_wrong_address_is_told_from_a_wrong_model_name(
    provider: str, model: LangChainModel, server: FaultServer
) -> None:
    server.script(Status(404, body="<html>nothing here</html>"), times=1)
    server.script(Status(404))

    sentences = []
    for _ in range(2):
        with pytest.raises(ModelMissing) as missing:
            await model.complete(_PROMPT)
        sentences.append(f"{missing.value.message} {missing.value.hint}")

    assert "base URL" in sentences[0]
    assert ("/v1" in sentences[0]) == (provider == "openai")
    assert "no such model" in sentences[1]
    assert "carrel models" in sentences[1]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v1", "http://models.invalid/v1"])
async def test_a_server_that_is_not_there_is_unreachable(provider: str, address: str) -> None:
    model = LangChainModel(ModelSettings(name=f"{provider}:big", base_url=address))

    with pytest.raises(ModelUnreachable):
        await model.complete(_PROMPT)


@pytest.mark.parametrize("provider", ["anthropic", "ollama"])
async def test_an_address_may_end_in_the_version_though_the_client_adds_its_own(
    provider: str, server: FaultServer
) -> None:
    model = LangChainModel(_settings(provider, server, base_url=f"{server.base_url}/v1/"))

    assert await model.complete(_PROMPT)


async def test_the_providers_own_key_is_not_sent_to_another_address(
    model: LangChainModel, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, "sk-canary-0123456789")

    await model.complete(_PROMPT)

    assert "canary" not in str(server.ledger.exchanges[0].request.headers)


async def test_the_key_that_the_settings_name_is_sent(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBRARY_KEY", "open-sesame")

    with FaultServer(_DIALECTS[provider](api_key="open-sesame"), prefix=_prefix(provider)) as locked:
        with pytest.raises(ModelAuth, match="key was refused") as refused:
            await LangChainModel(_settings(provider, locked)).complete(_PROMPT)
        named = LangChainModel(_settings(provider, locked, api_key_env="LIBRARY_KEY"))
        assert await named.complete(_PROMPT)

    assert "api_key_env" in refused.value.hint


@pytest.mark.parametrize(
    ("provider", "variable"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")]
)
async def test_a_missing_key_is_said_before_anything_is_sent(provider: str, variable: str) -> None:
    with pytest.raises(ModelAuth) as missing:
        await LangChainModel(ModelSettings(name=f"{provider}:big")).complete(_PROMPT)

    assert variable in missing.value.message
    assert missing.value.hint == f"export {variable}=..."


@pytest.mark.parametrize("provider", ["ollama"])
async def test_a_model_on_this_machine_is_told_how_much_it_will_have_to_read(
    provider: str, server: FaultServer
) -> None:
    model = LangChainModel(_settings(provider, server, context_tokens=9_000, max_output_tokens=700))

    await model.complete(_PROMPT)

    options = server.ledger.exchanges[0].request.json["options"]
    assert (options["num_ctx"], options["num_predict"]) == (9_000, 700)
