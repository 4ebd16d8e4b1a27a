"""The log: one file in the state folder, readable by its owner only, with the keys taken out."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

__all__ = ["LogFile", "log_error", "log_path", "redacted"]

_LIMIT_BYTES = 1024 * 1024
"""A longer log is begun anew."""
_SHORTEST_SECRET = 8
_NAMES_A_SECRET = re.compile(r"(?:key|token|secret|password)$", re.IGNORECASE)
_LOOKS_LIKE_A_SECRET = re.compile(
    r"(?P<prefix>\b(?:sk|pk|rk|gsk|xai|hf|ghp)[-_])[\w-]{6,}"  # keys as providers write them
    r"|(?P<google>\bAIza)[\w-]{10,}"
    r"|(?P<scheme>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}"  # an Authorization header
    r"|(?P<name>\b\w*(?:api[-_]?key|token|secret|password)[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&]{4,}"
    r"|(?P<address>://)[^\s/@:]+:[^\s/@]+(?=@)",  # a user and a password in an address
    re.IGNORECASE,
)


class LogFile(logging.FileHandler):
    """Finds its place when there is something to write, and not before; without one it keeps nothing."""

    def __init__(self) -> None:
        super().__init__(os.devnull, encoding="utf-8", errors="replace", delay=True)
        self.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def _open(self) -> Any:
        try:
            path = log_path()
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = _opened(path)
        except OSError:
            self.baseFilename = os.devnull
            return super()._open()
        self.baseFilename = str(path)
        return file


def log_path() -> Path:
    """Where the log lies, whether or not there is one yet."""
    from assistant.paths import find_paths

    return find_paths().state / "carrel.log"


def log_error(error: BaseException, what: str) -> Path:
    """Writes `what` and where `error` came from, without the values of variables; returns the log's path."""
    logger = logging.getLogger("carrel")
    handler = LogFile()
    handler.handle(
        logger.makeRecord(
            logger.name, logging.ERROR, "", 0, what, (), (type(error), error, error.__traceback__)
        )
    )
    handler.close()
    return log_path()


def redacted(text: str) -> str:
    """`text` without the keys and passwords of this process's environment, nor what looks like one."""
    for secret in _secrets():
        text = text.replace(secret, "…")
    return _LOOKS_LIKE_A_SECRET.sub(lambda found: f"{found[found.lastgroup or 0]}…", text)


class _Redacting(logging.Formatter):
    """A traceback as Python prints it: the source lines, and not one variable's value."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def _opened(path: Path) -> IO[str]:
    too_long = path.exists() and path.stat().st_size > _LIMIT_BYTES
    file = path.open("w" if too_long else "a", encoding="utf-8", errors="replace")
    path.chmod(0o600)
    return file


def _secrets() -> Iterator[str]:
    for name in {*_named_in_settings(), *filter(_NAMES_A_SECRET.search, os.environ)}:
        if len(secret := os.environ.get(name, "")) >= _SHORTEST_SECRET:
            yield secret


def _named_in_settings() -> set[str]:
    """The variables that the person's settings say hold keys, whatever they are called."""
    from assistant.settings import load_settings
    from indexes.errors import CarrelError

    with suppress(CarrelError):
        models = load_settings().models
        return {name for name in (models.small.api_key_env, models.reasoning.api_key_env) if name}
    return set()
