"""What differs between the makers of models: packages, keys and addresses."""

from __future__ import annotations

import importlib.util
import os
from typing import Any, Protocol, TypeVar

from pipelines.errors import ModelAuth, ModelMissing

__all__ = [
    "EACH_ITS_OWN_CONNECTION",
    "Account",
    "address_hint",
    "address_of",
    "bearer",
    "key_of",
    "key_variable",
    "not_installed",
    "without_redirects",
]

EACH_ITS_OWN_CONNECTION = {"Connection": "close"}
"""Clients share connections between event loops, where one that another loop has left open is dead."""
_NO_KEY = "none"
"""Sent where no key belongs: the clients insist on one, and some would take the provider's own instead."""

_EXTRAS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google_genai": "google",
    "mistralai": "mistral",
    "ollama": "ollama",
}
_KEY_VARIABLES = {"google_genai": "GOOGLE_API_KEY", "mistralai": "MISTRAL_API_KEY"}
_ASK_WITHOUT_A_KEY = {"openai", "anthropic"}
"""Their clients send the question all the same, or fail with a sentence of their own."""
_ADDRESS_WITHOUT_VERSION = {"anthropic", "ollama"}


_HTTP_CLIENTS = (
    ("root_async_client", "_client"),  # OpenAI's chat models
    ("root_client", "_client"),
    ("_async_client", "_client"),  # Anthropic's and Ollama's
    ("client", "_client", "_client"),  # OpenAI's embedding models
    ("async_client", "_client", "_client"),
    ("async_client",),  # Mistral's
    ("client",),
)
"""Where LangChain's classes keep the HTTP clients that they have made."""

T = TypeVar("T")


class Account(Protocol):
    """Where a model is and what opens the door to it; the settings of any kind of model."""

    @property
    def name(self) -> str:
        """`provider:model`."""
        ...

    @property
    def provider(self) -> str:
        """What stands before the colon, as LangChain spells it."""
        ...

    @property
    def base_url(self) -> str | None:
        """The address, where it is not the provider's own."""
        ...

    @property
    def api_key_env(self) -> str | None:
        """The variable with the key, where it is not the provider's own."""
        ...


def key_of(account: Account) -> str | None:
    """The key to send; `None` leaves it to the client to find the provider's own.

    Raises:
        ModelAuth: The key should be in a variable that is not set.
    """
    name, variable = account.name, account.api_key_env
    if variable:
        key = os.environ.get(variable)
        if not key:
            raise ModelAuth(
                f"The key for {name} should be in ${variable}, which is not set.",
                hint=f"export {variable}=...",
            )
        return key
    if account.base_url:
        # The provider's own key is never sent to another address.
        return _NO_KEY
    own = key_variable(account)
    if account.provider in _ASK_WITHOUT_A_KEY and not os.environ.get(own):
        raise ModelAuth(f"{name} needs a key in ${own}.", hint=f"export {own}=...")
    return None


def bearer(key: str | None) -> dict[str, str]:
    """The headers for Ollama's clients, which would send `$OLLAMA_API_KEY` to any address."""
    return {**EACH_ITS_OWN_CONNECTION, **({"Authorization": f"Bearer {key}"} if key else {})}


def key_variable(account: Account) -> str:
    """The variable in which a key for this model is looked for."""
    provider = account.provider
    return account.api_key_env or _KEY_VARIABLES.get(provider, f"{provider.upper()}_API_KEY")


def address_of(account: Account) -> str | None:
    """The address as the provider's client wants it: some of them add the version themselves."""
    if account.base_url and account.provider in _ADDRESS_WITHOUT_VERSION:
        return account.base_url.rstrip("/").removesuffix("/v1")
    return account.base_url


def address_hint(account: Account) -> str:
    """What to look at when something else answers at the address."""
    if account.provider in _ADDRESS_WITHOUT_VERSION:
        return "Check the base URL: scheme, host and port, without a path."
    return "Check the base URL: it usually ends in /v1."


def without_redirects(client: T) -> T:
    """Returns a provider's client that follows no redirect: one would take the question to another host.

    The library below them takes the header `Authorization` off on the way, but no other one, and keys are
    sent in others too.
    """
    for path in _HTTP_CLIENTS:
        http: Any = client
        for name in path:
            http = getattr(http, name, None)
        if hasattr(http, "follow_redirects"):
            http.follow_redirects = False
    return client


def not_installed(account: Account) -> ModelMissing:
    """The error for a provider whose client cannot be imported."""
    provider = account.provider
    extra = _EXTRAS.get(provider)
    if extra and importlib.util.find_spec(f"langchain_{provider}"):
        return ModelMissing(f"The client for {provider!r} models is installed but cannot be imported.")
    package = f'"carrel[{extra}]"' if extra else f"langchain-{provider.replace('_', '-')}"
    return ModelMissing(
        f"The client for {provider!r} models is not installed.", hint=f"pip install {package}"
    )
