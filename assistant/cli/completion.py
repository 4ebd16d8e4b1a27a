"""`carrel completion`: the script that teaches a shell to complete `carrel`."""

from __future__ import annotations

import click

from assistant.cli.outlet import Command, put

__all__ = ["command"]


@click.command(
    "completion",
    cls=Command,
    epilog="""\b
Examples:
  carrel completion bash > ~/.carrel-completion
  carrel completion zsh > ~/_carrel
  carrel completion fish > ~/carrel.fish
  carrel completion powershell > carrel.ps1

\b
Then, for good:
  bash        . ~/.carrel-completion            in ~/.bashrc
  zsh         put _carrel in a folder of $fpath
  fish        put it in ~/.config/fish/completions
  PowerShell  . ./carrel.ps1                    in $PROFILE
""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that teaches SHELL to complete commands, collections, settings and questions."""
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None
    put(completion(ctx.find_root().command, {}, "carrel", "_CARREL_COMPLETE").source())
