"""The process in which files are read: one request a line in, one reply a line out, within limits of its own.

A file can make a parser crash, hang or eat the memory; here that ends one child and not Carrel.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn

from indexes.clean import clean, clean_line
from indexes.errors import Damaged, ReadError, TooLarge
from indexes.formats import Format
from indexes.readers import zotero
from indexes.readers.api import OpenArchives, blank_pages, page_by_ocr, read_bibliography, read_file
from indexes.readers.archive import Member
from indexes.readers.beside import opened
from indexes.readers.limits import Limits
from indexes.readers.named import NamedReader
from indexes.readers.zotero import Item
from indexes.types import Model, ParsedDocument, Reference

__all__ = ["READY", "Failure", "Reply", "Request", "Wanted", "main"]

Wanted = Literal["document", "references", "members", "zotero", "blank pages", "page by OCR"]

READY = b"ready\n"
"""The first line a child writes: from here on a file's time runs."""


class Request(Model):
    """One file to read."""

    name: str
    """The path's bytes as Latin-1: a file's name need not be text, and JSON must be."""
    format: Format | None = None
    """`None` lets content and name decide."""
    wanted: Wanted = "document"
    collection: str = ""
    """Of the members' documents."""
    member: str | None = None
    """Which member of an archive is the document."""
    reader: NamedReader | None = None
    """A person's own reader in place of ours."""
    page: int = 1
    """Which page OCR is to read."""
    by_ocr: dict[int, str] | None = None
    """What it has read, by page."""
    limits: Limits = Limits()
    max_cpu_seconds: float = 60.0

    @classmethod
    def for_path(
        cls,
        path: Path,
        *,
        limits: Limits,
        max_cpu_seconds: float,
        wanted: Wanted = "document",
        collection: str = "",
        member: str | None = None,
        reader: NamedReader | None = None,
        page: int = 1,
        by_ocr: dict[int, str] | None = None,
    ) -> Request:
        """Returns the request to read the file at `path`."""
        return cls(
            name=os.fsencode(path).decode("latin-1"),
            wanted=wanted,
            collection=collection,
            member=member,
            reader=reader,
            page=page,
            by_ocr=by_ocr,
            limits=limits,
            max_cpu_seconds=max_cpu_seconds,
        )

    @property
    def path(self) -> Path:
        """The file's path."""
        return Path(os.fsdecode(self.name.encode("latin-1")))


class Failure(Model):
    """A `ReadError` on its way to the parent."""

    kind: str
    message: str
    hint: str


class Reply(Model):
    """A document, a bibliography's entries, an archive's members, or why there is none of them."""

    document: ParsedDocument | None = None
    references: tuple[Reference, ...] | None = None
    members: tuple[Member, ...] | None = None
    items: tuple[Item, ...] | None = None
    pages: tuple[int, ...] | None = None
    text: str | None = None
    failure: Failure | None = None


def main() -> None:
    """Answers requests until the parent closes its end."""
    requests, replies = _private_streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when a reading ends
    _limit_memory(int(sys.argv[1]) if len(sys.argv) > 1 else 1 << 30)
    sys.addaudithook(_refuse_network)
    replies.write(READY)
    replies.flush()
    archives = OpenArchives()
    for line in requests:
        replies.write(_answered(line, archives) + b"\n")
        replies.flush()


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Duplicates of stdin and stdout; whatever native code prints then meets stderr and spoils no reply."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def _limit_memory(extra_bytes: int) -> None:
    """Allows `extra_bytes` of address space beyond what is in use now, where the system can do that."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return
    wanted = pages * resource.getpagesize() + extra_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(
        resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
    )


def _limit_cpu(seconds: float) -> None:
    """Ends this process `seconds` of computing from now: a child whose parent was killed must not run on."""
    try:
        import resource
    except ImportError:
        return
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = int(used + seconds) + 1
    resource.setrlimit(
        resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
    )


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    """Reading a file has no business on the network, whatever the file asks a parser for."""
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        _refused(event)


def _refused(event: str) -> NoReturn:
    raise PermissionError(f"{event} is not allowed while a file is read")


def _answered(line: bytes, archives: OpenArchives) -> bytes:
    request = Request.model_validate_json(line)
    name = clean_line(request.path.name)
    _limit_cpu(request.max_cpu_seconds)
    try:
        if request.wanted == "members":
            members = archives.members(request.path, collection=request.collection, limits=request.limits)
            return Reply(members=members).model_dump_json().encode()
        if request.wanted == "zotero":
            items = zotero.items(request.path, name=name)
            return Reply(items=items).model_dump_json().encode()
        if request.wanted == "blank pages":
            pages = blank_pages(request.path, limits=request.limits)
            return Reply(pages=pages).model_dump_json().encode()
        if request.wanted == "page by OCR":
            text = page_by_ocr(request.path, request.page, limits=request.limits)
            return Reply(text=clean(text)).model_dump_json().encode()
        if request.wanted == "references":
            entries = read_bibliography(request.path, limits=request.limits)
            return Reply(references=entries).model_dump_json().encode()
        if request.reader is not None:
            read = _plugged(request.reader, request.path, request.limits)
        elif request.member is not None:
            read = archives.read(request.path, request.member, limits=request.limits)
        else:
            archives.close()
            read = read_file(
                request.path, format=request.format, limits=request.limits, by_ocr=request.by_ocr
            )
        return Reply(document=read).model_dump_json().encode()
    except ReadError as error:
        return _failure(error)
    except MemoryError:
        return _failure(TooLarge(f"{name!r} needs more memory than reading may take."))
    except Exception as error:  # noqa: BLE001 - a parser's own bug is met here, whatever it raises
        return _failure(Damaged(f"{name!r} cannot be read: {type(error).__name__}: {clean_line(str(error))}"))


def _plugged(named: NamedReader, path: Path, limits: Limits) -> ParsedDocument:
    from indexes.readers.named import instance
    from indexes.readers.plugin import LlamaIndexReader

    opened(path, name=clean_line(path.name), limits=limits).close()  # regular, and not too large
    reader = instance(named.module, named.name)
    return LlamaIndexReader(reader, suffixes=named.suffixes, limits=limits).read(path)


def _failure(error: ReadError) -> bytes:
    failure = Failure(kind=error.kind, message=error.message, hint=error.hint)
    return Reply(failure=failure).model_dump_json().encode()


if __name__ == "__main__":
    main()
