"""Options that several commands share, and the settings they stand for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from assistant.cli.completing import collection_names, profiles_of_settings, setting_pairs
from assistant.cli.outlet import NO_LOG, keeps_nothing
from assistant.profiles import PROFILE_VARIABLE

if TYPE_CHECKING:
    from assistant.api import Assistant

__all__ = [
    "confirmed",
    "format_option",
    "log_option",
    "open_assistant",
    "overrides_of",
    "profile_option",
    "require_collections",
    "setting_option",
    "setting_options",
    "strict_option",
    "talk_options",
    "wanted_options",
    "yes_option",
]

_YEARS = re.compile(r"(\d{1,4})?(?:\s*(\.\.|-)\s*(\d{1,4})?)?")

F = TypeVar("F", bound=Callable[..., Any])


def talk_options(command: F) -> F:
    """Adds `-q` and `-v`."""
    quiet = click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
    verbose = click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
    return quiet(verbose(command))


def strict_option(command: F) -> F:
    """Adds `--strict`."""
    return click.option(
        "--strict", is_flag=True, help="Exit with 4 when nothing was found; ask also with 3 or 124."
    )(command)


def profile_option(command: F) -> F:
    """Adds `--profile`, which holds for this process and those it starts."""

    def choose(ctx: click.Context, param: click.Parameter, name: str | None) -> None:
        if name is not None and not ctx.resilient_parsing:
            os.environ[PROFILE_VARIABLE] = name

    return click.option(
        "-p",
        "--profile",
        metavar="NAME",
        is_eager=True,
        expose_value=False,
        callback=choose,
        shell_complete=profiles_of_settings,
        help="Go by [profiles.NAME] of your settings (also: CARREL_PROFILE).",
    )(command)


def log_option(command: F) -> F:
    """Adds `--no-log`."""

    def keep_nothing(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
        ctx.meta[NO_LOG] = wanted

    return click.option(
        "--no-log",
        is_flag=True,
        expose_value=False,
        callback=keep_nothing,
        help="Keep nothing of this run in the history or the log.",
    )(command)


def setting_option(command: F) -> F:
    """Adds `--profile` and `--set`."""
    set_one = click.option(
        "--set",
        "set_",
        shell_complete=setting_pairs,
        metavar="KEY=VALUE",
        multiple=True,
        help="Any setting, by dotted key.",
    )
    return profile_option(set_one(command))


def format_option(*more: str, lines: bool = False) -> Callable[[F], F]:
    """Adds `--format` and `--json`.

    Args:
        more: What stdout can get beside text and JSON.
        lines: Whether what is put out is a list, of which `--json` is one JSON object on each line.
    """
    choices = ["text", *more, "json", *(["jsonl"] if lines else [])]
    short = "jsonl" if lines else "json"

    def options(command: F) -> F:
        command = click.option(
            "--json",
            "format",
            flag_value=short,
            type=click.Choice(choices),
            help=f"Short for --format {short}.",
        )(command)
        return click.option("--format", type=click.Choice(choices), default="text", help="What stdout gets.")(
            command
        )

    return options


def wanted_options(command: F) -> F:
    """Adds what a listing can be narrowed by."""
    options = (
        click.option(
            "--collection",
            shell_complete=collection_names,
            metavar="NAME",
            help="Only papers of this collection.",
        ),
        click.option("--author", default="", metavar="NAME", help="Only papers that one of that name wrote."),
        click.option(
            "--year", callback=_years, default="..", metavar="YEAR", help="2019, 2019..2023 or 2019.."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def yes_option(command: F) -> F:
    """Adds `--yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Do it without asking; for scripts.")(command)


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether a person agrees to what cannot be undone; the question goes to stderr.

    Raises:
        Unconfirmed: There is nobody to ask, and `yes` is not set.
    """
    from indexes.errors import Unconfirmed

    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Unconfirmed(f"This needs a yes: {question}")
    return click.confirm(question, default=False, err=True)


def setting_options(command: F) -> F:
    """Adds `--profile`, `--set` and the short forms of the settings most often changed."""
    options = (
        click.option(
            "--web", type=click.Choice(["ask", "auto", "never"]), help="Whether the web may be searched."
        ),
        click.option("--small", metavar="PROVIDER:MODEL", help="Model that reads each paper."),
        click.option("--reasoning", metavar="PROVIDER:MODEL", help="Model that writes the answer."),
        click.option("--base-url", metavar="URL", help="Address of an OpenAI-compatible server."),
        click.option("--deadline", metavar="SECONDS", help="Answer by then, with the best that fits."),
        click.option("--max-cost", metavar="USD", help="Most that one question may cost."),
        click.option("--max-calls", metavar="N", help="Most model calls for one question."),
        setting_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def open_assistant(
    set_: Sequence[str] = (),
    *,
    web: str | None = None,
    small: str | None = None,
    reasoning: str | None = None,
    base_url: str | None = None,
    deadline: str | None = None,
    max_cost: str | None = None,
    max_calls: str | None = None,
) -> Assistant:
    """Returns an assistant with the options as overrides.

    Raises:
        SettingsError: A setting is wrong.
    """
    from assistant.api import Assistant
    from assistant.settings import load_settings

    overrides = overrides_of(set_)
    short = {
        "web": web,
        "small": small,
        "reasoning": reasoning,
        "base_url": base_url,
        "deadline": deadline,
        "max_cost": max_cost,
        "max_calls": max_calls,
    }
    overrides |= {name: value for name, value in short.items() if value is not None}
    if keeps_nothing(click.get_current_context(silent=True)):
        overrides |= {"history.keep": "false"}
    return Assistant(settings=load_settings(overrides=overrides, flags=True))


def require_collections(assistant: Assistant, wanted: Sequence[str]) -> None:
    """Does nothing if the library has every collection that is wanted.

    Raises:
        QuestionRefused: It lacks one of them; a misspelt name must not read as "nothing found".
    """
    from indexes.clean import clean_line
    from indexes.errors import QuestionRefused

    if not wanted:
        return
    names = [collection.name for collection in assistant.collections() if collection.documents]
    for name in wanted:
        if name not in names:
            there = f"The library has: {', '.join(clean_line(each, 60) for each in names)}."
            raise QuestionRefused(
                f"There is no collection {name!r}.",
                hint=there if names else "The library is empty: `carrel add PATH` adds papers.",
            )


def overrides_of(set_: Sequence[str]) -> dict[str, str]:
    """The values of `--set` by dotted key."""
    return dict(_pair(text) for text in set_)


def _years(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int | None, int | None]:
    """First and last year of `2019`, `2019..2023` or `2019..`; `None` is open."""
    found = _YEARS.fullmatch(value.strip())
    if found is None:
        raise click.BadParameter(f"{value!r} is not a year, nor two as in 2019..2023.", ctx, param)
    first, last = (int(year) if year else None for year in (found[1], found[3]))
    return (first, last) if found[2] else (first, first)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise click.BadParameter(f"{text!r} is not of the form KEY=VALUE.", param_hint="--set")
    return key.strip(), value.strip()
