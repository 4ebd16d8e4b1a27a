"""`carrel help`: a command's help, or a topic that belongs to all of them."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from assistant.cli.outlet import Command, put
from assistant.cli.topics import TOPICS, topic_text

__all__ = ["command"]


def _words(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from assistant.cli.root import COMMANDS

    offered = {**TOPICS, **COMMANDS}
    return [CompletionItem(name, help=said) for name, said in offered.items() if name.startswith(incomplete)]


@click.command(
    "help",
    cls=Command,
    epilog=f"""\b
Topics:
{chr(10).join(f"  {name:<12} {summary}" for name, summary in TOPICS.items())}

\b
Examples:
  carrel help exit-codes
  carrel help papers list
""",
)
@click.argument("words", nargs=-1, shell_complete=_words, metavar="[TOPIC|COMMAND...]")
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a command, or a topic that belongs to all of them."""
    if len(words) == 1 and words[0] in TOPICS:
        put(topic_text(words[0]))
        return
    assert ctx.parent is not None
    found, place = ctx.parent.command, ctx.parent
    for word in words:
        child = found.get_command(place, word) if isinstance(found, click.Group) else None
        if child is None:
            topics = ", ".join(TOPICS)
            raise click.UsageError(f"There is no command {' '.join(words)!r}, and no such topic ({topics}).")
        found, place = child, child.context_class(child, parent=place, info_name=word)
    put(f"{found.get_help(place)}\n")
