"""What a worker of a cluster does for a batch: answers one question at a time with a workbench of its own."""

from __future__ import annotations

import asyncio
import shutil
import socket
from contextlib import aclosing
from pathlib import Path
from tempfile import mkdtemp

from distributed import Worker, WorkerPlugin, get_worker
from pydantic import TypeAdapter

from assistant.build import Workbench, open_workbench
from assistant.cluster_hub import FarGates, FarJournal
from assistant.failures import failed_of
from assistant.paths import Paths
from assistant.records import recorded
from assistant.settings import Settings
from indexes.cluster_worker import versions
from indexes.errors import CarrelError, EncoderMismatch
from indexes.types import Model
from pipelines.events import AskEvent, Failed
from pipelines.types import Question

__all__ = ["Asking", "Desk", "ask"]

_EVENT: TypeAdapter[AskEvent] = TypeAdapter(AskEvent)


class Desk(Model):
    """All that a worker has to know to answer."""

    versions: dict[str, str]
    settings: str
    """As JSON."""
    data: str
    """The folder that holds `library`."""
    models: str
    """The cache folder of the machine that asks."""
    host: str
    """Where `data` may be opened as it lies; elsewhere it is copied first."""
    hub: str
    keeps: bool
    """Whether there is a history, so that what is paid for is kept."""


class Asking(WorkerPlugin):
    """Held by each worker while a batch is answered: its workbench."""

    def __init__(self, desk: str) -> None:
        self._desk = desk
        """As JSON."""

    async def setup(self, worker: Worker) -> None:
        """Opens the library; raises where the worker is another Carrel or cannot open it."""
        self.desk = desk = Desk.model_validate_json(self._desk)
        if versions() != desk.versions:
            raise EncoderMismatch(f"{worker.address} runs another version of Carrel or of its libraries")
        self.security = worker.security
        self._own = Path(mkdtemp(prefix="carrel-", dir=worker.local_directory))
        data = Path(desk.data)
        if socket.gethostname() != desk.host:
            data = self._own / "data"
            await asyncio.to_thread(shutil.copytree, Path(desk.data), data)
        paths = Paths(
            config=self._own / "config", data=data, state=self._own / "state", cache=Path(desk.models)
        )
        settings = Settings.model_validate_json(desk.settings)
        self.bench: Workbench = await open_workbench(
            settings, paths, gates=FarGates(desk.hub, worker.security)
        )
        await asyncio.to_thread(lambda: self.bench.research)  # a question's time is not for imports

    async def teardown(self, worker: Worker) -> None:
        """Closes the library."""
        await self.bench.close()
        await asyncio.to_thread(shutil.rmtree, self._own, ignore_errors=True)


async def ask(held: str, asked: str) -> bytes:
    """Returns the last event of a question, which is `Done` or `Failed`, as JSON.

    Args:
        held: Under which name the worker holds its `Asking`.
        asked: The question as JSON.
    """
    asking = get_worker().plugins.get(held)
    if not isinstance(asking, Asking):
        raise CarrelError("This worker is not ready to answer.")
    question = Question.model_validate_json(asked)
    desk = asking.desk
    journal = FarJournal(question, desk.hub, asking.security) if desk.keeps else None
    last: AskEvent = Failed(kind="Internal", message="The question ended without an answer.", hint="")
    try:
        with recorded(asking.bench, question, None, None) as (research, person):
            async with aclosing(research.stream(question, person=person, journal=journal)) as events:
                async for event in events:
                    last = event
    except Exception as error:  # noqa: BLE001 - the outer door of a question on a worker
        last = failed_of(error)
    return _EVENT.dump_json(last)
