"""What LangChain's own OpenAI client makes of each fault: the reasons for `pipelines.models`' own policy.

A test that fails here after an upgrade says that the client has changed, and which of our rules to look at.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import httpx2
import pytest
from langchain_core import exceptions as neutral
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_openai import ChatOpenAI
from openai import APIError

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

_QUESTION = "What is a carrel? It is a small desk in a library."
_TEXT = "A carrel is a small desk in a library [1]."

Client = Callable[..., ChatOpenAI]


@pytest.fixture
async def client(model_server: FaultServer) -> AsyncIterator[Client]:
    """Makes clients of the model server, with the SDK's retries off."""
    async with httpx2.AsyncClient() as connections:

        def make(**options: object) -> ChatOpenAI:
            settings = {"max_retries": 0, "timeout": 0.5, "stream_usage": True, **options}
            return ChatOpenAI(
                model="big",
                base_url=model_server.base_url,
                api_key="x",  # type: ignore[arg-type]
                http_async_client=connections,
                **settings,  # type: ignore[arg-type]
            )

        yield make


async def _streamed(client: ChatOpenAI) -> AIMessageChunk:
    """All chunks of one reply, added up as LangChain adds them."""
    chunks = [chunk async for chunk in client.astream(_QUESTION)]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


async def _asked(client: ChatOpenAI) -> AIMessage:
    return await client.ainvoke(_QUESTION)


async def test_a_whole_stream_has_a_finish_reason_and_usage(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(Reply(_TEXT))

    whole = await _streamed(client())

    assert whole.text == _TEXT
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.usage_metadata
    assert whole.usage_metadata["output_tokens"] == len(_TEXT.split())


async def test_usage_is_not_even_asked_for_unless_told_to(client: Client, model_server: FaultServer) -> None:
    whole = await _streamed(client(stream_usage=None))

    assert whole.usage_metadata is None
    assert "stream_options" not in model_server.ledger.exchanges[0].request.json


@pytest.mark.parametrize("ending", [Ending.TRUNCATE, Ending.MIDLINE])
async def test_half_a_stream_passes_for_an_answer_and_only_a_missing_finish_reason_tells(
    client: Client, model_server: FaultServer, ending: Ending
) -> None:
    model_server.script(Reply(_TEXT, then=ending))

    half = await _streamed(client())

    assert half.text
    assert half.text != _TEXT
    assert "finish_reason" not in half.response_metadata
    assert half.usage_metadata is None
    assert half.chunk_position == "last", "it marks whatever came last, so this proves nothing"


async def test_a_good_stream_without_a_finish_reason_is_told_from_half_a_stream_by_its_usage_only(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(Reply(_TEXT, then=Ending.NO_REASON))

    whole = await _streamed(client())

    assert whole.text == _TEXT
    assert "finish_reason" not in whole.response_metadata
    assert whole.usage_metadata


async def test_a_stream_without_done_is_fine(client: Client, model_server: FaultServer) -> None:
    model_server.script(Reply(_TEXT, then=Ending.NO_DONE))

    assert (await _streamed(client())).response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "step",
    [
        Rst(),
        Close(),
        Reply(after=0, then=Ending.RST),
        Reply(_TEXT, then=Ending.RST),
        Reply(_TEXT, then=Ending.CHUNKED_CUT),
    ],
    ids=str,
)
async def test_a_broken_connection_is_a_connection_error(
    client: Client, model_server: FaultServer, step: Step
) -> None:
    model_server.script(step)

    with pytest.raises(neutral.ModelConnectionError, match="Connection error"):
        await _streamed(client())


@pytest.mark.parametrize("step", [Hang(), Reply(_TEXT, then=Ending.HANG)], ids=str)
async def test_a_hang_is_a_timeout_after_the_read_limit(
    client: Client, model_server: FaultServer, step: Step
) -> None:
    model_server.script(step)

    with pytest.raises(neutral.ModelTimeoutError):
        await _streamed(client())

    await model_server.ledger.until(end="client left")


async def test_a_slow_drip_never_times_out_so_the_deadline_must_be_ours(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(Drip(bytes_per_second=50))

    with pytest.raises(TimeoutError) as ours:
        async with asyncio.timeout(1.2):
            await _streamed(client(timeout=0.3))

    assert not isinstance(ours.value, neutral.ModelError)
    await model_server.ledger.until(end="client left")


async def test_three_requests_are_made_for_one_call_unless_retries_are_off(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(retry_after("0.01", code=503))

    with pytest.raises(neutral.ModelAPIError):
        await _streamed(client(max_retries=None))
    assert len(model_server.ledger) == 3

    with pytest.raises(neutral.ModelAPIError):
        await _streamed(client())
    assert len(model_server.ledger) == 4


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, neutral.ModelInvalidRequestError),
        (401, neutral.ModelAuthenticationError),
        (403, neutral.ModelPermissionDeniedError),
        (404, neutral.ModelNotFoundError),
        (429, neutral.ModelRateLimitError),
        (500, neutral.ModelAPIError),
        (503, neutral.ModelAPIError),
        (529, neutral.ModelAPIError),
    ],
)
async def test_an_error_status_is_one_of_langchains_provider_neutral_errors(
    client: Client, model_server: FaultServer, status: int, error: type[neutral.ModelError]
) -> None:
    model_server.script(Status(status))

    with pytest.raises(error) as streamed:
        await _streamed(client())
    with pytest.raises(error):
        await _asked(client())

    assert getattr(streamed.value, "status_code", None) == status


@pytest.mark.parametrize("status", [408, 413, 422])
async def test_other_statuses_are_the_sdks_own_errors_and_not_langchains(
    client: Client, model_server: FaultServer, status: int
) -> None:
    model_server.script(Status(status))

    with pytest.raises(APIError) as error:
        await _streamed(client())

    assert not isinstance(error.value, neutral.ModelError)


async def test_when_to_come_back_stands_in_the_responses_headers(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(retry_after(300))

    with pytest.raises(neutral.ModelRateLimitError) as limited:
        await _streamed(client())

    assert limited.value.response.headers["retry-after"] == "300"  # type: ignore[attr-defined]


async def test_a_used_up_quota_looks_retryable_and_only_its_code_tells(
    client: Client, model_server: FaultServer
) -> None:
    quota = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
    model_server.script(Status(429, {"Content-Type": "application/json"}, json.dumps({"error": quota})))

    with pytest.raises(neutral.ModelRateLimitError) as limited:
        await _streamed(client())

    assert limited.value.is_retryable
    assert getattr(limited.value, "code", None) == "insufficient_quota"


async def test_a_prompt_that_is_too_long_is_taken_for_an_invalid_request_and_only_its_code_tells(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(ContextLengthExceeded())

    with pytest.raises(neutral.ModelInvalidRequestError) as error:
        await _streamed(client())

    assert not isinstance(error.value, neutral.ContextOverflowError)
    assert getattr(error.value, "code", None) == "context_length_exceeded"


async def test_a_missing_page_is_taken_for_a_missing_model_and_only_its_code_tells(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(Status(404, body="<html>nothing here</html>"), times=1)
    model_server.script(Status(404))

    codes = []
    for _ in range(2):
        with pytest.raises(neutral.ModelNotFoundError) as error:
            await _streamed(client())
        codes.append(getattr(error.value, "code", None))

    assert codes == [None, "model_not_found"]


async def test_a_web_page_in_place_of_a_model_is_a_bare_value_error(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(Html200())

    with pytest.raises(ValueError, match="No generation chunks were returned"):
        await _streamed(client())
    with pytest.raises(ValueError, match="got str: '<!doctype html>"):
        await _asked(client())


async def test_an_error_event_is_a_bare_sdk_error_in_a_stream_and_a_value_error_otherwise(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(Reply(_TEXT, then=Ending.ERROR_EVENT))

    with pytest.raises(APIError, match="The server had an error") as error:
        await _streamed(client())
    with pytest.raises(ValueError, match="The server had an error"):
        await _asked(client())

    assert not isinstance(error.value, neutral.ModelError)


async def test_garbage_in_a_stream_is_a_bare_json_error(client: Client, model_server: FaultServer) -> None:
    model_server.script(Reply(_TEXT, then=Ending.BAD_JSON))

    with pytest.raises(json.JSONDecodeError):
        await _streamed(client())


async def test_a_refusal_is_lost_in_a_stream_and_kept_otherwise(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(Reply(then=Ending.REFUSAL))

    streamed, asked = await _streamed(client()), await _asked(client())

    assert (streamed.text, streamed.response_metadata["finish_reason"]) == ("", "stop")
    assert "refusal" not in streamed.additional_kwargs
    assert asked.additional_kwargs["refusal"].startswith("I'm sorry")


@pytest.mark.parametrize(
    ("ending", "reason"), [(Ending.LENGTH, "length"), (Ending.CONTENT_FILTER, "content_filter")]
)
async def test_an_answer_stopped_by_a_limit_is_normal_but_for_its_finish_reason(
    client: Client, model_server: FaultServer, ending: Ending, reason: str
) -> None:
    model_server.script(Reply(_TEXT, then=ending))

    half = await _streamed(client())

    assert half.text != _TEXT
    assert half.response_metadata["finish_reason"] == reason


async def test_no_choices_is_an_empty_answer_in_a_stream_and_an_index_error_otherwise(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(Reply(_TEXT, then=Ending.NO_CHOICES))

    assert (await _streamed(client())).text == ""
    with pytest.raises(IndexError):
        await _asked(client())


async def test_giving_up_mid_stream_closes_the_connection_at_once(
    client: Client, model_server: FaultServer
) -> None:
    model_server.script(Reply(_TEXT, gap=0.1))

    async for chunk in client().astream(_QUESTION):
        if chunk.text:
            break

    (seen,) = await model_server.ledger.until(end="client left", timeout_seconds=1)
    assert seen.seconds < 1
