"""The clipboard: by a program where there is a desktop, else through the terminal, else a file; never a shell."""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from assistant.clipboard import by_program, programs, send, terminal_sequence

DESKTOP = {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}
TEXT = "A citation; $(touch nothing) `touch nothing` — with “signs” [1]\nand two lines"
LINUX = "linux"


class Desktop:
    """A folder of programs that can be found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, name: str, script: str) -> Path:
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return program

    def which(self, name: str) -> str | None:
        program = self.folder / name
        return str(program) if program.exists() else None


@pytest.fixture
def desktop(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    return Desktop(folder)


def _keeps(path: Path) -> str:
    return f'cat > {path}; printf "%s\\n" "$@" > {path}.arguments'


def _text_of(sequence: str) -> str:
    return base64.b64decode(sequence.partition("]52;c;")[2].partition("\x07")[0]).decode()


async def test_with_a_desktop_its_own_program_takes_the_text_as_it_is(desktop, tmp_path):
    taken = tmp_path / "taken"
    desktop.has("xclip", _keeps(taken))
    written: list[str] = []
    sent = await send(
        TEXT,
        file=tmp_path / "file",
        terminal=written.append,
        environ=DESKTOP,
        platform=LINUX,
        which=desktop.which,
    )
    assert (sent.route, sent.name) == ("program", "xclip")
    assert sent.said("The answer") == "The answer is on the clipboard (by xclip)."
    assert taken.read_text() == TEXT
    assert (tmp_path / "taken.arguments").read_text().split() == ["-selection", "clipboard"]
    assert written == []


async def test_a_program_that_leaves_its_owner_of_the_selection_behind_is_not_waited_for(desktop, tmp_path):
    """As wl-copy and xclip do: a child stays, and with it whatever it has open."""
    desktop.has("wl-copy", "cat > /dev/null; (exec sleep 20) & exit 0")
    assert by_program(TEXT, programs(DESKTOP, platform=LINUX, which=desktop.which)) == "wl-copy"


async def test_a_program_that_fails_or_hangs_gives_way_to_the_next(desktop, tmp_path, monkeypatch):
    monkeypatch.setattr("assistant.clipboard._TIMEOUT_SECONDS", 0.2)
    taken = tmp_path / "taken"
    desktop.has("wl-copy", "exec sleep 20")
    desktop.has("xclip", "exit 1")
    desktop.has("xsel", _keeps(taken))
    assert by_program(TEXT, programs(DESKTOP, platform=LINUX, which=desktop.which)) == "xsel"
    assert taken.read_text() == TEXT


@pytest.mark.parametrize(
    ("environ", "platform", "names"),
    [
        (DESKTOP, "linux", ["wl-copy", "xclip", "xsel"]),
        ({"DISPLAY": ":0"}, "linux", ["xclip", "xsel"]),
        ({}, "linux", []),
        ({"WSL_DISTRO_NAME": "Debian"}, "linux", ["clip.exe"]),
        ({}, "darwin", ["pbcopy"]),
        ({}, "win32", ["clip"]),
        ({**DESKTOP, "SSH_CONNECTION": "1 2 3 4"}, "linux", []),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", []),
        ({**DESKTOP, "SSH_TTY": "/dev/pts/1", "TMUX": "/tmp/t,1,0"}, "linux", ["tmux"]),
        ({"DISPLAY": ":0", "TMUX": "/tmp/t,1,0"}, "linux", ["xclip", "xsel", "tmux"]),
    ],
)
def test_only_a_program_of_the_desktop_that_the_person_sits_at_is_run(environ, platform, names):
    found = programs(environ, platform=platform, which=lambda name: f"/usr/bin/{name}")
    assert [Path(command[0]).name for command in found] == names


def test_windows_is_given_the_letters_it_reads(desktop, tmp_path):
    taken = tmp_path / "taken"
    program = desktop.has("clip.exe", _keeps(taken))
    assert by_program(TEXT, [(str(program),)]) == "clip.exe"
    assert taken.read_bytes().decode("utf-16") == TEXT


async def test_over_ssh_the_terminal_is_sent_the_text_and_nothing_is_claimed(desktop, tmp_path):
    desktop.has("xclip", "exit 0")
    written: list[str] = []
    sent = await send(
        TEXT,
        file=tmp_path / "file",
        terminal=written.append,
        environ={**DESKTOP, "SSH_CONNECTION": "1 2 3 4", "TERM": "xterm-256color"},
        platform=LINUX,
        which=desktop.which,
    )
    assert sent.said("The answer") == "The answer was sent to the terminal's clipboard."
    assert [_text_of(each) for each in written] == [TEXT]
    assert not (tmp_path / "file").exists()


def test_tmux_is_told_itself_and_asked_to_hand_it_on():
    sequence = terminal_sequence(TEXT, {"TMUX": "/tmp/tmux-1/default,1,0", "TERM": "tmux-256color"})
    assert sequence is not None
    plain, _, wrapped = sequence.partition("\x1bPtmux;")
    assert _text_of(plain) == TEXT
    assert wrapped == plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def test_gnu_screen_gets_pieces_that_it_hands_on():
    sequence = terminal_sequence("long " * 500, {"TERM": "screen.xterm-256color"})
    assert sequence is not None
    pieces = [piece.removeprefix("\x1bP") for piece in sequence.split("\x1b\\")[:-1]]
    assert max(map(len, pieces)) < 256
    assert _text_of("".join(pieces)) == "long " * 500


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        (TEXT, {"TERM_PROGRAM": "Apple_Terminal"}),
        (TEXT, {"TERM": "dumb"}),
        ("é" * 40_000, {"TERM": "xterm"}),
    ],
    ids=["a terminal that takes none", "a dumb one", "too long"],
)
async def test_what_the_terminal_would_drop_goes_to_a_file_that_is_named(tmp_path, text, environ):
    written: list[str] = []
    file = tmp_path / "state" / "clipboard.txt"
    sent = await send(
        text, file=file, terminal=written.append, environ=environ, platform=LINUX, which=lambda _: None
    )
    assert written == []
    assert file.read_text(encoding="utf-8") == text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (
        sent.said("The answer") == f"The answer was written to {file}: no clipboard can be reached from here."
    )


async def test_without_a_terminal_a_second_text_replaces_the_first(tmp_path):
    for text in ("a longer first one", "second"):
        await send(
            text,
            file=tmp_path / "file",
            terminal=None,
            environ={},
            platform=LINUX,
            which=lambda _: None,
        )
    assert (tmp_path / "file").read_text() == "second"


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")
async def test_a_real_tmux_has_the_text_in_its_buffer(tmp_path):
    def tmux(*arguments: str) -> str:
        command = ["tmux", "-S", str(tmp_path / "socket"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout

    tmux("-f", "/dev/null", "new-session", "-d", "sleep 60")
    try:
        environ = {"TMUX": f"{tmp_path / 'socket'},1,0"}
        commands = programs(environ, platform=LINUX)
        assert by_program(TEXT, [["env", f"TMUX={environ['TMUX']}", *commands[0]]]) == "env"
        assert tmux("show-buffer") == TEXT
    finally:
        tmux("kill-server")
