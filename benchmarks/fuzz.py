"""Spoilt examples through everything of ours that parses: no crash, and none computes for over a second."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from assistant.settings import SettingsError, load_settings
from benchmarks.measure import Report, Target, exact_upper_bound
from indexes.errors import FilterRefused, ReadError
from indexes.query import parse_query
from indexes.readers import bibliography, html, latex, markdown, notebook, plain
from indexes.readers.limits import Limits
from indexes.split import Splitter
from indexes.types import ParsedDocument
from pipelines.quotes import find_quote

SEED = 5
EXAMPLES = 500
"""For each parser."""


def run() -> Report:
    """Spoil a good example of each kind in many ways, the same ways every time."""
    return fuzzed(EXAMPLES, "fuzz")


def fuzzed(examples: int, benchmark: str) -> Report:
    """The report of so many examples for each parser."""
    found = {name: _fuzz(name, parse, seed, examples) for name, (parse, seed) in _PARSERS.items()}
    crashes = sum(one["crashes"] for one in found.values())
    return Report(
        benchmark=benchmark,
        claim="whatever the bytes, what parses them gives a result or an error of ours, at once",
        targets=(
            Target("E10 crashes of the parsers", crashes, "==", 0),
            Target(
                "E10 examples that compute for over one second",
                sum(one["slow"] for one in found.values()),
                "==",
                0,
            ),
        ),
        repeats=1,
        numbers={
            "seed": SEED,
            "parsers": found,
            "upper_bound_crash": exact_upper_bound(crashes, examples * len(found)),
        },
    )


_LIMITS = Limits(max_file_bytes=1_000_000, max_characters=1_000_000)
_BIB = b'@article{a, title={The {B}arn "Owl} # x, author={Strix, A. and B}, year=2020, file={:a\\:b.pdf:PDF}}'
_RIS = b"TY  - JOUR\nTI  - Owls\nAU  - Strix, A\nER  - \n"
_CSL = b'[{"id": "a", "title": "Owls", "issued": {"date-parts": [[2020]]}, "author": [{"family": "Strix"}]}]'
_TEX = b"\\documentclass{article}\\title{Owls}\\begin{document}\\section{A}$x^2$ \\emph{hear}\\cite{b}"
_HTML = b"<html><head><meta name='citation_title' content='Owls'></head><body><article><p>hear</p></article>"
_MARKDOWN = b"---\ntitle: Owls\nauthors: [A, B]\n---\n# Head\n\n[x](y) `z`\n\n```\ncode\n```\n"
_NOTEBOOK = b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "markdown", "source": ["# Owls"]}]}'
_TEXT = "Owls “hear” well — see Fig. 3. e.g. the barn owl.\n\nReferences\n[1] Strix, A. (2020).".encode()
_QUERY = b'author:"van der Berg" year:2019..2023 in:notes type:pdf like:"owls" "exact words" owls'
_TOML = b'web = "never"\n[limits]\npapers = 4\n[models.small]\nname = "openai:small"\n'


def _split(data: bytes) -> object:
    page = data.decode("utf-8", "replace")
    return Splitter(passage_tokens=20, overlap_tokens=4).split(
        ParsedDocument(media_type="text/plain", pages=(page,)), "d"
    )


def _quoted(data: bytes) -> object:
    text = data.decode("utf-8", "surrogateescape")
    quote = text[len(text) // 3 : len(text) // 2]
    if find_quote(text, quote) is None and quote.strip():
        raise AssertionError("a quotation is not found where it stands")
    return find_quote(_TEXT.decode(), text)


def _asked(data: bytes) -> object:
    return parse_query(data.decode("utf-8", "surrogateescape"))


def _configured(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as name:
        own = Path(name, "config", "config.toml")
        own.parent.mkdir()
        own.write_bytes(data)
        return load_settings(name, environ={}, folder=Path(name))


_PARSERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "BibTeX": (partial(bibliography.references, name="a.bib"), _BIB),
    "RIS": (partial(bibliography.references, name="a.ris"), _RIS),
    "CSL-JSON": (partial(bibliography.references, name="a.json"), _CSL),
    "LaTeX": (partial(latex.read, name="a.tex", limits=_LIMITS), _TEX),
    "Markdown": (partial(markdown.read, name="a.md", limits=_LIMITS), _MARKDOWN),
    "HTML": (partial(html.read, name="a.html", limits=_LIMITS), _HTML),
    "notebook": (partial(notebook.read, name="a.ipynb", limits=_LIMITS), _NOTEBOOK),
    "passages": (_split, _TEXT),
    "quotations": (_quoted, _TEXT),
    "questions": (_asked, _QUERY),
    "settings": (_configured, _TOML),
    "plain text": (partial(plain.read, name="a.txt", limits=_LIMITS), "Owls: é \u202e".encode()),
}
_MARKS = (b"{", b"}", b"\\", b"<", b">", b"[", b'"', b"$", b"@", b"\x00", b"\xff")


def _fuzz(name: str, parse: Callable[[bytes], object], seed: bytes, examples: int) -> dict[str, int]:
    """Mutated examples through a parser; a `ReadError` is an answer, any other error is a crash."""
    chance = random.Random(f"{SEED} {name}")
    found: Counter[str] = Counter(n=examples, crashes=0, slow=0)
    parse(seed)  # what is imported at first is not the example's time
    for _ in range(examples):
        data = _mutated(chance, bytearray(seed))
        began = time.thread_time()  # a busy machine is not the example's fault
        try:
            parse(data)
        except (ReadError, SettingsError, FilterRefused):
            pass
        except RecursionError:
            pass  # the reading child says that it is nested too deeply
        except Exception as error:  # noqa: BLE001 - what is looked for
            found["crashes"] += 1
            if found["crashes"] == 1:
                print(f"{name}: {type(error).__name__}: {error} on {data[:200]!r}", file=sys.stderr)
        found["slow"] += time.thread_time() - began > 1
    return dict(found)


def _mutated(chance: random.Random, data: bytearray) -> bytes:
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        piece = bytes(data[at : at + chance.randint(1, 20)])
        match chance.randrange(5):
            case 0:
                data[at : at + chance.randint(1, 10)] = b""
            case 1:
                data[at:at] = chance.randbytes(chance.randint(1, 6))
            case 2:
                data[at:at] = piece * chance.randint(1, 200)
            case 3:
                data[at:at] = chance.choice(_MARKS)
            case _:
                data[at : at + 1] = bytes([chance.randrange(256)])
    return bytes(data)
