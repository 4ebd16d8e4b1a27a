"""The error tree's root and what can go wrong between a file and a found passage.

CarrelError
├── Interrupted           Ctrl+C, or a request to end
├── InputError            what the person gave cannot be used
│   ├── WrongUsage        an option or a command that cannot be used so
│   ├── PathMissing       no such file or folder
│   ├── NothingToRead     a folder without a readable file
│   ├── DocumentMissing   no such document in the library
│   ├── NameAmbiguous     a name that several papers answer to
│   ├── Unconfirmed       what cannot be undone, without a person's yes
│   ├── OutputExists      a file that would be overwritten
│   ├── FilterRefused     a filter in a question that cannot be one
│   ├── QuestionRefused   an empty or oversized question
│   └── JudgementsUnusable  a collection for evaluating, or a file of questions, is not as it should be
├── ReadError             one file could not be read
│   ├── Encrypted         needs a password
│   ├── NoText            pages without text, or an empty file
│   ├── Damaged           not what its name says, or broken
│   ├── Unsupported       a kind that is not read
│   ├── TooLarge          over a limit
│   └── ReadTimeout       took too long                              (retryable)
├── LibraryError          the library as a whole
│   ├── LibraryBusy       another process is writing                 (retryable)
│   ├── LibraryDamaged    the catalogue cannot be opened
│   └── EncoderMismatch   made with another embedding model
├── EncoderError          embedding
│   └── EncoderMissing    no model file on this machine
├── SearchError           one retriever failed
│   ├── MeaningUnavailable  no encoder: search is by keyword
│   └── WebError          the web could not be searched              (retryable)
│       ├── WebDisallowed the person has not allowed it
│       ├── WebMissing    nothing at an address
│       └── WebBlocked    the search engine refuses for now
├── ModelError, PipelineError    see pipelines.errors
└── SettingsError                see assistant.settings
"""

from __future__ import annotations

from typing import ClassVar

from indexes.formats import SOURCES

__all__ = [
    "CarrelError",
    "Damaged",
    "DocumentMissing",
    "EncoderError",
    "EncoderMismatch",
    "EncoderMissing",
    "Encrypted",
    "FilterRefused",
    "InputError",
    "Interrupted",
    "JudgementsUnusable",
    "LibraryBusy",
    "LibraryDamaged",
    "LibraryError",
    "MeaningUnavailable",
    "NameAmbiguous",
    "NoText",
    "NothingToRead",
    "OutputExists",
    "PathMissing",
    "QuestionRefused",
    "ReadError",
    "ReadTimeout",
    "SearchError",
    "TooLarge",
    "Unconfirmed",
    "Unsupported",
    "WebBlocked",
    "WebDisallowed",
    "WebError",
    "WebMissing",
    "WrongUsage",
]


class CarrelError(Exception):
    """An error with a sentence that names the thing and a hint that says what to do next."""

    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later."""
    exit_code: ClassVar[int] = 1
    """What the command line exits with when this ends it."""
    stage: ClassVar[str] = "command"
    """Which part of the work it stopped, as machine-readable output spells it."""
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        """The next thing to do or type; may be empty."""

    @property
    def kind(self) -> str:
        """The class name, as machine-readable output spells it."""
        return type(self).__name__


class Interrupted(CarrelError):
    """A person, or the system, ended the work; what was done until then is kept."""

    stage = "signal"
    exit_code = 130


class InputError(CarrelError):
    """What the person gave cannot be used as it is."""

    stage = "input"
    exit_code = 2


class WrongUsage(InputError):
    """A command line that cannot be understood."""

    stage = "usage"


class PathMissing(InputError):
    """No such file or folder."""

    default_hint = "Check the spelling, or drag the folder into the terminal to get its path."


class NothingToRead(InputError):
    """A folder without one file that Carrel reads."""

    exit_code = 4
    default_hint = f"Carrel reads {SOURCES}."


class DocumentMissing(InputError):
    """The library holds no such document."""

    default_hint = "It may have been removed, or its file has changed; search again for its new name."


class NameAmbiguous(InputError):
    """A name that several papers answer to."""


class Unconfirmed(InputError):
    """Something that cannot be undone was asked for, and nobody said yes."""

    default_hint = "Nothing was changed. Where nobody can be asked, --yes says yes."


class OutputExists(InputError):
    """A file that would be overwritten."""

    default_hint = "Write to another file, or add --force to replace this one."


class QuestionRefused(InputError):
    """A question that is empty or far too long."""


class JudgementsUnusable(InputError):
    """A judged collection, or a file of questions with their answers, is not as it should be."""


class FilterRefused(InputError):
    """A filter in a question that cannot be one: a year that is no year, a collection that is not there."""


class ReadError(CarrelError):
    """One file could not be read; the others are not affected."""

    stage = "read"


class Encrypted(ReadError):
    """The file needs a password."""

    default_hint = "Save a copy without the password and add that."


class NoText(ReadError):
    """The file holds no text: empty, or pictures of pages only."""

    default_hint = "Open it in another program and see whether there is text in it."


class Damaged(ReadError):
    """The file is broken, or is not what its name says."""

    default_hint = "Open it in another program; if that fails too, fetch it again."


class Unsupported(ReadError):
    """A kind of file that is not read."""


class TooLarge(ReadError):
    """The file or its text is over a limit."""


class ReadTimeout(ReadError):
    """Reading took longer than its limit."""

    retryable = True


class LibraryError(CarrelError):
    """The library as a whole cannot be used as asked."""

    stage = "library"


class LibraryBusy(LibraryError):
    """Another process is writing to the library."""

    retryable = True
    default_hint = "Wait until it has finished, or stop it, and try again. Asking questions still works."


class LibraryDamaged(LibraryError):
    """The catalogue cannot be opened."""


class EncoderMismatch(LibraryError):
    """The library's vectors were made by another embedding model."""


class EncoderError(CarrelError):
    """Text could not be embedded."""

    stage = "embed"


class EncoderMissing(EncoderError):
    """No embedding model on this machine."""

    default_hint = (
        "Without the setting library.encoder the model that comes with Carrel is used; "
        "`carrel models get` downloads all-MiniLM-L6-v2 (90 MB)."
    )


class SearchError(CarrelError):
    """One retriever failed; others may still answer."""

    stage = "retrieve"


class MeaningUnavailable(SearchError):
    """There is no encoder, so nothing can be searched by meaning."""


class WebError(SearchError):
    """The web could not be searched."""

    retryable = True


class WebDisallowed(WebError):
    """The person has not allowed web search."""

    retryable = False
    default_hint = 'Allow it with `--web auto`, or `web = "auto"` in the settings.'


class WebMissing(WebError):
    """There is nothing at an address."""

    retryable = False


class WebBlocked(WebError):
    """The search engine refuses to answer for now."""
