"""Kinds of values that settings have: a web address, the name of a model, several of something."""

from __future__ import annotations

from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

__all__ = ["ModelName", "Several", "WebAddress", "named"]

_Value = TypeVar("_Value")


def named(model: str) -> str:
    """Returns the name of a model, with its provider.

    Raises:
        ValueError: It names no provider, or no model.
    """
    provider, _, name = model.partition(":")
    if not (provider.strip() and name.strip()):
        raise ValueError(
            f"{model!r} does not name its provider; write provider:model, such as openai:gpt-5-mini"
        )
    return model.strip()


def _of_the_web(address: str) -> str:
    if not address.startswith(("http://", "https://")):
        raise ValueError("it is not a web address, which begins with http:// or https://")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"it is not a web address: {error}") from error
    if not parts.hostname or port == 0:
        raise ValueError("it is not a web address: it names no host, or port 0")
    return address


def _listed(written: object) -> object:
    """A list, also one as the environment or a flag has it: one line, with `;` between."""
    if isinstance(written, str):
        return tuple(each.strip() for each in written.split(";") if each.strip())
    return tuple(written) if isinstance(written, list) else written


ModelName = Annotated[str, AfterValidator(named)]
WebAddress = Annotated[str, AfterValidator(_of_the_web)]
Several = Annotated[tuple[_Value, ...], BeforeValidator(_listed)]
"""Values of one kind; in one line they are separated by `;`."""
