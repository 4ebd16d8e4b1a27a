"""The magics `%%ask`, `%ask` and `%papers`: a question is asked as it stands, nothing in it interpolated."""

from __future__ import annotations

import re
from argparse import Namespace
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import HTML
from pydantic import ValidationError

from assistant.api import Assistant
from assistant.envelope import to_json
from assistant.html import to_html
from assistant.listings import holdings_table
from assistant.live import Interrupted
from assistant.papers import Wanted
from assistant.render import to_markdown, to_text
from assistant.settings import ModelRole, ModelsSettings, SettingsError
from indexes.clean import clean, clean_line
from indexes.errors import CarrelError
from pipelines.types import Answer

__all__ = ["CarrelMagics", "questions_stay_whole"]

_OPTION = re.compile(
    r"\s*(?:(?:-[cmfo]\s*|--(?:collection|model|format|output)[\s=])(?:\"[^\"]*\"|'[^']*'|[^\s\"']\S*)|-h|--help)(?=\s|$)"
)
_ASKS = re.compile(r"(?P<into>[^\W\d]\w*[ \t]*=[ \t]*)?%ask[ \t]+(?P<question>.*\?)[ \t]*\n?")


@magics_class
class CarrelMagics(Magics):
    """Ask with the `assistant` of the notebook, or where there is none, with one of your settings."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._shell = shell
        self._opened: dict[tuple[int, str], Assistant] = {}

    @no_var_expand
    @magic_arguments()
    @argument("-c", "--collection", action="append", default=[], help="Look only here; may be given again.")
    @argument("-m", "--model", default="", help="Answers: provider:model, or none for the papers' sentences.")
    @argument(
        "-f",
        "--format",
        choices=["rich", "text", "markdown", "html", "json"],
        default="rich",
        help="What is shown: rich is the answer itself, markdown and json are its source.",
    )
    @argument("-o", "--output", metavar="VAR", default="", help="Keeps the answer in this variable too.")
    @line_cell_magic
    def ask(self, line: str, cell: str | None = None) -> object:
        """Ask a question: `%ask QUESTION`, or `%%ask` with the question below.

        The question is taken as it stands: braces, dollar signs, quotes and backslashes mean themselves.
        The notebook's variable `assistant` answers if it is an `Assistant`.
        """
        options, question = _divided(line, cell)
        wanted = parse_argstring(self.ask, options)
        try:
            answer = self._assistant(wanted.model).ask(question, collections=tuple(wanted.collection))
        except Interrupted as stopped:
            self._keep(wanted, stopped.answer)
            raise
        except CarrelError as error:
            raise _in_brief(error) from None
        self._keep(wanted, answer)
        return _shown(answer, wanted.format)

    @no_var_expand
    @magic_arguments()
    @argument("-c", "--collection", default=None, help="Only papers of this collection.")
    @argument("words", nargs="*", help="Words of the title or of authors.")
    @line_magic
    def papers(self, line: str) -> None:
        """List the papers of the library, by title."""
        wanted = parse_argstring(self.papers, line)
        words = " ".join(word.strip("\"'") for word in wanted.words)
        try:
            holdings = self._assistant("").papers.list(Wanted(text=words, collection=wanted.collection))
        except CarrelError as error:
            raise _in_brief(error) from None
        print(holdings_table(holdings, width=None), end="")  # noqa: T201 - a table is text

    def close(self) -> None:
        """Closes what was opened here; the notebook's own assistant stays open."""
        for assistant in self._opened.values():
            assistant.close()
        self._opened.clear()

    def _assistant(self, model: str) -> Assistant:
        """The notebook's own assistant, one like it with another model, or one of the person's settings."""
        named = self._shell.user_ns.get("assistant")
        own = named if isinstance(named, Assistant) else None
        if own is not None and not model:
            return own
        key = (id(own), model)
        if key not in self._opened:
            begun = own or Assistant()
            self._opened[key] = _with_model(begun, model) if model else begun
        return self._opened[key]

    def _keep(self, wanted: Namespace, answer: Answer) -> None:
        if wanted.output:
            self._shell.push({wanted.output: answer})


def questions_stay_whole(lines: list[str]) -> list[str]:
    """Hands the question of a `%ask` line over as it is; at a `?` IPython would look up its last word."""
    return [_called(line) for line in lines]


def _called(line: str) -> str:
    asks = _ASKS.fullmatch(line)
    if asks is None:
        return line
    return f"{asks['into'] or ''}get_ipython().run_line_magic('ask', {asks['question']!r})\n"


def _divided(line: str, cell: str | None) -> tuple[str, str]:
    """The options and the question, which begins where the options end.

    Raises:
        UsageError: There is no question, or one in the line and one below it.
    """
    end = 0
    while option := _OPTION.match(line, end):
        end = option.end()
    options, rest = line[:end], line[end:].strip()
    if cell is not None and rest:
        raise UsageError(
            f"The question stands below %%ask; {clean_line(rest, 60)!r} is no option. See %ask -h"
        )
    question = rest if cell is None else cell
    if not question.strip() and not re.search(r"(?:^|\s)(?:-h|--help)(?:\s|$)", options):
        raise UsageError("There is no question: %ask What is ...?")
    return options, question


def _with_model(assistant: Assistant, model: str) -> Assistant:
    """One over the same library whose answers this model writes; what is set for its provider holds for it.

    Raises:
        SettingsError: The name is no model's.
    """
    if model == "none":
        return _like(assistant, ModelsSettings())
    before = assistant.settings.models.reasoning
    same_provider = before.name.partition(":")[0] == model.partition(":")[0]
    known = before.model_dump() if same_provider else {}
    try:
        role = ModelRole.model_validate({**known, "name": model})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise SettingsError(
            f"-m {clean_line(model, 60)}: {problem}.", hint="none asks without a model."
        ) from error
    return _like(assistant, ModelsSettings(small=assistant.settings.models.small, reasoning=role))


def _like(assistant: Assistant, models: ModelsSettings) -> Assistant:
    return Assistant(assistant.paths, settings=assistant.settings.model_copy(update={"models": models}))


def _shown(answer: Answer, form: str) -> object:
    """What the cell gives; the forms that are text are printed, so that they can be copied."""
    match form:
        case "html":
            return HTML(to_html(answer))
        case "text":
            print(to_text(answer), end="")  # noqa: T201
        case "markdown":
            print(to_markdown(answer), end="")  # noqa: T201
        case "json":
            print(to_json("ask", answer), end="")  # noqa: T201
        case _:
            return answer
    return None


def _in_brief(error: CarrelError) -> CarrelError:
    """The error, which a notebook shows by its message and hint and not by where in Carrel it happened."""
    said = f"{error.kind}: {clean(error.message)}"
    lines = [said, *([clean(error.hint)] if error.hint else [])]
    error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
    return error
