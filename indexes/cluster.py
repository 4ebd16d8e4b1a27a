"""A Dask cluster as the library sees it: workers of this machine, of a SLURM queue, or of an address.

The extra `cluster` is imported when the first one is wanted. Who may connect to a scheduler may run code on
its workers: what is started here asks for keys made for it, and behind an address that is not `tls://` the
network is trusted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError as Cancelled
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexes.clean import clean_line
from indexes.errors import CarrelError, InputError, LibraryError
from indexes.readers.process import environment

if TYPE_CHECKING:
    from distributed import Security, WorkerPlugin

__all__ = ["Cluster", "ClusterLost", "ClusterUnfit", "connected"]

_CONNECT_SECONDS = 20.0
_FIRST_WORKER_SECONDS = {"local": 120.0, "slurm": 3_600.0, "address": 60.0}
"""How long the first worker is waited for: one in a queue may take its time."""
_WITHOUT_WORKERS_SECONDS = 300.0
"""How long work that is begun waits for another worker once the last one is gone."""
_LOOK_SECONDS = 1.0
_QUIET: dict[str, bool | str] = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}
"""Dask looks a hundred times a second at what its processes do, for pages that nobody opens here."""
_NO_DASHBOARD = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
"""A scheduler serves pages in any case; for this machine alone, at a port of their own."""
_WRITTEN = re.compile(r"(local|slurm)(?::(\d{1,4}))?")


class ClusterLost(LibraryError):
    """The scheduler or all workers are gone; what was committed is kept."""

    retryable = True
    default_hint = "Run the same command again: it goes on where it stopped."


class ClusterUnfit(CarrelError):
    """The cluster cannot be used as it is."""

    exit_code = 2


class Cluster:
    """Workers that do what they are given, each task until one of them has done it."""

    def __init__(self, client: Any, *, local: bool = False) -> None:
        """Use `connected`; Dask's own types are those of its blocking form."""
        self._client = client
        self._local = local
        self._lost: str = ""
        self._workers: dict[str, int] = {}
        self._waiting: set[asyncio.Future[Any]] = set()

    @property
    def security(self) -> Security:
        """The keys that its processes show each other."""
        security: Security = self._client.security
        return security

    @property
    def own_address(self) -> str:
        """Where workers can reach this process, without a port: `tls://127.0.0.1`."""
        from distributed import utils

        own_ip: Any = utils.get_ip
        protocol, _, place = self._client.scheduler.address.partition("://")
        host = place.rpartition(":")[0].strip("[]")
        own = "127.0.0.1" if self._local or host in ("127.0.0.1", "localhost") else own_ip(host)
        return f"{protocol}://{own}"

    @property
    def threads(self) -> int:
        """Tasks that run at the same time on the workers that are there now; at least 1."""
        return max(1, sum(self._workers.values()))

    @property
    def processes(self) -> tuple[str, ...]:
        """Addresses of the workers that are there now."""
        return tuple(self._workers)

    @asynccontextmanager
    async def equipped(self, plugin: WorkerPlugin, name: str) -> AsyncIterator[str]:
        """Has every worker, also one that comes later, hold `plugin` in the block; gives its name there.

        Raises:
            ClusterUnfit: A worker cannot do with it.
        """
        unique = f"{name}-{uuid.uuid4().hex[:8]}"
        try:
            await self._client.register_plugin(plugin, name=unique)
        except Exception as error:  # what a worker raises arrives as it is, of any class
            raise ClusterUnfit(
                f"A worker cannot be used: {clean_line(str(error), 300) or type(error).__name__}.",
                hint="Each worker needs this version of Carrel with the extra `cluster`, and its own models.",
            ) from error
        try:
            yield unique
        finally:
            if not self._lost:  # a cluster that is gone has nothing to give back
                with suppress(Exception):
                    async with asyncio.timeout(_CONNECT_SECONDS):
                        await self._client.unregister_worker_plugin(unique)

    async def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Returns what `function` returns on a worker; a worker that dies over it is followed by another.

        Raises:
            ClusterLost: There is nobody left to do it.
            Exception: What the function raised; `KilledWorker` where it ended several workers.
        """
        self._require()
        future = self._client.submit(function, *arguments, pure=False)
        waiting = asyncio.ensure_future(future.result())
        self._waiting.add(waiting)
        try:
            return await waiting
        except (asyncio.CancelledError, Cancelled) as error:
            if self._lost or isinstance(error, Cancelled):
                self._lost = self._lost or "The connection to the cluster was lost."
                raise ClusterLost(self._lost) from error
            with suppress(Exception):
                await asyncio.shield(future.cancel())
            raise
        finally:
            self._waiting.discard(waiting)
            future.release()

    async def watch(self) -> None:
        """Gives up what is waited for once there has been no worker for a while, or no scheduler."""
        loop = asyncio.get_running_loop()
        seen = loop.time()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.look()
            if self._workers:
                seen = loop.time()
            if self._client.status not in ("running", "connecting"):
                self._give_up("The connection to the cluster was lost.")
            elif self._waiting and loop.time() - seen > _WITHOUT_WORKERS_SECONDS:
                self._give_up(f"The cluster has had no worker for {_WITHOUT_WORKERS_SECONDS:.0f} seconds.")

    async def look(self) -> None:
        """Counts the workers that are there now; those seen last stay where the scheduler does not answer."""
        with suppress(Exception):  # `watch` finds out whether the connection is gone
            async with asyncio.timeout(_CONNECT_SECONDS):
                self._workers = await self._client.nthreads()

    def _give_up(self, reason: str) -> None:
        self._lost = self._lost or reason
        for each in self._waiting:
            each.cancel()

    def _require(self) -> None:
        if self._lost:
            raise ClusterLost(self._lost)


@asynccontextmanager
async def connected(where: str, *, at_once: int = 0) -> AsyncIterator[Cluster]:
    """A cluster with at least one worker, until the block ends; one that was started for it ends with it.

    Args:
        where: `local` for a worker on each core of this machine, `local:4` for four; `slurm` or `slurm:8` for
            that many jobs, as `~/.config/dask/jobqueue.yaml` describes them; else a scheduler's address.
        at_once: Tasks that wait for something most of the time, and that a cluster of this machine is to do
            at once; by default one for each worker.

    Raises:
        InputError: The extra is not installed, or `where` is none of these.
        ClusterUnfit: It cannot be reached or started, or has no worker in time.
    """
    _require_extra(where)
    kind, count = _parsed(where)
    async with AsyncExitStack() as opened:
        try:
            client = await opened.enter_async_context(_client(where, kind, count, at_once))
            async with asyncio.timeout(_FIRST_WORKER_SECONDS[kind]):
                await client.wait_for_workers(max(1, count) if kind == "local" else 1)
        except (TimeoutError, OSError, RuntimeError, ValueError) as error:
            raise ClusterUnfit(
                f"There is no worker at {where!r}: {clean_line(str(error), 200) or 'it took too long'}.",
                hint="See whether its scheduler runs and has workers that can reach it.",
            ) from error
        cluster = Cluster(client, local=kind == "local")
        await cluster.look()
        watching = asyncio.create_task(cluster.watch())
        try:
            yield cluster
        finally:
            watching.cancel()


@asynccontextmanager
async def _client(where: str, kind: str, count: int, at_once: int) -> AsyncIterator[Any]:
    import distributed

    connect: Any = distributed.Client

    if kind == "address":
        async with asyncio.timeout(_CONNECT_SECONDS + 1):
            client = await connect(where, asynchronous=True, timeout=_CONNECT_SECONDS, set_as_default=False)
        try:
            yield client
        finally:
            await _closed(client)
        return
    with tempfile.TemporaryDirectory(prefix="carrel-cluster-") as folder:
        started = _slurm(count, folder) if kind == "slurm" else _local(count, Path(folder), at_once)
        async with started as cluster:
            client = await connect(cluster, asynchronous=True, set_as_default=False)
            try:
                yield client
            finally:
                await _closed(client)


async def _closed(client: Any) -> None:
    with suppress(Exception):  # of a cluster that is gone already
        async with asyncio.timeout(_CONNECT_SECONDS):
            await client.close()


@asynccontextmanager
async def _local(count: int, folder: Path, at_once: int) -> AsyncIterator[Any]:
    """A scheduler in this process, and workers on this machine, each watched by a nanny that starts it anew.

    They are started by Dask's own command and not by `multiprocessing`, which would import the script or
    notebook that asks for them once more in each.
    """
    import dask
    from distributed import Scheduler, Security
    from distributed.deploy import spec

    logging.getLogger("distributed").setLevel(logging.ERROR)
    security = await asyncio.to_thread(Security.temporary)
    keys = await asyncio.to_thread(_written, security, folder)
    threads = max(1, -(-at_once // count))
    options = {"host": "127.0.0.1", "port": 0, "protocol": "tls", "security": security, **_NO_DASHBOARD}
    make: Any = spec.SpecCluster
    configured: Any = dask.config.set
    with configured(_QUIET):
        made = make(
            scheduler={"cls": Scheduler, "options": options},
            workers={},
            asynchronous=True,
            security=security,
            silence_logs=logging.ERROR,
        )
        await made
    async with made as cluster:
        workers = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "distributed.cli.dask_worker", cluster.scheduler_address),
            *(
                "--nworkers",
                str(count),
                "--nthreads",
                str(threads),
                "--host",
                "127.0.0.1",
                "--no-dashboard",
            ),
            *("--memory-limit", "0", "--death-timeout", "60", "--local-directory", str(folder)),
            *keys,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment() | _quiet() | {"OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl+C is for us to handle
        )
        try:
            yield cluster
        finally:
            await _ended(workers)


def _slurm(count: int, folder: str) -> Any:
    from dask_jobqueue.slurm import SLURMCluster

    return SLURMCluster(
        n_workers=count,
        asynchronous=True,
        security=True,
        scheduler_options=_NO_DASHBOARD,
        shared_temp_directory=str(Path.home()),
        local_directory=None,
        job_script_prologue=[f"export PYTHONPATH={environment()['PYTHONPATH']}"],
    )


def _quiet() -> dict[str, str]:
    """`_QUIET` as the environment of a process has it."""
    return {
        f"DASK_{key.upper().replace('.', '__').replace('-', '_')}": str(off) for key, off in _QUIET.items()
    }


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Ends the workers and their nannies, kindly at first."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()


def _written(security: Any, folder: Path) -> list[str]:
    """The options of a worker that name the keys, which are written down for their owner only."""
    options = []
    for option, text in (
        ("--tls-ca-file", security.tls_ca_file),
        ("--tls-cert", security.tls_worker_cert),
        ("--tls-key", security.tls_worker_key),
    ):
        path = folder / f"{option.strip('-')}.pem"
        path.touch(mode=0o600)
        path.write_text(text)
        options += [option, str(path)]
    return options


def _parsed(where: str) -> tuple[str, int]:
    """The kind of cluster, and how many workers are to be started."""
    if found := _WRITTEN.fullmatch(where):
        count = int(found[2] or 0) or (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        )
        return found[1], count if found[1] == "local" else int(found[2] or 1)
    if re.fullmatch(r"(?:(?:tcp|tls|ws|wss|ucx)://)?[\w.\-\[\]:]+:\d+", where):
        return "address", 0
    raise InputError(
        f"{clean_line(where, 80)!r} is not a cluster.",
        hint="Write local, local:4, slurm, slurm:8, or a scheduler's address such as tcp://HOST:8786.",
    )


def _require_extra(where: str) -> None:
    try:
        import distributed  # noqa: F401

        if where.startswith("slurm"):
            import dask_jobqueue  # noqa: F401
    except ImportError as error:
        raise InputError(
            "Working on a cluster needs packages that are not installed.",
            hint="Install them: pip install 'carrel[cluster]'",
        ) from error
    if where.startswith("slurm") and shutil.which("sbatch") is None:
        raise InputError("There is no SLURM here: the command sbatch is not found.")
