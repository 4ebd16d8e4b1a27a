"""The one list of what a person can do: keys, palette, slash commands, help and README come from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

__all__ = [
    "COMMANDS",
    "PLACES",
    "Command",
    "Place",
    "bindings",
    "commands_of",
    "find_command",
    "parse_slash",
    "spelled",
]

Place = Literal[
    "anywhere", "asking", "reading", "library", "document", "paper", "history", "trace", "settings", "page"
]

PLACES: dict[Place, str] = {
    "anywhere": "Anywhere",
    "asking": "Asking",
    "reading": "Reading an answer: keys when the question box is left (Esc), or typed",
    "document": "With a paper: in the evidence, in the library, on its page",
    "library": "In the library",
    "paper": "On a paper's page",
    "history": "In the history",
    "trace": "In a trace",
    "settings": "In the settings",
    "page": "On a page of evidence",
}
"""Where commands work, and the heading of each place in the help."""


@dataclass(frozen=True)
class Command:
    """Something the app does on request."""

    name: str
    """What is typed after the slash; also the id of its key binding."""
    label: str
    """One or two words, for the footer."""
    summary: str
    """A sentence, for the help and the palette."""
    action: str
    """An action of the place's screen, or of the app with `app.` before it; it gets the argument."""
    key: str = ""
    """The default key, or several with commas between; empty where there is none."""
    argument: str = ""
    """What may follow the slash command; empty where nothing may."""
    place: Place = "asking"
    in_footer: bool = True

    @property
    def can_be_typed(self) -> bool:
        """Whether it works as a slash command: only where there is a box to type it in."""
        return self.place in ("anywhere", "asking", "reading", "document")

    @property
    def usage(self) -> str:
        """The slash command as it is typed; empty where it cannot be."""
        return f"/{self.name} {self.argument}".rstrip() if self.can_be_typed else ""


COMMANDS: tuple[Command, ...] = (
    Command(
        "help", "Help", "Show the keys, the commands and the filters.", "app.help", "f1", place="anywhere"
    ),
    Command("evidence", "Evidence", "Show or hide the evidence.", "evidence", "f2"),
    Command("add", "Add", "Add a folder or a file to the library.", "app.add", "f3", "PATH", "anywhere"),
    Command(
        "editor", "Editor", "Write the question in your own editor.", "editor", "ctrl+o", in_footer=False
    ),
    Command("steps", "Steps", "Show or hide the steps of the latest answer.", "steps", "f4", in_footer=False),
    Command(
        "library", "Library", "See the papers, and what failed.", "app.library", "f5", "FILTER", "anywhere"
    ),
    Command(
        "history",
        "History",
        "Find what was asked before, and its answers.",
        "app.history",
        "f6",
        "WORDS",
        "anywhere",
    ),
    Command("trace", "Trace", "See what the answer took, step by step.", "trace", "f7", in_footer=False),
    Command(
        "settings",
        "Settings",
        "Models, keys, limits, the web, the app itself.",
        "app.settings",
        "f8",
        "WORDS",
        "anywhere",
        in_footer=False,
    ),
    Command("cancel", "Cancel", "Stop the question in view; what is written stays.", "cancel", "escape"),
    Command("theme", "Theme", "Choose the colours.", "app.change_theme", place="anywhere"),
    Command("quit", "Quit", "End Carrel; Ctrl+C twice does the same.", "app.quit", place="anywhere"),
    # An answer. What costs something has a sign for its key: a question could begin with a letter.
    Command("copy", "Copy", "Copy the answer with its sources.", "copy", "y", place="reading"),
    Command(
        "export",
        "Export",
        "Write it: markdown, html, json, notebook, bibtex.",
        "export",
        "e",
        "FORM",
        "reading",
    ),
    Command("find", "Find", "Find words in the answers.", "find", "slash", "WORDS", "reading"),
    Command("next", "Next", "Go to the next place that was found.", "found(1)", "n", place="reading"),
    Command("previous", "Previous", "Go to the place before.", "found(-1)", "N", place="reading"),
    Command(
        "before",
        "Before",
        "Go to the answer before, with its evidence.",
        "turn(-1)",
        "left_square_bracket",
        place="reading",
    ),
    Command(
        "after",
        "After",
        "Go to the answer after.",
        "turn(1)",
        "right_square_bracket",
        place="reading",
    ),
    Command(
        "deeper",
        "Deeper",
        "Ask again: the reasoning model, on the same evidence.",
        "again('deeper')",
        "greater_than_sign",
        place="reading",
    ),
    Command(
        "web",
        "Web",
        "Ask again, with what the web adds to the evidence.",
        "again('web')",
        "at",
        place="reading",
    ),
    Command(
        "model",
        "Model",
        "Ask another model, on the same evidence.",
        "another_model",
        "m",
        "NAME",
        "reading",
    ),
    Command(
        "helped",
        "Helped",
        "Say that it helped; it is kept in the history.",
        "rate(True)",
        "plus",
        place="reading",
    ),
    Command("forget", "Forget", "Forget what + and - have taught the routes.", "forget", place="reading"),
    Command("unhelpful", "No help", "Say that it did not help.", "rate(False)", "minus", place="reading"),
    # A paper.
    Command("file", "File", "Open the paper at its page in your viewer.", "file", "o", "NUMBER", "document"),
    Command("doi", "DOI", "Open the paper's DOI in your browser.", "doi", "d", "NUMBER", "document"),
    Command(
        "cite", "Cite", "Copy a citation of the paper.", "cite", "c", "NUMBER", "document", in_footer=False
    ),
    Command(
        "bibtex",
        "BibTeX",
        "Copy BibTeX of what is cited, or of the paper.",
        "bibtex",
        "b",
        place="document",
        in_footer=False,
    ),
    # The settings.
    Command(
        "change",
        "Change",
        "Type another value; it is checked as you type.",
        "change",
        "enter",
        place="settings",
    ),
    Command(
        "default",
        "Default",
        "Take it out of your file, so that the default holds.",
        "default",
        "x,delete",
        place="settings",
    ),
    Command(
        "try_model",
        "Try model",
        "Ask the model of this role for one word.",
        "try_model",
        "t",
        place="settings",
    ),
    Command(
        "find_setting",
        "Find",
        "Type a part of a setting's name or meaning.",
        "filter",
        "slash",
        place="settings",
    ),
    # The library.
    Command(
        "open_paper", "Open", "See all that is known of the paper.", "open_paper", "enter", place="library"
    ),
    Command(
        "filter", "Filter", "Type a filter; Enter or Esc leaves the box.", "filter", "slash", place="library"
    ),
    Command(
        "next_collection",
        "Next",
        "Show the next collection, then the failed files.",
        "collection(1)",
        "right",
        place="library",
        in_footer=False,
    ),
    Command(
        "previous_collection",
        "Before",
        "Show the collection before.",
        "collection(-1)",
        "left",
        place="library",
        in_footer=False,
    ),
    Command(
        "sort", "Sort", "Order by title, author, year, or the newest first.", "sort", "s", place="library"
    ),
    Command("retry", "Retry all", "Read all failed files again.", "retry", "r", place="library"),
    Command("retry_one", "Retry this", "Read this failed file again.", "retry_one", "t", place="library"),
    Command(
        "remove",
        "Remove",
        "Take the paper out of the library; its file stays.",
        "remove",
        "x,delete",
        place="library",
    ),
    # A paper.
    Command(
        "open_passage", "Open page", "Open the passage on its page.", "open_passage", "enter", place="paper"
    ),
    # The history.
    Command(
        "open_question",
        "Open",
        "Show the answer with its evidence.",
        "open_question",
        "enter",
        place="history",
    ),
    Command("search", "Search", "Type what to look for.", "filter", "slash", place="history"),
    Command("resume", "Go on", "Go on with a question that was stopped.", "resume", "r", place="history"),
    Command(
        "compare",
        "Compare",
        "Pick this answer, then another one: both beside each other.",
        "compare",
        "c",
        place="history",
    ),
    Command(
        "export_past",
        "Export",
        "Write this answer to a file.",
        "export_past",
        "e",
        place="history",
        in_footer=False,
    ),
    Command("past_helped", "Helped", "Say that it helped.", "helped(True)", "plus", place="history"),
    Command(
        "past_no_help",
        "Did not",
        "Say that it did not help.",
        "helped(False)",
        "minus",
        place="history",
        in_footer=False,
    ),
    # A page of evidence.
    Command("previous_evidence", "Previous", "Open the evidence before.", "step(-1)", "left,p", place="page"),
    Command("next_evidence", "Next", "Open the evidence after.", "step(1)", "right,n", place="page"),
)
"""In the order of the help, and of the keys at the foot of a screen."""

_SLASH = re.compile(r"/([a-z][a-z_-]*)(?:\s+(.*))?", re.DOTALL)
_SPELLED = {
    "escape": "Esc",
    "slash": "/",
    "left": "←",
    "right": "→",
    "enter": "Enter",
    "delete": "Del",
    "plus": "+",
    "minus": "-",
    "greater_than_sign": ">",
    "at": "@",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def spelled(keys: str) -> str:
    """The first of the keys as the foot of a screen and the help write it."""
    key = keys.partition(",")[0]
    if key in _SPELLED:
        return _SPELLED[key]
    if key.startswith("ctrl+"):
        return f"Ctrl+{key[5:].upper()}"
    return key if len(key) == 1 else key.capitalize()


def commands_of(place: Place) -> tuple[Command, ...]:
    """The commands that work in a place, those that work anywhere not among them."""
    return tuple(command for command in COMMANDS if command.place == place)


def bindings(place: Place, *others: Place) -> list[Binding]:
    """The keys of what can be done in these places and anywhere; each can be remapped by its id.

    Function keys go before those of a text box, which has some of its own.

    Args:
        place: Where they are for.
        others: Places whose keys work there too.
    """
    return [
        Binding(
            command.key,
            command.action,
            command.label,
            tooltip=command.summary,
            show=command.in_footer and _stands_at_foot(command, place),
            key_display=spelled(command.key),
            priority=command.key[:1] == "f" and command.key[1:].isdigit(),
            id=command.name,
        )
        for command in COMMANDS
        if command.key and command.place in ("anywhere", place, *others)
    ]


def _stands_at_foot(command: Command, place: Place) -> bool:
    """Six entries fit a narrow screen: while asking those of every screen, elsewhere the screen's own."""
    if command.place == "anywhere":
        return place == "asking" or command.name == "help"
    return command.place == place or (command.place == "document" and place in ("paper", "page"))


def find_command(name: str) -> Command | None:
    """The command that is typed like that, if there is one."""
    return next((command for command in COMMANDS if command.name == name and command.can_be_typed), None)


def parse_slash(text: str) -> tuple[str, str] | None:
    """Returns name and argument of a slash command, known or not; `None` for a question."""
    found = _SLASH.fullmatch(text.strip())
    return (found[1], (found[2] or "").strip()) if found else None
