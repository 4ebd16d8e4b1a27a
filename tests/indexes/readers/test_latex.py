from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexes.errors import NoText
from indexes.readers.api import read_file
from indexes.types import ParsedDocument

PAPER = r"""% !TEX program = pdflatex
\documentclass{article}
\newcommand{\us}{Carrel}
\title{Deadlines in \us: a \emph{short} note}
\author{Ada Byron\thanks{Funded by nobody} \and Mary Shelley}
\date{March 2019}
\begin{document}
\maketitle
\begin{abstract}
We show that \us{} waits. % and this is a secret
\end{abstract}
\section{Introduction}
As \cite{smith2020} said, 50\% of $x_1$ is ``enough''---sometimes. \label{sec:intro}
\input{/etc/passwd}
\subsection*{Code \& data}
\begin{verbatim}
x = 1  % kept
    y = 2
\end{verbatim}
Na\"{\i}ve caf\'e.
\begin{itemize} \item one \item two \end{itemize}
\end{document}
after the end
"""


def _read(folder: Path, source: str, name: str = "paper.tex") -> ParsedDocument:
    path = folder / name
    path.write_text(source, encoding="utf-8")
    return read_file(path)


def test_title_authors_and_year_come_from_their_macros(tmp_path: Path) -> None:
    read = _read(tmp_path, PAPER)
    assert read.title == "Deadlines in Carrel: a short note"
    assert read.authors == ("Ada Byron", "Mary Shelley")
    assert read.year == 2019


def test_sections_stand_at_their_offsets(tmp_path: Path) -> None:
    read = _read(tmp_path, PAPER)
    assert [section.title for section in read.sections] == ["Abstract", "Introduction", "Code & data"]
    assert all(read.text[section.start :].startswith(section.title) for section in read.sections)


def test_words_remain_and_commands_go(tmp_path: Path) -> None:
    text = _read(tmp_path, PAPER).text
    assert "We show that Carrel waits." in text
    assert "As [smith2020] said, 50% of x_1 is “enough”—sometimes." in text
    assert "Naïve café." in text
    assert "\\" not in text
    assert "after the end" not in text
    assert "Funded by nobody" not in text


def test_comments_are_dropped_and_listings_kept(tmp_path: Path) -> None:
    text = _read(tmp_path, PAPER).text
    assert "secret" not in text
    assert "x = 1  % kept\n    y = 2" in text


def test_a_broken_file_still_gives_its_words(tmp_path: Path) -> None:
    read = _read(
        tmp_path,
        r"\documentclass{a}\begin{document}\section{Open \textbf{words} stay \href{ } $x + $$ } \frac",
    )
    assert "words" in read.text
    assert "stay" in read.text


@pytest.mark.parametrize(
    "body",
    [
        "{" * 20_000 + "words" + "}" * 20_000,
        r"\author{words" * 5_000,
        r"\begin{verbatim} words " * 5_000,
        r"\begin{itemize}\item words " * 1_500,
        r"\section{words " * 3_000,
        "".join(rf"\def\{new}{{\{old}\{old}}}" for old, new in pairwise("abcdefghijklmnop")) + r"\p words",
        r"\def\x{" + "y" * 190 + "}" + r"\x " * 20_000 + "words",
    ],
    ids=["braces", "authors", "listings", "lists", "sections", "definitions", "shorthands"],
)
def test_a_bomb_is_read_quickly_or_refused(tmp_path: Path, body: str) -> None:
    began = time.monotonic()
    read = _read(tmp_path, rf"\documentclass{{article}}\begin{{document}}{body}\end{{document}}")
    assert "words" in read.text
    assert time.monotonic() - began < 10


@given(
    st.lists(st.sampled_from([*r"\{}[]$%&^_~ ab", "\n", r"\section", r"\cite", r"\begin{x}"])).map("".join)
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_source_gives_text_or_says_that_there_is_none(tmp_path: Path, source: str) -> None:
    try:
        read = _read(tmp_path, "\\documentclass{x}\n" + source)
    except NoText:
        return
    assert all(read.text[section.start :].startswith(section.title[:50]) for section in read.sections)
