"""Translates whatever a model's client raises into one of our errors."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from indexes.clean import clean_line
from pipelines.errors import (
    ContextTooLong,
    ModelAuth,
    ModelError,
    ModelLimited,
    ModelMalformed,
    ModelMissing,
    ModelOverloaded,
    ModelTimeout,
    ModelUnreachable,
)
from pipelines.models import ModelSettings

__all__ = ["translated"]

_HTTP_LIBRARIES = {"httpx", "httpx2", "httpcore", "httpcore2", "aiohttp"}
_LOOKS_LIKE_A_KEY = re.compile(r"\b(sk|key|Bearer)[-_ ][A-Za-z0-9_\-*]{6,}")
_CONTEXT_CODES = {"context_length_exceeded", "exceed_context_size_error"}
_CONTEXT_WORDS = re.compile(r"context.{0,20}(length|window|size)|too many tokens|prompt is too long", re.I)


def translated(error: Exception, settings: ModelSettings) -> ModelError:
    """One of our errors for any that a client raises, with the model's name in its sentence."""
    if isinstance(error, ModelError):
        return error
    name, detail = settings.name, _detail(error)
    return _by_condition(error, settings, detail) or _by_origin(error, name, detail)


def _by_condition(error: Exception, settings: ModelSettings, detail: str) -> ModelError | None:
    """For errors that LangChain has classed already, alike for every provider."""
    from langchain_core import exceptions as theirs

    name = settings.name
    match error:
        case theirs.ModelAuthenticationError() | theirs.ModelPermissionDeniedError():
            return _key_refused(settings)
        case theirs.ModelNotFoundError():
            return _not_found(error, name, detail)
        case theirs.ContextOverflowError():
            return ContextTooLong(f"{name}: the prompt is too long for it.")
        case theirs.ModelRateLimitError():
            return _limited(error, name)
        case theirs.ModelTimeoutError():
            return ModelTimeout(f"{name} did not answer in time.")
        case theirs.ModelAPIError():
            return ModelOverloaded(f"{name} failed on its side. {detail}")
        case theirs.ModelConnectionError():
            return ModelUnreachable(f"{name} cannot be reached. {detail}")
        case theirs.ModelInvalidRequestError():
            return _invalid(error, name, detail)
        case _:
            return None


def _not_found(error: Exception, name: str, detail: str) -> ModelError:
    if _code(error):
        return ModelMissing(
            f"{name}: the provider has no such model. {detail}",
            hint="`carrel models` shows what is configured; check the name's spelling.",
        )
    return ModelMissing(
        f"{name}: there is no model server at that address.",
        hint="Check the base URL: it usually ends in /v1.",
    )


def _limited(error: Exception, name: str) -> ModelError:
    if _code(error) == "insufficient_quota":
        return ModelAuth(
            f"{name}: the account's quota is used up.", hint="Check the provider's billing page."
        )
    limited = ModelLimited(f"{name} limits the rate of calls.")
    limited.retry_after_seconds = _retry_after(error)
    return limited


def _invalid(error: Exception, name: str, detail: str) -> ModelError:
    kind = getattr(error, "type", None)
    if _CONTEXT_CODES & {_code(error), kind} or _CONTEXT_WORDS.search(detail):
        return ContextTooLong(f"{name}: the prompt is too long for it.")
    return ModelMalformed(f"{name} refused the request as invalid. {detail}")


def _by_origin(error: Exception, name: str, detail: str) -> ModelError:
    """For errors that come bare: the HTTP library's own, broken JSON, a status that nobody classed."""
    library = type(error).__module__.partition(".")[0]
    status = getattr(error, "status_code", None)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return ContextTooLong(f"{name}: the prompt is too long for it.")
    if library in _HTTP_LIBRARIES or isinstance(error, OSError):
        return ModelUnreachable(f"{name}: the connection broke. {detail}")
    if isinstance(error, ValueError | TypeError | LookupError | AttributeError):
        return ModelMalformed(
            f"{name}: what answers at its address does not send a model's reply. {detail}",
            hint="Check the base URL: it usually ends in /v1.",
        )
    return ModelOverloaded(f"{name} failed. {detail}")


def _code(error: Exception) -> str | None:
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else None


def _key_refused(settings: ModelSettings) -> ModelAuth:
    variable = settings.api_key_env or f"{settings.provider.upper()}_API_KEY"
    return ModelAuth(f"{settings.name}: the key was refused.", hint=f"Check the key in ${variable}.")


def _detail(error: Exception) -> str:
    """The error's own words in one safe line, without anything that looks like a key."""
    return _LOOKS_LIKE_A_KEY.sub(r"\1-…", clean_line(str(error) or type(error).__name__, 200))


def _retry_after(error: Exception) -> float | None:
    """Seconds from a `Retry-After` header in either of its forms (RFC 9110, 10.2.3), if it is usable."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    stated = headers.get("retry-after", "")
    try:
        seconds = float(stated)
    except ValueError:
        seconds = _seconds_until(stated, now=headers.get("date", ""))
    return seconds if 0 <= seconds < float("inf") else None


def _seconds_until(moment: str, *, now: str) -> float:
    """Seconds between two HTTP dates; the server's own `Date` is its clock, whatever ours says."""
    try:
        then = parsedate_to_datetime(moment)
        here = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return (then - here).total_seconds()
    except (TypeError, ValueError):
        return float("nan")
