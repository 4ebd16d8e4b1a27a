"""Where an embedding model's files lie on this machine, and how they get there when a person says so."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from indexes.errors import EncoderError, EncoderMissing

if TYPE_CHECKING:
    import httpx

__all__ = ["MODEL_FILES", "PUBLISHED_MODEL", "SHIPPED_MODEL", "download_model", "find_model", "how_to_get"]

SHIPPED_MODEL = "carrel-small"
"""Lies inside the package, so it is on every machine that has Carrel; `training` makes it."""
PUBLISHED_MODEL = "all-MiniLM-L6-v2"
"""What can be downloaded by name."""
MODEL_FILES = ("model.onnx", "tokenizer.json")
"""Without these two a folder is no model."""

_SHIPPED = Path(__file__).parent / "encoders"
_ARCHIVE_FOLDER = "onnx"
_ARCHIVE_FILES = frozenset(
    {*MODEL_FILES, "config.json", "special_tokens_map.json", "tokenizer_config.json", "vocab.txt"}
)
_MAX_ARCHIVE_BYTES = 500_000_000
_CHUNK_BYTES = 1 << 18
_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 30.0

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far and, where the server tells, the bytes in all."""


def find_model(name: str = SHIPPED_MODEL, *, cache: Path | None) -> Path | None:
    """Returns the folder that holds `model.onnx` and `tokenizer.json` of a model; None if there is none.

    Looks inside the package, in `$CARREL_MODELS`, in `cache`, then where Chroma keeps its copy. Opens no
    network connection.

    Args:
        name: The model's name, which is also a folder's.
        cache: Carrel's own folder of models.
    """
    for folder in _places(name, cache):
        if all(_is_filled(folder / file) for file in MODEL_FILES):
            return folder
    return None


def how_to_get(name: str) -> str:
    """Returns in words how a model that is not on this machine comes onto it, or what does without it."""
    if name == SHIPPED_MODEL:
        return "it comes with Carrel: install Carrel again"
    get = f"`carrel models get` downloads {PUBLISHED_MODEL} (90 MB)"
    return f"{get}; without the setting library.encoder the model that comes with Carrel is used"


async def download_model(
    name: str = PUBLISHED_MODEL,
    *,
    cache: Path,
    url: str | None = None,
    sha256: str | None = None,
    on_progress: Progress | None = None,
) -> Path:
    """Fetches a model's archive once and returns the folder that holds its files.

    The folder appears whole or not at all. Stopping it leaves nothing behind.

    Args:
        name: The model's name; without `url` only `all-MiniLM-L6-v2` is known.
        cache: Carrel's own folder of models.
        url: A gzipped tar archive with the folder `onnx`; Chroma's published archive if not given.
        sha256: What the archive's bytes must hash to; needed with `url`.
        on_progress: Called in the event loop as bytes arrive.

    Raises:
        EncoderMissing: The archive could not be fetched.
        EncoderError: What came is not the archive that was asked for, or could not be stored.
    """
    if url is None or sha256 is None:
        url, sha256 = _published_archive(name)
    folder = cache / name / _ARCHIVE_FOLDER
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=folder.parent) as workplace:
            archive, unpacked = Path(workplace) / "archive.tar.gz", Path(workplace) / _ARCHIVE_FOLDER
            await _fetch(url, archive, sha256, on_progress)
            await asyncio.to_thread(_unpack, archive, unpacked)
            _put_in_place(unpacked, folder)
    except OSError as error:
        raise EncoderError(
            f"The embedding model could not be stored in {str(folder)!r}: {error.strerror or error}.",
            hint="It needs about 200 MB of free disk space and a folder that can be written to.",
        ) from error
    return folder


def _places(name: str, cache: Path | None) -> Iterator[Path]:
    if name == SHIPPED_MODEL:
        yield _SHIPPED / name
    if root := os.environ.get("CARREL_MODELS"):
        models = Path(root).expanduser()
        yield from (models / name / _ARCHIVE_FOLDER, models / name, models / _ARCHIVE_FOLDER)
    if cache is not None:
        yield cache / name / _ARCHIVE_FOLDER
    yield Path.home() / ".cache" / "chroma" / "onnx_models" / name / _ARCHIVE_FOLDER


def _is_filled(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except OSError:
        return False


def _published_archive(name: str) -> tuple[str, str]:
    """Address and hash of the archive that Chroma publishes."""
    if name != PUBLISHED_MODEL:
        raise EncoderMissing(
            f"No place is known to download the embedding model {name!r} from.",
            hint=f"Put its model.onnx and tokenizer.json into $CARREL_MODELS/{name}/onnx.",
        )
    from indexes.chroma import published_model

    return published_model()


async def _fetch(url: str, archive: Path, sha256: str, on_progress: Progress | None) -> None:
    """Streams the archive into a file, and compares its hash."""
    digest, done = hashlib.sha256(), 0
    async with _answer(url) as answer:
        total = _length(answer)
        with archive.open("wb") as file:
            async for chunk in answer.aiter_raw():
                done += len(chunk)
                if done > _MAX_ARCHIVE_BYTES:
                    raise EncoderError(f"{url} sends more than {_MAX_ARCHIVE_BYTES // 1_000_000} MB.")
                file.write(chunk)
                digest.update(chunk)
                if on_progress is not None:
                    on_progress(done, total)
    if digest.hexdigest() != sha256:
        raise EncoderError(
            f"What {url} sent is not the model that was asked for (its SHA-256 differs); nothing was kept.",
            hint="A proxy or a captive portal may have answered instead. Try again on another network.",
        )


@asynccontextmanager
async def _answer(url: str) -> AsyncIterator[httpx.Response]:
    """The server's answer; every failure of the network as one sentence."""
    import httpx

    limits = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
    try:
        async with (
            httpx.AsyncClient(timeout=limits, follow_redirects=True) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise EncoderMissing(
                    f"{url} answered with status {answer.status_code}.", hint="Try again later."
                )
            yield answer
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EncoderMissing(
            f"{url} cannot be reached, or broke off: {str(error) or type(error).__name__}.",
            hint=f"Check the network and try `carrel models get` again; {SHIPPED_MODEL} needs no download.",
        ) from error


def _length(answer: httpx.Response) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _unpack(archive: Path, folder: Path) -> None:
    """Copies the known files out of the archive, one by one: no other name, link or path is followed."""
    folder.mkdir()
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                parent, _, file = member.name.removeprefix("./").rpartition("/")
                if member.isreg() and parent == _ARCHIVE_FOLDER and file in _ARCHIVE_FILES:
                    _copy_member(members, member, folder / file)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise EncoderError(f"The downloaded archive cannot be read: {error}.") from error
    if missing := [file for file in MODEL_FILES if not _is_filled(folder / file)]:
        raise EncoderError(f"The downloaded archive lacks {' and '.join(missing)}.")


def _copy_member(members: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.size > _MAX_ARCHIVE_BYTES:
        raise EncoderError(f"{member.name!r} in the downloaded archive is {member.size:,} bytes: too large.")
    source = members.extractfile(member)
    assert source is not None, "a regular file has content"
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file, _CHUNK_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(made: Path, folder: Path) -> None:
    """Renames a finished folder to its place; an unfinished one that lies there makes way."""
    if folder.exists():
        shutil.rmtree(folder)
    made.rename(folder)
