"""No question and no key follows a redirect to another address."""

from __future__ import annotations

import pytest

from indexes.errors import EncoderError
from pipelines.chat import LangChainModel
from pipelines.embeddings import RemoteEncoder
from pipelines.errors import ModelMissing
from pipelines.models import ModelSettings, Prompt
from tests.faults.dialects.anthropic import AnthropicMessages
from tests.faults.dialects.ollama import OllamaChat
from tests.faults.dialects.ollama_embed import OllamaEmbeddings
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.dialects.openai_embed import OpenAIEmbeddings
from tests.faults.script import Status
from tests.faults.server import FaultServer

_CHAT = {"openai": OpenAIChat, "anthropic": AnthropicMessages, "ollama": OllamaChat}
_EMBEDDINGS = {"openai": OpenAIEmbeddings, "ollama": OllamaEmbeddings}


def _prefix(provider: str) -> str:
    return "/v1" if provider == "openai" else ""


def _moved(code: int, server: FaultServer) -> Status:
    return Status(code, headers={"Location": f"{server.base_url}/elsewhere"})


@pytest.mark.parametrize("code", [301, 307, 308])
@pytest.mark.parametrize("provider", _CHAT)
async def test_a_model_that_sends_us_on_is_not_followed(
    provider: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY_HERE", "canary-key")
    with (
        FaultServer(_CHAT[provider](), prefix=_prefix(provider)) as named,
        FaultServer(_CHAT[provider](), prefix=_prefix(provider)) as other,
    ):
        named.script(_moved(code, other))
        settings = ModelSettings(
            name=f"{provider}:any", base_url=named.base_url, api_key_env="SECRET_KEY_HERE"
        )
        with pytest.raises(ModelMissing, match="sends us on to another one") as told:
            await LangChainModel(settings).complete(Prompt(system="", user="A private question?"))
        assert "base_url" in told.value.hint
        assert len(named.ledger) == 1
        assert len(other.ledger) == 0


@pytest.mark.parametrize("provider", _EMBEDDINGS)
def test_an_embedding_model_that_sends_us_on_is_not_followed(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY_HERE", "canary-key")
    with (
        FaultServer(_EMBEDDINGS[provider](), prefix=_prefix(provider)) as named,
        FaultServer(_EMBEDDINGS[provider](), prefix=_prefix(provider)) as other,
    ):
        named.script(_moved(307, other))
        encoder = RemoteEncoder(f"{provider}:any", base_url=named.base_url, api_key_env="SECRET_KEY_HERE")
        with pytest.raises(EncoderError, match="sends us on to another one"):
            encoder.encode(["A private text."])
        assert len(other.ledger) == 0
