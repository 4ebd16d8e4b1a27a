"""Viewers: which program opens a paper at its page, and with which arguments; no shell ever sees a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.viewers import opening_of, opening_of_address

FILE = Path("/home/ada/-a b;$(rm) {page}'\".pdf")
SCREEN = {"DISPLAY": ":0"}


def only(*programs: str):
    return lambda program: f"/usr/bin/{program}" if program in programs else None


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("okular", ("--page", "7", str(FILE))),
        ("evince", ("--page-index=7", str(FILE))),
        ("zathura", ("--page=7", str(FILE))),
        ("mupdf", (str(FILE), "7")),
        ("firefox", (f"{FILE.as_uri()}#page=7",)),
    ],
)
def test_each_viewer_is_told_the_page_in_its_own_way(program, arguments):
    opening = opening_of(FILE, 7, platform="linux", environ=SCREEN, which=only(program, "xdg-open"))
    assert opening == ((f"/usr/bin/{program}", *arguments), True)


def test_the_persons_own_viewer_goes_first_and_needs_no_quotes():
    which = only("okular", "sioyek")
    opening = opening_of(
        FILE, 7, wanted="sioyek --page {page} {file}", platform="linux", environ=SCREEN, which=which
    )
    assert opening == (("/usr/bin/sioyek", "--page", "7", str(FILE)), True)


@pytest.mark.parametrize("wanted", ["nothing-here {file}", "'unterminated", "  "])
def test_a_viewer_that_cannot_be_run_leaves_it_to_the_table(wanted):
    opening = opening_of(FILE, 7, wanted=wanted, platform="linux", environ=SCREEN, which=only("evince"))
    assert opening is not None
    assert opening.command[0] == "/usr/bin/evince"


def test_without_a_viewer_of_the_table_the_file_is_opened_without_its_page():
    assert opening_of(FILE, 7, platform="linux", environ=SCREEN, which=only("xdg-open")) == (
        ("/usr/bin/xdg-open", str(FILE)),
        False,
    )
    assert opening_of(FILE, 7, platform="darwin", environ={}, which=only("open")) == (
        ("/usr/bin/open", str(FILE)),
        False,
    )


def test_what_is_no_pdf_is_opened_by_its_kind():
    opening = opening_of(
        Path("/a/note.md"), 1, platform="linux", environ=SCREEN, which=only("okular", "xdg-open")
    )
    assert opening is not None
    assert opening.command == ("/usr/bin/xdg-open", "/a/note.md")


@pytest.mark.parametrize(("platform", "environ"), [("linux", {}), ("darwin", {"SSH_CONNECTION": "1"})])
def test_without_a_screen_nothing_is_opened(platform, environ):
    assert opening_of(FILE, 7, platform=platform, environ=environ, which=lambda program: program) is None
    assert (
        opening_of_address("https://doi.org/10.1/x", platform=platform, environ=environ, which=lambda p: p)
        is None
    )
