"""What `carrel help TOPIC` and the manual page say beside the commands: exit codes, environment, JSON."""

from __future__ import annotations

from assistant.exit_codes import MEANINGS

__all__ = ["ENVIRONMENT", "TOPICS", "topic_text"]

ENVIRONMENT: dict[str, str] = {
    "CARREL_HOME": "Keep settings, library, history, logs and downloads in this one folder.",
    "CARREL_<SETTING>": "Any setting: CARREL_WEB, CARREL_APP__THEME (two underscores between levels).",
    "CARREL_PROFILE": "Which table [profiles.NAME] of your settings file to go by, as --profile says.",
    "CARREL_MODELS": "A folder of embedding models, one folder each, beside those downloaded.",
    "OPENAI_API_KEY, ...": "A provider's key, under the provider's own name or the one in api_key_env.",
    "NO_COLOR": "No colour, whatever its value; --color goes before it.",
    "FORCE_COLOR": "Colour, and a formatted answer, also where stdout is no terminal.",
    "COLUMNS": "The width of tables and drawings, where the terminal does not say.",
    "COLORTERM, TERM_PROGRAM": "What the terminal can do, for `carrel doctor`.",
    "LC_ALL, LC_CTYPE, LANG": "Whether signs beyond ASCII can be shown.",
    "TERM": "With dumb, no line on the screen is ever overwritten.",
    "DISPLAY, WAYLAND_DISPLAY": "Whether there is a desktop: to open a paper, to copy to.",
    "SSH_CONNECTION, SSH_TTY": "Set by ssh: no window is opened, a copy goes through the terminal.",
    "TMUX, WSL_DISTRO_NAME": "Set by tmux and by Windows' Linux: whose clipboard takes a copy.",
    "XDG_CONFIG_HOME, ...": "Where the platform keeps configuration, data, state and cache.",
    "DDGS_PROXY": "A proxy for searching the web.",
}
"""Variables, or families of them, with what they do."""

_JSON = """\
--format json writes one document to stdout:
  {"schema_version": 1, "command": "search", "data": ...}
and, where something went wrong, in place of the data
  {"schema_version": 1, "command": "search",
   "error": {"kind": ..., "message": ..., "hint": ..., "stage": ...}}
with an exit code other than 0. The kind is a name to test for, the
stage the part of the work that was stopped.

--format jsonl writes the data alone, an object on each line; an error is
the last line, in its envelope. Nothing but JSON goes to stdout, and no
data to stderr. schema_version goes up when a field changes its meaning or
goes away, not when one is added.
"""


def _rows(rows: dict[str, str], width: int) -> str:
    return "".join(f"{name:<{width}}{meaning}\n" for name, meaning in rows.items())


TOPICS: dict[str, str] = {
    "exit-codes": "Exit codes of all commands.",
    "environment": "Variables of the environment that are read.",
    "json": "What --format json and jsonl write.",
}
"""Name to summary."""


def topic_text(topic: str) -> str:
    """Returns a topic's text.

    Raises:
        KeyError: There is no such topic.
    """
    texts = {
        "exit-codes": _rows({str(int(code)): meaning for code, meaning in MEANINGS.items()}, 5),
        "environment": _rows(ENVIRONMENT, 26),
        "json": _JSON,
    }
    return texts[topic]
