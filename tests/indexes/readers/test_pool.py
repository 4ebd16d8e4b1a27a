from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from indexes.errors import Damaged, Encrypted, NoText, ReadError, ReadTimeout, TooLarge, Unsupported
from indexes.readers.limits import Limits
from indexes.readers.pool import ReaderPool
from indexes.types import ParsedDocument
from tests.indexes.readers.pdf_writer import encrypted, pdf

SLOW_CONTENT = b"BT /F1 1 Tf 10 800 Td " + b"(abcdefgh) Tj 0 -1 Td " * 300_000 + b"ET"
"""Many seconds of drawing, most of it below the page."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slow") / "slow.pdf"
    path.write_bytes(pdf(["x"], content=SLOW_CONTENT))
    return path


def _file(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def _until(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_nothing_is_started_before_the_first_reading() -> None:
    async with ReaderPool(workers=1) as pool:
        assert not pool.process_ids


async def test_documents_and_errors_come_back_as_they_were_in_the_child(tmp_path: Path) -> None:
    async with ReaderPool(workers=1) as pool:
        read = await pool.read(_file(tmp_path, "a.md", "# Heading \x1b[31m\n\n“Words” – naïve 深層 😀"))
        assert read.title == "Heading"
        assert read.text.endswith("“Words” – naïve 深層 😀")
        assert read.sections[0].title == "Heading"
        with pytest.raises(NoText, match="0 bytes"):
            await pool.read(_file(tmp_path, "empty.pdf", b""))
        secret = encrypted(pdf(["x"]), user_password="u", owner_password="o")
        with pytest.raises(Encrypted) as caught:
            await pool.read(_file(tmp_path, "secret.pdf", secret))
        assert caught.value.hint == Encrypted.default_hint
        with pytest.raises(Unsupported, match="bibliography"):
            await pool.read(_file(tmp_path, "refs.bib", "@article{x}"))


async def test_one_child_reads_many_files(tmp_path: Path) -> None:
    async with ReaderPool(workers=1) as pool:
        files = [_file(tmp_path, f"{number}.txt", f"text {number}") for number in range(20)]
        read = await asyncio.gather(*(pool.read(path) for path in files))
        assert [document.text for document in read] == [f"text {number}" for number in range(20)]
        assert len(pool.process_ids) == 1


async def test_at_most_that_many_children_work_at_once(tmp_path: Path) -> None:
    async with ReaderPool(workers=2) as pool:
        files = [_file(tmp_path, f"{number}.txt", "text") for number in range(12)]
        await asyncio.gather(*(pool.read(path) for path in files))
        assert len(pool.process_ids) == 2


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
async def test_a_child_that_dies_is_named_and_replaced(
    slow: Path, tmp_path: Path, number: signal.Signals
) -> None:
    async with ReaderPool(workers=1) as pool:
        await pool.read(_file(tmp_path, "before.txt", "before"))
        (victim,) = pool.process_ids
        reading = asyncio.create_task(pool.read(slow))
        await asyncio.sleep(0.2)  # the request is on its way; the signal may meet it at any point
        os.kill(victim, number)
        with pytest.raises(Damaged, match=number.name) as caught:
            await reading
        assert "'slow.pdf'" in caught.value.message
        assert (await pool.read(_file(tmp_path, "after.txt", "after"))).text == "after"
        assert victim not in pool.process_ids


async def test_a_child_that_died_between_two_files_is_not_blamed_on_the_next(tmp_path: Path) -> None:
    async with ReaderPool(workers=1) as pool:
        path = _file(tmp_path, "a.txt", "text")
        await pool.read(path)
        (victim,) = pool.process_ids
        os.kill(victim, signal.SIGKILL)
        await _until(lambda: not _is_alive(victim))
        assert (await pool.read(path)).text == "text"


async def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_read(
    slow: Path, tmp_path: Path
) -> None:
    async with ReaderPool(workers=1, timeout_seconds=0.5) as pool:
        began = time.monotonic()
        with pytest.raises(ReadTimeout, match=r"'slow\.pdf' took longer than 0\.5 s") as caught:
            await pool.read(slow)
        assert caught.value.retryable
        assert time.monotonic() - began < 10
        assert (await pool.read(_file(tmp_path, "after.txt", "after"))).text == "after"


async def test_memory_over_the_limit_ends_the_reading_and_nothing_else(tmp_path: Path) -> None:
    greedy = _file(tmp_path, "greedy.txt", "word " * 3_000_000)
    async with ReaderPool(workers=1, memory_bytes=40_000_000) as pool:
        with pytest.raises((TooLarge, Damaged), match="greedy"):
            await pool.read(greedy)
        assert (await pool.read(_file(tmp_path, "small.txt", "small"))).text == "small"


async def test_sizes_over_the_limits_are_named(tmp_path: Path) -> None:
    async with ReaderPool(workers=1, limits=Limits(max_file_bytes=1000, max_characters=100)) as pool:
        with pytest.raises(TooLarge, match="2,000 bytes; the limit is 1,000"):
            await pool.read(_file(tmp_path, "big.txt", "x" * 2000))
        with pytest.raises(TooLarge, match="more than 100 characters"):
            await pool.read(_file(tmp_path, "long.txt", "x" * 500))


async def test_a_long_document_arrives_whole(tmp_path: Path) -> None:
    words = "naïve – 深層 words\n" * 200_000
    async with ReaderPool(workers=1) as pool:
        assert (await pool.read(_file(tmp_path, "long.txt", words))).text == words.strip("\n")


async def test_cancelling_ends_the_child_in_flight(slow: Path) -> None:
    async with ReaderPool(workers=1) as pool:
        reading = asyncio.create_task(pool.read(slow))
        await _until(lambda: pool.process_ids)
        children = pool.process_ids
        await asyncio.sleep(0.3)
        began = time.monotonic()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert time.monotonic() - began < 2
        assert not any(_is_alive(child) for child in children)
        assert not pool.process_ids


async def test_closing_leaves_no_process_even_while_one_reads(slow: Path, tmp_path: Path) -> None:
    pool = ReaderPool(workers=2)
    await pool.read(_file(tmp_path, "a.txt", "text"))
    reading = [asyncio.create_task(pool.read(slow)) for _ in range(3)]
    await _until(lambda: len(pool.process_ids) == 2)
    children = pool.process_ids
    await pool.close()
    outcomes = await asyncio.gather(*reading, return_exceptions=True)
    assert all(isinstance(outcome, ReadError | RuntimeError) for outcome in outcomes)
    assert not any(_is_alive(child) for child in children)
    assert not pool.process_ids
    with pytest.raises(RuntimeError, match="closed"):
        await pool.read(slow)


def test_a_pool_works_in_the_loop_of_another_thread(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.txt", "from a thread")

    async def read() -> ParsedDocument:
        async with ReaderPool(workers=1) as pool:
            return await pool.read(path)

    async def main() -> ParsedDocument:
        return await asyncio.to_thread(lambda: asyncio.run(read()))

    assert asyncio.run(main()).text == "from a thread"


async def test_the_folder_of_the_moment_is_never_imported_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "pydantic.py", "indexes.py"):
        (tmp_path / name).write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    async with ReaderPool(workers=1) as pool:
        assert (await pool.read(_file(tmp_path, "a.txt", "text"))).text == "text"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX file types")
async def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "link.txt").symlink_to(_file(tmp_path, "a.txt", "text"))
    (tmp_path / "folder.txt").mkdir()
    async with ReaderPool(workers=1, timeout_seconds=10) as pool:
        for path in (tmp_path / "pipe.txt", Path("/dev/zero")):
            with pytest.raises(Unsupported, match="not a regular file"):
                await pool.read(path)
        for name in ("link.txt", "folder.txt", "gone.txt"):
            with pytest.raises(ReadError, match=name.partition(".")[0]):
                await pool.read(tmp_path / name)


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no text")
async def test_names_of_any_bytes_are_read_and_shown_clean(tmp_path: Path) -> None:
    async with ReaderPool(workers=1) as pool:
        for raw in (
            b"-rf.txt",
            b"new\nline.txt",
            b"\xff\xfe.txt",
            "\u202eabc.txt".encode(),
            b"x" * 251 + b".txt",
        ):
            path = tmp_path / os.fsdecode(raw)
            path.write_text("text")
            assert (await pool.read(path)).text == "text"
            path.write_text("")
            with pytest.raises(NoText) as caught:
                await pool.read(path)
            assert caught.value.message.isprintable()


class _Shouting:
    """A person's own reader."""

    suffixes = frozenset({".shout"})

    def read(self, path: Path) -> ParsedDocument:
        return ParsedDocument(media_type="text/plain", pages=(path.read_text().upper(),), title="Shout")


async def test_a_plugged_reader_takes_its_suffix_and_needs_no_child(tmp_path: Path) -> None:
    async with ReaderPool(workers=1, plugged=[_Shouting()]) as pool:
        assert (await pool.read(_file(tmp_path, "a.SHOUT", "hello"))).text == "HELLO"
        assert not pool.process_ids


async def test_a_child_lets_no_parser_reach_the_network(tmp_path: Path) -> None:
    script = (
        "import sys, socket; from indexes.readers import child; sys.addaudithook(child._refuse_network)\n"
        "try: socket.create_connection(('127.0.0.1', 9), timeout=1)\n"
        "except PermissionError as error: print(error)"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    printed, _ = await process.communicate()
    assert b"not allowed while a file is read" in printed
