"""LlamaIndex readers by name: where the class is, which files it takes, and what to install for it."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from indexes.clean import clean_line
from indexes.errors import InputError, ReadError
from indexes.types import Model

if TYPE_CHECKING:
    from indexes.readers.plugin import FileReader

__all__ = ["NamedReader", "instance"]

_WITHOUT_MODULE = "llama_index.readers.file"
"""Where a short name is looked for: LlamaIndex keeps its readers of files in one package."""
_KNOWN: dict[str, tuple[str, ...]] = {
    "DocxReader": (".docx",),
    "EpubReader": (".epub",),
    "FlatReader": (".txt",),
    "HTMLTagReader": (".html", ".htm"),
    "HWPReader": (".hwp",),
    "ImageReader": (".jpg", ".jpeg", ".png", ".gif", ".webp"),
    "IPYNBReader": (".ipynb",),
    "JSONReader": (".json",),
    "MarkdownReader": (".md",),
    "MboxReader": (".mbox",),
    "PandasCSVReader": (".csv",),
    "PandasExcelReader": (".xls", ".xlsx"),
    "PDFReader": (".pdf",),
    "PptxReader": (".pptx", ".ppt", ".pptm"),
    "PyMuPDFReader": (".pdf",),
    "RTFReader": (".rtf",),
    "VideoAudioReader": (".mp3", ".mp4"),
    "XMLReader": (".xml",),
}
"""The suffixes that LlamaIndex itself gives to its readers of files."""
_NAME = re.compile(r"(?:(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):)?(?P<name>[A-Za-z_]\w*)")
_SUFFIX = re.compile(r"\.[^\s.,;=/\\]{1,20}")
_HOW = "Write --reader NAME, MODULE:NAME or MODULE:NAME=.suffix,.suffix, such as --reader PptxReader."


class NamedReader(Model):
    """A class with `load_data`, and the files that it is for."""

    module: str
    name: str
    suffixes: tuple[str, ...]
    """In lower case, with the dot."""

    @classmethod
    def parse(cls, written: str) -> Self:
        """Returns the reader that a person wrote as `[MODULE:]NAME[=.suffix,...]`.

        Raises:
            InputError: It is not written so, or says no suffix for a reader that is not known.
        """
        written = written.strip()
        place, _, listed = written.partition("=")
        found = _NAME.fullmatch(place)
        suffixes = tuple(each.strip().lower() for each in listed.split(",") if each.strip())
        if found is None or not all(_SUFFIX.fullmatch(suffix) for suffix in suffixes):
            raise InputError(f"{clean_line(written, limit=100)!r} names no reader.", hint=_HOW)
        suffixes = suffixes or _KNOWN.get(found["name"], ())
        if not suffixes:
            raise InputError(
                f"Which files {found['name']} is for is not known.",
                hint=f"Say it: --reader {place}=.suffix",
            )
        return cls(module=found["module"] or _WITHOUT_MODULE, name=found["name"], suffixes=suffixes)

    def require(self) -> None:
        """Does nothing if the module is installed; blocks.

        Raises:
            InputError: It is not; the hint names what to install.
        """
        try:
            there = find_spec(self.module) is not None
        except ImportError:
            there = False
        except Exception as error:
            raise InputError(
                f"The reader {self.name} cannot be loaded: {clean_line(str(error))}.",
                hint=f"Try it by itself: python -c 'import {self.module}'",
            ) from error
        if not there:
            raise InputError(
                f"The reader {self.name} is not installed: there is no module {self.module!r}.",
                hint=f"Install it: pip install {package_of(self.module)}",
            )


def package_of(module: str) -> str:
    """Returns what a module is installed by: LlamaIndex names its packages by their modules."""
    parts = module.split(".")
    return "-".join(parts[:3]).replace("_", "-") if parts[0] == "llama_index" else parts[0].replace("_", "-")


@lru_cache(maxsize=8)
def instance(module: str, name: str) -> FileReader:
    """Returns a reader of that class, made without arguments, one for a process; blocks while it is imported.

    Raises:
        ReadError: It cannot be made; nothing is wrong with the file.
    """
    try:
        reader: FileReader = getattr(import_module(module), name)()
    except ImportError as error:
        needed = error.name or ""
        raise ReadError(
            f"The reader {name} cannot be loaded: {clean_line(str(error))}.",
            hint=f"Install what it needs: pip install {needed.split('.')[0] or package_of(module)}",
        ) from error
    except Exception as error:  # the person's own code: whatever it raises
        raise ReadError(
            f"The reader {name} cannot be made: {type(error).__name__}: {clean_line(str(error))}.",
            hint="It has to be a class that needs no arguments, with a method load_data.",
        ) from error
    if not callable(getattr(reader, "load_data", None)):
        raise ReadError(
            f"{name} is no reader: it has no method load_data.", hint="Name a LlamaIndex reader of files."
        )
    return reader
