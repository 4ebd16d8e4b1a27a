"""What a model call costs, from a maintained list of prices; a price that is not listed is not guessed."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from pipelines.models import ModelSettings
from pipelines.types import Usage

__all__ = ["cost_usd", "worst_cost_usd"]

_PROVIDERS = {"google_genai": "google", "google_vertexai": "google", "mistralai": "mistral"}
"""Names that the list spells otherwise than LangChain."""
_PER = 1_000_000


def cost_usd(model: ModelSettings, usage: Usage) -> float | None:
    """Dollars for these tokens; `None` where the price is not known. A model on this machine costs nothing.

    Prices set with the model come first, then the list that the package `genai-prices` ships; nothing is
    looked up on the network.
    """
    if model.input_price_usd is not None and model.output_price_usd is not None:
        return (
            usage.input_tokens * model.input_price_usd + usage.output_tokens * model.output_price_usd
        ) / _PER
    if _is_here(model):
        return 0.0
    return _listed(model.name, model.provider, model.base_url, usage.input_tokens, usage.output_tokens)


def worst_cost_usd(model: ModelSettings, prompt_tokens: int) -> float | None:
    """Dollars that a call with such a prompt can cost at most; `None` where the price is not known."""
    return cost_usd(model, Usage(input_tokens=prompt_tokens, output_tokens=model.max_output_tokens))


def _is_here(model: ModelSettings) -> bool:
    if not model.base_url:
        return model.provider == "ollama"
    host = urlsplit(model.base_url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def _listed(
    name: str, provider: str, base_url: str | None, input_tokens: int, output_tokens: int
) -> float | None:
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    tokens = Tokens(input_tokens=input_tokens, output_tokens=output_tokens)
    model = name.partition(":")[2]
    try:
        if base_url:
            found = calc_price(tokens, model, provider_api_url=base_url)
        else:
            found = calc_price(tokens, model, provider_id=_PROVIDERS.get(provider, provider))
    except LookupError:
        return None
    return float(found.total_price)
