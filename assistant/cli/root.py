"""The group of all commands: one-line summaries that need no import, and the app when none is named."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from assistant.cli.completing import question_names
from assistant.cli.ending import ended_by_signal, ended_by_usage, stop_on_signals
from assistant.cli.entry import form_of_app
from assistant.cli.options import profile_option
from assistant.cli.outlet import guarded, prepare_streams, say
from assistant.exit_codes import ExitCode

__all__ = ["COMMANDS", "root", "run"]

COMMANDS: dict[str, str] = {
    "add": "Add papers: files and folders.",
    "ask": "Ask a question and print the answer with its sources.",
    "batch": "Answer a file of questions, one JSON line each.",
    "collections": "List, rename and remove collections.",
    "completion": "Print the script that teaches a shell to complete commands, settings and questions.",
    "config": "Show, check, begin and edit the settings.",
    "demo": "See the whole path on a small built-in library; no key, no network.",
    "doctor": "Look over Python, terminal, settings, models, library, history and disk.",
    "eval": "Measure how well search finds what it should.",
    "help": "Show the help of a command, or a topic: exit-codes, environment, json.",
    "history": "List, find, show and export what was asked before.",
    "man": "Print the manual page.",
    "mcp": "Serve the library to programs, over the Model Context Protocol.",
    "models": "Show the models in use, or get another embedding model.",
    "papers": "List, show, remove, export, check and repair the papers.",
    "paths": "Show where settings, library, history, logs and downloads lie.",
    "replay": "Play a recorded question again, without model or network.",
    "schema": "Print the JSON Schema of what --format json writes.",
    "search": "Find passages, without a model writing anything.",
    "serve": "Show the app in a browser.",
    "show": "Show a question that was asked, with its answer.",
}
"""Name to summary; the command itself is `command` in `assistant.cli.<name>`."""

_EPILOG = """\b
Examples:
  carrel demo
  carrel add ~/papers
  carrel ask "What limits dense retrieval?"
  carrel                     opens the app
  carrel --linear            the same in plain lines

`carrel help exit-codes` and `carrel help environment` say what scripts need to know.
"""


class LazyGroup(click.Group):
    """Lists its commands from `COMMANDS` and imports one only to run it or show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command's file."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"assistant.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("carrel")
    except PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"carrel {number}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.option("--home", metavar="FOLDER", help="Keep everything in this folder (also: CARREL_HOME).")
@profile_option
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
@click.option(
    "--resume",
    shell_complete=question_names,
    metavar="RUN",
    default="",
    help="Open the app with a past question, as `carrel history` names it, or `last`; one that was stopped "
    "goes on.",
)
@click.option("-c", "--continue", "resume", flag_value="last", help="The same as --resume last.")
@click.option("--linear", is_flag=True, help="The app in plain lines, for screen readers and pipes.")
@click.pass_context
def root(ctx: click.Context, home: str | None, resume: str, linear: bool) -> int | None:
    """Carrel answers from the papers you have, with citations you can check.

    Without a command it opens the app.
    """
    if home is not None:
        os.environ["CARREL_HOME"] = home  # for the app and for every process that is started from here
    if ctx.invoked_subcommand is not None:
        if resume or linear:
            raise click.UsageError(
                f"--linear, --resume and --continue open the app; "
                f"`carrel {ctx.invoked_subcommand}` comes without them."
            )
        return None
    if not linear and not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(root.get_usage(ctx), err=True)
        say("The app needs a terminal; `carrel --linear` does not, nor do the commands of `carrel --help`.")
        return ExitCode.USAGE
    code: int = guarded(lambda: _open_app("linear" if linear else "default", resume), ctx)
    return code


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code; the outermost door."""
    prepare_streams()
    stop_on_signals()
    try:
        code = root.main(list(arguments), prog_name="carrel", standalone_mode=False)
    except click.ClickException as error:
        return ended_by_usage(error, arguments)
    except (KeyboardInterrupt, click.Abort):
        return ended_by_signal(next((each for each in arguments if each in COMMANDS), "carrel"), arguments)
    return code if isinstance(code, int) else 0


def _open_app(form: str, resume: str) -> int:
    """Opens the app with its own way out, screen included."""
    start = form_of_app(form)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    code = start(resume) if resume else start()
    return code if isinstance(code, int) else 0
