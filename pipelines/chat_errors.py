"""Translates whatever a model's client raises into one of our errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

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
from pipelines.providers import Account, address_hint, key_variable

__all__ = ["translated"]

_HTTP_LIBRARIES = {"httpx", "httpx2", "httpcore", "httpcore2", "aiohttp"}
_LOOKS_LIKE_A_KEY = re.compile(r"\b(sk|key|Bearer)[-_ ][A-Za-z0-9_\-*]{6,}")
_CONTEXT_CODES = {"context_length_exceeded", "exceed_context_size_error"}
_CONTEXT_WORDS = re.compile(
    r"context.{0,20}(length|window|size)|too many (input )?tokens|(prompt|input) is too long|"
    r"token count.{0,40}exceeds",
    re.IGNORECASE,
)
_CREDIT_WORDS = re.compile(r"credit balance|insufficient.{0,20}(credit|balance|quota)", re.IGNORECASE)
_STATUS_OF_KIND = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "invalid_request_error": 400,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What a provider calls a failure that it tells within a stream, after the status has been sent."""


def translated(error: Exception, account: Account) -> ModelError:
    """One of our errors for any that a client raises, with the model's name in its sentence."""
    if isinstance(error, ModelError):
        return error
    name, detail = account.name, _detail(error)
    match _status(error):
        case 402:
            return _out_of_credit(name)
        case 401 | 403:
            return _key_refused(account)
        case 404:
            return _not_found(error, account, detail)
        case 413:
            return _too_long(name)
        case 429:
            return _limited(error, name, detail)
        case 408 | 409 | 425:
            return ModelOverloaded(f"{name} failed. {detail}")
        case int(status) if 300 <= status < 400:
            return ModelMissing(
                f"{name}: its address sends us on to another one, which is not followed.",
                hint="Put the address that it has moved to into base_url.",
            )
        case int(status) if status >= 400:
            return _refused_or_failed(error, status, name, detail)
        case _:
            return _by_origin(error, account, detail)


def _status(error: Exception) -> int | None:
    """The HTTP status that says what happened, wherever the client keeps it."""
    from langchain_core import exceptions as theirs

    stated = getattr(error, "status_code", None)
    if isinstance(stated, int) and stated >= 300:
        return stated
    for kind in (_code(error), _kind(error)):
        if kind in _STATUS_OF_KIND:
            return _STATUS_OF_KIND[kind]
    match error:
        case theirs.ModelAuthenticationError() | theirs.ModelPermissionDeniedError():
            return 401
        case theirs.ModelNotFoundError():
            return 404
        case theirs.ContextOverflowError():
            return 413
        case theirs.ModelRateLimitError():
            return 429
        case theirs.ModelInvalidRequestError():
            return 400
        case theirs.ModelAPIError():
            return 500
        case _:
            return None


def _key_refused(account: Account) -> ModelAuth:
    hint = f"Check the key in ${key_variable(account)}."
    if account.base_url and not account.api_key_env:
        hint = "No key was sent to that address: let `api_key_env` name the variable that holds its key."
    return ModelAuth(f"{account.name}: the key was refused.", hint=hint)


def _out_of_credit(name: str) -> ModelAuth:
    return ModelAuth(f"{name}: the account's quota is used up.", hint="Check the provider's billing page.")


def _not_found(error: Exception, account: Account, detail: str) -> ModelError:
    if _code(error) == "model_not_found" or re.match(r"[^<]*\bmodel\b", detail, re.IGNORECASE):
        return ModelMissing(
            f"{account.name}: the provider has no such model. {detail}",
            hint="`carrel models` shows what is configured; check the name's spelling.",
        )
    return ModelMissing(
        f"{account.name}: there is no model server at that address.", hint=address_hint(account)
    )


def _too_long(name: str) -> ContextTooLong:
    return ContextTooLong(f"{name}: the prompt is too long for it.")


def _limited(error: Exception, name: str, detail: str) -> ModelError:
    if _code(error) == "insufficient_quota" or _CREDIT_WORDS.search(detail):
        return _out_of_credit(name)
    limited = ModelLimited(f"{name} limits the rate of calls.")
    limited.retry_after_seconds = _retry_after(error)
    return limited


def _refused_or_failed(error: Exception, status: int, name: str, detail: str) -> ModelError:
    if _CONTEXT_CODES & {_code(error), _kind(error)} or _CONTEXT_WORDS.search(detail):
        return _too_long(name)
    if _CREDIT_WORDS.search(detail):
        return _out_of_credit(name)
    if status >= 500:
        return ModelOverloaded(f"{name} failed on its side. {detail}")
    return ModelMalformed(f"{name} refused the request as invalid. {detail}")


def _by_origin(error: Exception, account: Account, detail: str) -> ModelError:
    """For errors without a status: the connection's own, broken JSON, a key that was not found."""
    from langchain_core import exceptions as theirs

    name = account.name
    if isinstance(error, theirs.ModelTimeoutError | TimeoutError):
        return ModelTimeout(f"{name} did not answer in time.")
    if isinstance(error, theirs.ModelConnectionError):
        return ModelUnreachable(f"{name} cannot be reached. {detail}")
    if _of_the_connection(error) or _stops_midway(error):
        return ModelUnreachable(f"{name}: the connection broke. {detail}")
    if isinstance(error, ValueError | TypeError | LookupError | AttributeError):
        return ModelMalformed(
            f"{name}: what answers at its address does not send a model's reply. {detail}",
            hint=address_hint(account),
        )
    return ModelOverloaded(f"{name} failed. {detail}")


def _of_the_connection(error: Exception) -> bool:
    """Whether the HTTP library raised it, or what the client has wrapped in it."""
    return any(
        isinstance(each, OSError) or type(each).__module__.partition(".")[0] in _HTTP_LIBRARIES
        for each in (error, error.__cause__)
    )


def _stops_midway(error: Exception) -> bool:
    """Whether it is JSON that is right as far as it goes: a line that was cut off."""
    if not isinstance(error, json.JSONDecodeError) or not error.doc.lstrip().startswith(("{", "[")):
        return False
    return error.msg.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip())


def _code(error: Exception) -> str | None:
    return _text(getattr(error, "code", None))


def _kind(error: Exception) -> str | None:
    return _text(getattr(error, "type", None))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _detail(error: Exception) -> str:
    """The provider's own words in one safe line, without anything that looks like a key."""
    words = _words(error) or str(error) or type(error).__name__
    return _LOOKS_LIKE_A_KEY.sub(r"\1-…", clean_line(words, 200))


def _words(error: Exception) -> str | None:
    if isinstance(error, json.JSONDecodeError):
        return f"It sent: {clean_line(error.doc, 80)}"
    # Ollama's client keeps the message, the others the body it came in.
    return _text(getattr(error, "error", None)) or _message_in(getattr(error, "body", None))


def _message_in(body: object) -> str | None:
    """The message in an error's body, which some clients unwrap and some do not."""
    if not isinstance(body, Mapping):
        return None
    return _message_in(body.get("error")) or _text(body.get("message"))


def _retry_after(error: Exception) -> float | None:
    """Seconds from a `Retry-After` header in either of its forms (RFC 9110, 10.2.3), if it is usable."""
    # Ollama's client drops the response; the error that it replaces has it.
    response = getattr(error, "response", None) or getattr(error.__context__, "response", None)
    headers = getattr(response, "headers", None) or {}
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
    except (TypeError, ValueError, OverflowError):  # the last for a year of twenty digits
        return float("nan")
