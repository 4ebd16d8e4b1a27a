"""A batch whose questions a cluster's workers answer; this process alone keeps what comes of them."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.batch_row import Answering, answered
from indexes.cluster import Cluster, connected
from indexes.errors import CarrelError
from indexes.types import Model
from pipelines.events import AskEvent
from pipelines.purse import Purse
from pipelines.types import Question

if TYPE_CHECKING:
    from assistant.build import Workbench

__all__ = ["answering_on"]


@asynccontextmanager
async def answering_on(
    where: str, workbench: Workbench, *, concurrency: int, purse: Purse
) -> AsyncIterator[Answering]:
    """Has workers answer questions inside the block.

    A worker that dies is followed by another, which is told what the dead one has paid for. How many calls a
    provider gets at once, how soon after another, and what all of them may cost, holds for all workers
    together.

    Args:
        where: See `indexes.cluster.connected`.
        workbench: Holds the library that is asked, the history and the providers' doors.
        concurrency: Questions at the same time, for which a cluster on this machine is made.
        purse: What the batch may spend.

    Raises:
        InputError: `where` is no cluster, or the extra `cluster` is not installed.
        ClusterUnfit: The cluster cannot be used.
    """
    from assistant.cluster_hub import Hub, served
    from assistant.cluster_worker import Asking, Desk
    from indexes.cluster_worker import versions

    async with AsyncExitStack() as opened:
        cluster = await opened.enter_async_context(connected(where, at_once=concurrency))
        hub = Hub(workbench.gates, workbench.history, purse)
        address = await opened.enter_async_context(served(hub, cluster.own_address, cluster.security))
        data = workbench.paths.data
        if not where.startswith("local"):
            data = await asyncio.to_thread(
                _copied, workbench.paths.library, Path(opened.enter_context(_folder_near(data)))
            )
        desk = Desk(
            versions=versions(),
            settings=_settings(workbench),
            data=str(data),
            models=str(workbench.paths.cache),
            host=socket.gethostname(),
            hub=address,
            keeps=workbench.history is not None,
        )
        held = await opened.enter_async_context(
            cluster.equipped(Asking(desk.model_dump_json()), "carrel-asking")
        )

        def ask(question: Question) -> AsyncGenerator[AskEvent]:
            return workbench.stream(question, None, by=partial(_asked, cluster, held))

        yield partial(answered, ask=ask)


async def _asked(cluster: Cluster, held: str, question: Question) -> AsyncGenerator[AskEvent]:
    """Yields the event that a question ends with."""
    from distributed import KilledWorker

    from assistant.cluster_worker import ask

    try:
        told = await cluster.run(ask, held, question.model_dump_json())
    except KilledWorker as error:
        raise CarrelError(
            "Each worker that was given this question died over it.", hint="See the workers' logs."
        ) from error
    yield _Last.model_validate_json(b'{"event":%b}' % told).event


class _Last(Model):
    event: AskEvent


def _settings(workbench: Workbench) -> str:
    """The settings for a worker: what is kept and traced is this process's business."""
    quiet = {"history": workbench.settings.history.model_copy(update={"keep": False})}
    return workbench.settings.model_copy(update=quiet).model_dump_json(exclude={"tracing"})


def _folder_near(data: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder that other machines see if they see the library's."""
    return tempfile.TemporaryDirectory(prefix=".batch-", dir=data)


def _copied(library: Path, into: Path) -> Path:
    """Copies the library as it is now, for machines that could not read it while it is written to.

    SQLite's write-ahead log is shared memory, which no network file system has.
    """
    target = into / "library"
    target.mkdir(mode=0o700)
    with (
        closing(sqlite3.connect(library / "catalogue.sqlite")) as source,
        closing(sqlite3.connect(target / "catalogue.sqlite")) as copy,
    ):
        source.backup(copy)
    if (library / "dense").is_dir():
        ignored = shutil.ignore_patterns("open-*", "*.building", "*.lock")
        shutil.copytree(library / "dense", target / "dense", ignore=ignored)
    return into
