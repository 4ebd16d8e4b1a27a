"""Finding a model's files, and downloading them over loopback."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes.errors import EncoderError, EncoderMissing
from indexes.model_files import SHIPPED_MODEL, download_model, find_model
from tests.faults.script import Close, ContextLengthExceeded, Ending, Html200, Reply, Rst, Status, Step
from tests.faults.server import FaultServer
from tests.faults.wire import Request, Wire

NAME = "all-MiniLM-L6-v2"
CONTENT = {"onnx/model.onnx": b"weights" * 100_000, "onnx/tokenizer.json": b"{}", "onnx/config.json": b"{}"}


def archive(content: dict[str, bytes], *links: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        for name in links:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(entry)
    return made.getvalue()


class ArchiveHost:
    """Serves one archive."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def serves(self, request: Request) -> bool:
        return request.path == "/onnx.tar.gz"

    async def perform(
        self, step: Reply | Status | ContextLengthExceeded, request: Request, wire: Wire
    ) -> None:
        if isinstance(step, Status):
            return await wire.whole(step.code, b"no\n", {"Content-Type": "text/plain"})
        if isinstance(step, Reply) and step.then in (Ending.CHUNKED_CUT, Ending.HANG):
            await wire.head(200, {"Content-Length": str(len(self.body))})
            await wire.raw(self.body[: len(self.body) // 2])
            return await (wire.hang() if step.then is Ending.HANG else wire.close())
        return await wire.whole(200, self.body, {"Content-Type": "application/gzip"})


@pytest.fixture
def host() -> Iterator[tuple[FaultServer, ArchiveHost]]:
    dialect = ArchiveHost(archive(CONTENT))
    with FaultServer(dialect) as server:
        yield server, dialect


async def get(host: tuple[FaultServer, ArchiveHost], cache: Path, *, sha256: str | None = None) -> Path:
    server, dialect = host
    expected = sha256 or hashlib.sha256(dialect.body).hexdigest()
    return await download_model(NAME, cache=cache, url=server.url + "/onnx.tar.gz", sha256=expected)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for file in ("model.onnx", "tokenizer.json"):
        (folder / file).write_bytes(b"x")
    return folder


def test_a_model_is_looked_for_in_the_given_folder_then_our_cache_then_chromas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    assert find_model(NAME, cache=cache) is None
    chromas = fill(Path.home() / ".cache" / "chroma" / "onnx_models" / NAME / "onnx")
    assert find_model(NAME, cache=cache) == chromas
    ours = fill(cache / NAME / "onnx")
    assert find_model(NAME, cache=cache) == ours
    assert find_model(NAME, cache=None) == chromas
    monkeypatch.setenv("CARREL_MODELS", str(tmp_path / "models"))
    assert find_model(NAME, cache=cache) == ours
    given = fill(tmp_path / "models" / "onnx")
    assert find_model(NAME, cache=cache) == given
    named = fill(tmp_path / "models" / NAME / "onnx")
    assert find_model(NAME, cache=cache) == named


def test_nothing_stands_in_the_place_of_the_model_that_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / SHIPPED_MODEL / "onnx")
    monkeypatch.setenv("CARREL_MODELS", str(tmp_path))
    found = find_model(cache=tmp_path)
    assert found is not None
    assert found.parts[-3:] == ("indexes", "encoders", SHIPPED_MODEL)


def test_a_folder_that_lacks_a_file_is_no_model(tmp_path: Path) -> None:
    folder = fill(tmp_path / NAME / "onnx")
    (folder / "tokenizer.json").write_bytes(b"")
    assert find_model(NAME, cache=tmp_path) is None
    (folder / "tokenizer.json").unlink()
    assert find_model(NAME, cache=tmp_path) is None


async def test_a_download_is_unpacked_and_found(
    host: tuple[FaultServer, ArchiveHost], tmp_path: Path
) -> None:
    told: list[tuple[int, int | None]] = []
    server, dialect = host
    folder = await download_model(
        NAME,
        cache=tmp_path,
        url=server.url + "/onnx.tar.gz",
        sha256=hashlib.sha256(dialect.body).hexdigest(),
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert folder == find_model(NAME, cache=tmp_path) == tmp_path / NAME / "onnx"
    assert (folder / "model.onnx").read_bytes() == CONTENT["onnx/model.onnx"]
    assert told[-1] == (len(dialect.body), len(dialect.body))
    assert [path.name for path in folder.parent.iterdir()] == ["onnx"]


async def test_a_half_filled_folder_makes_way(host: tuple[FaultServer, ArchiveHost], tmp_path: Path) -> None:
    folder = fill(tmp_path / NAME / "onnx")
    (folder / "tokenizer.json").unlink()
    assert await get(host, tmp_path) == find_model(NAME, cache=tmp_path)


async def test_only_the_models_own_files_leave_the_archive(
    host: tuple[FaultServer, ArchiveHost], tmp_path: Path
) -> None:
    hostile = {"../escaped": b"x", "/tmp/absolute": b"x", "onnx/../../up": b"x", "onnx/extra.py": b"x"}
    host[1].body = archive({**hostile, **CONTENT}, "onnx/vocab.txt", "link")
    folder = await get(host, tmp_path / "cache")
    assert names(folder) == ["config.json", "model.onnx", "tokenizer.json"]
    assert names(tmp_path) == ["cache"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (archive({"onnx/tokenizer.json": b"{}"}), "lacks model.onnx"),
        (archive({}), "lacks model.onnx and tokenizer.json"),
        (b"not an archive", "cannot be read"),
        (archive(CONTENT)[:-600], "cannot be read"),
    ],
    ids=["lacks one", "empty", "no archive", "cut"],
)
async def test_an_archive_that_is_no_model_is_refused(
    host: tuple[FaultServer, ArchiveHost], tmp_path: Path, body: bytes, words: str
) -> None:
    host[1].body = body
    with pytest.raises(EncoderError, match=words):
        await get(host, tmp_path)
    assert list((tmp_path / NAME).iterdir()) == []


async def test_bytes_that_hash_otherwise_are_not_kept(
    host: tuple[FaultServer, ArchiveHost], tmp_path: Path
) -> None:
    with pytest.raises(EncoderError, match="not the model") as failure:
        await get(host, tmp_path, sha256="0" * 64)
    assert "captive portal" in failure.value.hint
    assert find_model(NAME, cache=tmp_path) is None
    assert list((tmp_path / NAME).iterdir()) == []


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        (Status(404), EncoderMissing, "status 404"),
        (Rst(), EncoderMissing, "cannot be reached"),
        (Close(), EncoderMissing, "cannot be reached"),
        (Reply(then=Ending.CHUNKED_CUT), EncoderMissing, "broke off"),
        (Html200(), EncoderError, "not the model"),
    ],
)
async def test_a_network_that_fails_is_one_sentence_and_a_hint(
    host: tuple[FaultServer, ArchiveHost], tmp_path: Path, step: Step, kind: type[EncoderError], words: str
) -> None:
    host[0].script(step)
    with pytest.raises(kind, match=words) as failure:
        await get(host, tmp_path)
    assert failure.value.hint
    assert list((tmp_path / NAME).iterdir()) == []


async def test_no_network_at_all_says_which_model_needs_none(tmp_path: Path) -> None:
    with pytest.raises(EncoderMissing, match="cannot be reached") as failure:
        await download_model(NAME, cache=tmp_path, url="http://carrel.invalid/onnx.tar.gz", sha256="0" * 64)
    assert "carrel models get" in failure.value.hint
    assert SHIPPED_MODEL in failure.value.hint


async def test_a_stopped_download_leaves_nothing(
    host: tuple[FaultServer, ArchiveHost], tmp_path: Path
) -> None:
    host[0].script(Reply(then=Ending.HANG))
    arrived = asyncio.Event()
    server, _ = host
    download = asyncio.create_task(
        download_model(
            NAME,
            cache=tmp_path,
            url=server.url + "/onnx.tar.gz",
            sha256="0" * 64,
            on_progress=lambda done, total: arrived.set(),
        )
    )
    await asyncio.wait_for(arrived.wait(), 10)
    download.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(download, 2)
    assert list((tmp_path / NAME).iterdir()) == []


async def test_a_folder_that_cannot_be_written_to_is_named(
    host: tuple[FaultServer, ArchiveHost], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncoderError, match="could not be stored"):
        await get(host, tmp_path / "file")


async def test_a_model_nobody_publishes_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(EncoderMissing, match="no-such-model") as failure:
        await download_model("no-such-model", cache=tmp_path)
    assert "CARREL_MODELS" in failure.value.hint


def test_the_published_archive_is_named_in_full() -> None:
    from indexes.chroma import published_model

    url, sha256 = published_model()
    assert url.startswith("https://")
    assert url.endswith(".tar.gz")
    assert len(bytes.fromhex(sha256)) == 32
