"""`carrel demo`: the whole path on the built-in notes, each part shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from assistant.cli.options import talk_options
from assistant.cli.outlet import Command, put

if TYPE_CHECKING:
    from assistant.events import Answer, Span
    from assistant.status import Status

__all__ = ["command"]

_NEXT = """\
What to try next
  carrel add ~/papers                 your own papers
  carrel ask "a question about them"  answered from them
  carrel                              the app: the same, with the sources beside the answer
  carrel ask --help                   models: --small and --reasoning, any provider or a local server
"""


@click.command(
    "demo",
    cls=Command,
    epilog="""\b
Examples:
  carrel demo
  carrel demo "When does a circuit breaker open?"
""",
)
@click.argument("question", nargs=-1)
@talk_options
def command(question: tuple[str, ...], quiet: bool, verbose: bool) -> int:
    """See the whole path on a small built-in library of research notes; no key, no network.

    With a QUESTION of your own, ask the notes that instead.
    """
    from assistant.cli.narrate import Narrator
    from assistant.demo import COLLECTION, NOTES, QUESTION, open_demo
    from assistant.failures import last_answer
    from assistant.render import to_text

    asked = " ".join(question) or QUESTION
    with open_demo() as assistant, Narrator(quiet=quiet, verbose=verbose) as narrator:
        narrator.line(f"demo: a library of research notes in {assistant.paths.library}")
        for added in assistant.stream_add(NOTES, collection=COLLECTION):
            narrator.tell(added)
        events = []
        for event in assistant.stream(asked):
            narrator.tell(event)
            events.append(event)
        answer = last_answer(events)
        narrator.clear()
        put(f"Library\n{_library(assistant.status())}\n")
        put(f"Question\n  {answer.query.text}\n\nRoute\n{_route(answer)}\n\nSteps\n{_steps(answer)}\n\n")
        put(f"Answer\n\n{to_text(answer)}\n{_NEXT}")
    return 0


def _library(status: Status) -> str:
    documents = sum(collection.documents for collection in status.collections)
    passages = sum(collection.passages for collection in status.collections)
    return (
        f"  {documents} notes, {passages} passages\n"
        f"  searched by keyword, and by meaning with {status.encoder}, which comes with Carrel\n"
    )


def _route(answer: Answer) -> str:
    from assistant.events import clean_line

    query = answer.query
    domain = ", ".join(query.domain) or "all collections"
    kind = f"{query.kind.value} question, sure {query.confidence:.2f}, in {domain}"
    return f"  {kind}\n  {clean_line(answer.route.name)}: {clean_line(answer.route.why, 500)}"


def _steps(answer: Answer) -> str:
    return "\n".join(_step(span) for span in answer.trace)


def _step(span: Span) -> str:
    from assistant.events import clean_line

    what = clean_line(f"{span.rung}, {span.branch}" if span.branch else span.rung, 40)
    return f"  {span.name:<10} {what:<40} {span.seconds * 1000:7.1f} ms  {span.status.value}"
