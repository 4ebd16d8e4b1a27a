"""Each dialect answers, fails and ends a stream in its own provider's form, from the same scenes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.dialects.anthropic import AnthropicMessages
from tests.faults.dialects.chat import ChatDialect
from tests.faults.dialects.ollama import OllamaChat
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.responders import Message
from tests.faults.script import ContextLengthExceeded, Ending, Reply, Status
from tests.faults.server import FaultServer

_TEXT = "A carrel is a small desk in a library."
_DIALECTS = [OpenAIChat, AnthropicMessages, OllamaChat]

_PROOF = {
    OpenAIChat: [b"[DONE]", b'"finish_reason": "stop"'],
    AnthropicMessages: [b'"stop_reason": "end_turn"', b"event: message_stop"],
    OllamaChat: [b'"done": true', b'"done_reason": "stop"'],
}


@pytest.fixture(params=_DIALECTS, ids=lambda dialect: dialect.__name__)
def dialect(request: pytest.FixtureRequest) -> ChatDialect:
    made: ChatDialect = request.param()
    return made


@pytest.fixture
def server(dialect: ChatDialect) -> Iterator[FaultServer]:
    with FaultServer(dialect) as started:
        yield started


def _post(server: FaultServer, dialect: ChatDialect, *, stream: bool = True) -> tuple[int, bytes]:
    body = {"model": "big", "stream": stream, "messages": [{"role": "user", "content": "What is a carrel?"}]}
    request = urllib.request.Request(server.url + dialect.chat_path, json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.parametrize("ending", [Ending.FINISH, Ending.TRUNCATE])
def test_a_whole_stream_has_all_proof_and_half_a_stream_none(
    server: FaultServer, dialect: ChatDialect, ending: Ending
) -> None:
    server.script(Reply(_TEXT, then=ending))

    _, reply = _post(server, dialect)

    assert {proof in reply for proof in _PROOF[type(dialect)]} == {ending is Ending.FINISH}
    assert (b"library." in reply) == (ending is Ending.FINISH)


def test_a_reply_in_one_piece_is_the_providers_own_object(server: FaultServer, dialect: ChatDialect) -> None:
    server.script(Reply(_TEXT))

    _, reply = _post(server, dialect, stream=False)

    assert _TEXT in _strings(json.loads(reply))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 429, 500, 503, 529])
def test_every_error_says_something_in_json(server: FaultServer, dialect: ChatDialect, status: int) -> None:
    server.script(Status(status))

    code, reply = _post(server, dialect)

    assert code == status
    assert _strings(json.loads(reply)["error"])


def test_errors_are_named_as_the_provider_names_them() -> None:
    anthropic = AnthropicMessages()
    kinds = {status: anthropic.error(status, "big")["error"]["type"] for status in (401, 404, 429, 500, 529)}

    assert kinds == {
        401: "authentication_error",
        404: "not_found_error",
        429: "rate_limit_error",
        500: "api_error",
        529: "overloaded_error",
    }
    assert OllamaChat().error(404, "big") == {"error": "model 'big' not found"}


def test_a_prompt_that_is_too_long_is_a_bad_request(server: FaultServer, dialect: ChatDialect) -> None:
    server.script(ContextLengthExceeded())

    code, reply = _post(server, dialect)

    assert code == 400
    assert b"long" in reply or b"length" in reply


@pytest.mark.parametrize(
    "dialect", [OpenAIChat(models=["big"]), AnthropicMessages(models=["big"]), OllamaChat(models=["big"])]
)
def test_a_service_lists_its_models_and_has_no_others(server: FaultServer, dialect: ChatDialect) -> None:
    with urllib.request.urlopen(server.url + dialect.list_path) as reply:
        assert "big" in _strings(json.load(reply))
    dialect.models = ["small"]

    assert _post(server, dialect)[0] == 404


def test_the_responder_is_told_the_system_prompt_wherever_it_stands() -> None:
    from tests.faults.wire import Request

    body = {
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": "Hm?"}],
    }
    request = Request("POST", "/v1/messages", {}, json.dumps(body).encode())

    assert AnthropicMessages().messages(request) == [Message("system", "Be brief."), Message("user", "Hm?")]


@pytest.mark.parametrize(
    ("kind", "ending"), [(kind, ending) for kind in _DIALECTS for ending in sorted(kind.impossible)]
)
def test_an_ending_that_a_protocol_has_no_form_for_fails_the_test(
    kind: type[ChatDialect], ending: Ending
) -> None:
    dialect = kind()

    def ask() -> None:
        with FaultServer(dialect) as server:
            server.script(Reply(_TEXT, then=ending))
            with pytest.raises((OSError, urllib.error.URLError)):
                _post(server, dialect)

    with pytest.raises(BaseExceptionGroup, match="handler failed"):
        ask()


def _strings(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for inner in value.values() for text in _strings(inner)]
        case list():
            return [text for inner in value for text in _strings(inner)]
        case _:
            return []
