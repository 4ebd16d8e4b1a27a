"""The one way to fetch from the web: over http or https, to one host, within a size and a time."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from indexes.clean import clean_line
from indexes.errors import WebBlocked, WebError, WebMissing

__all__ = ["QUIET_SECONDS", "TOTAL_SECONDS", "check", "fetch", "is_page"]

TOTAL_SECONDS = 15.0
QUIET_SECONDS = 10.0
_MAX_BYTES = 1_000_000
_MAX_URL = 2_000
_BLOCKED = frozenset({202, 403, 418, 429})
_CAPTCHA_MARKS = ("anomaly-modal", "anomaly.js")
"""In DuckDuckGo's page that asks whether a person is searching, which comes with status 200."""


def is_page(url: str) -> bool:
    """Whether this is a plain http or https address, without a password or anything invisible in it."""
    if len(url) > _MAX_URL or clean_line(url, _MAX_URL) != url or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def check(url: str, status: int, page: str = "") -> None:
    """Raises what a status, or a page that asks whether a person is searching, means."""
    host = urlsplit(url).netloc
    if status in _BLOCKED or any(mark in page for mark in _CAPTCHA_MARKS):
        raise WebBlocked(
            f"{host} refuses to answer automated searches for now (status {status}).",
            hint="Wait some minutes, or use a SearXNG instance of your own.",
        )
    if status == 404:
        raise WebMissing(f"{host} has nothing at that address.")
    if status != 200:
        raise WebError(f"{host} answered with status {status}.")


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where the query was sent in the first place."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            fp.close()
            raise WebError(
                f"{req.host} sends the query on to {clean_line(urlsplit(newurl).netloc)!r}; not followed."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str) -> bytes:
    """Returns the content at an address; blocks, for 15 seconds and 1 MB at most.

    Raises:
        WebMissing: There is nothing at that address.
        WebBlocked: The host refuses to answer for now.
        WebError: It cannot be reached, sends on to another host, or answers with too much or too late.
    """
    host, deadline = urlsplit(url).netloc, time.monotonic() + TOTAL_SECONDS
    opener = urllib.request.build_opener(_SameHost)
    opener.addheaders = [("User-Agent", "Carrel"), ("Accept", "application/json")]
    try:
        with opener.open(url, timeout=QUIET_SECONDS) as answer:
            check(url, answer.status)
            return _read(answer, host, deadline)
    except urllib.error.HTTPError as error:
        with error:
            check(url, error.code)
        raise WebError(f"{host} answered with status {error.code}.") from error
    except TimeoutError as error:
        raise WebError(f"{host} did not answer within {QUIET_SECONDS:g} seconds.") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = clean_line(str(getattr(error, "reason", error)), 200)
        raise WebError(f"{host} cannot be reached: {reason}.") from error


def _read(answer: HTTPResponse, host: str, deadline: float) -> bytes:
    content = bytearray()
    # `read1` returns what has arrived, so that an answer in drops meets the deadline too.
    while piece := answer.read1(65_536):
        content += piece
        if len(content) > _MAX_BYTES:
            raise WebError(f"{host} answered with more than {_MAX_BYTES // 1_000_000} MB.")
        if time.monotonic() > deadline:
            raise WebError(f"{host} took longer than {TOTAL_SECONDS:g} seconds to answer.")
    return bytes(content)
