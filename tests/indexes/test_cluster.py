"""Papers added by the workers of a cluster: the same library as without, whatever becomes of a worker."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import dask_jobqueue  # noqa: F401 - reads its defaults into the configuration
import pytest
from dask import config as dask_config

from indexes import cluster as clusters
from indexes.cluster import ClusterLost, ClusterUnfit, connected
from indexes.errors import InputError
from indexes.events import AddEvent, Embedded, FileDone, FilesFound
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.readers.named import NamedReader
from indexes.types import Fate
from tests.indexes.contents import contents, whole
from tests.indexes.dask_processes import DaskProcesses, dask_processes

DIMENSIONS = 64
NOTES = Path(__file__).parents[2] / "assistant" / "demo" / "notes"

_READERS = """
import os

class Dying:
    def load_data(self, file):
        os._exit(3)

class Hungry:
    def load_data(self, file):
        return bytearray(8 << 30)
"""


class OtherEncoder(HashingEncoder):
    """A model that workers cannot have."""

    @property
    def fingerprint(self) -> str:
        return "other"


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    folder = tmp_path_factory.mktemp("dask")
    (folder / "modules").mkdir()
    (folder / "modules" / "odd_readers.py").write_text(_READERS)
    processes = DaskProcesses(folder)
    try:
        for _ in range(2):
            processes.add_worker(PYTHONPATH=f"{Path(__file__).parents[2]}:{folder / 'modules'}")
        yield processes
    finally:
        processes.stop()


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Notes of several kinds, many small files, an archive, a twin, and files that cannot be read."""
    folder = tmp_path / "papers"
    shutil.copytree(NOTES, folder)
    for number in range(12):
        (folder / f"n{number}.txt").write_text(f"Note {number}.\n\n" + f"Sentence {number} is here. " * 90)
    shutil.copy(folder / "n3.txt", folder / "twin.txt")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    (folder / "empty.txt").write_bytes(b"")
    with zipfile.ZipFile(folder / "some.zip", "w") as archive:
        archive.writestr("inside.txt", "An archived note about lanterns. " * 20)
    return folder


def opened(folder: Path) -> Library:
    return Library.open(folder, encoder=HashingEncoder(DIMENSIONS))


async def plainly(folder: Path, papers: Path) -> dict[str, tuple[int, str]]:
    async with opened(folder) as library:
        await library.add([papers])
    return contents(folder)


async def test_a_cluster_makes_the_library_that_one_process_makes(
    dask: DaskProcesses, papers: Path, tmp_path: Path
) -> None:
    events: list[AddEvent] = []
    async with opened(tmp_path / "by cluster") as library, connected(dask.address) as cluster:
        assert len(cluster.processes) == cluster.threads == 2
        report = await library.add([papers], cluster=cluster, emit=events.append)
        again = await library.add([papers], cluster=cluster)
        assert (await library.search("lanterns")).hits[0].document.source.endswith("inside.txt")
    assert contents(tmp_path / "by cluster") == await plainly(tmp_path / "plain", papers)
    assert whole(tmp_path / "by cluster") == []
    assert again.counts[Fate.UNCHANGED] == report.counts[Fate.INDEXED] + report.counts[Fate.UNCHANGED]
    kinds = {type(event) for event in events}
    assert {FilesFound, FileDone, Embedded} <= kinds
    done = [event.done for event in events if isinstance(event, FileDone)]
    assert done == list(range(1, len(done) + 1))


@pytest.mark.parametrize("when", ["reading", "embedding"])
async def test_a_killed_worker_costs_its_work_again_and_nothing_is_lost_or_twice(
    papers: Path, tmp_path: Path, when: str
) -> None:
    with dask_processes(tmp_path / "dask") as dask:
        killed = False

        def kill(event: AddEvent) -> None:
            nonlocal killed
            reading = isinstance(event, FileDone) and event.fate is Fate.INDEXED and when == "reading"
            if not killed and (reading or (isinstance(event, Embedded) and when == "embedding")):
                dask.kill_worker(0)
                killed = True

        async with opened(tmp_path / "by cluster") as library, connected(dask.address) as cluster:
            report = await library.add([papers], cluster=cluster, emit=kill)
    assert killed
    assert report.counts[Fate.INDEXED] > 20
    assert contents(tmp_path / "by cluster") == await plainly(tmp_path / "plain", papers)
    assert whole(tmp_path / "by cluster") == []


async def test_a_worker_that_comes_later_takes_its_part(papers: Path, tmp_path: Path) -> None:
    with dask_processes(tmp_path / "dask", workers=1) as dask:
        came = False

        def come(event: AddEvent) -> None:
            nonlocal came
            if not came and isinstance(event, FileDone):
                dask.add_worker()
                dask.kill_worker(0)
                came = True

        async with opened(tmp_path / "by cluster") as library, connected(dask.address) as cluster:
            await library.add([papers], cluster=cluster, emit=come)
    assert contents(tmp_path / "by cluster") == await plainly(tmp_path / "plain", papers)


async def test_a_lost_scheduler_fails_no_file_and_the_next_run_goes_on(papers: Path, tmp_path: Path) -> None:
    with dask_processes(tmp_path / "dask") as dask:

        def lose(event: AddEvent) -> None:
            if isinstance(event, FileDone) and event.fate is Fate.INDEXED:
                dask.kill_scheduler()

        async with opened(tmp_path / "library") as library, connected(dask.address) as cluster:
            with pytest.raises(ClusterLost, match="lost") as raised:
                await library.add([papers], cluster=cluster, emit=lose)
    assert raised.value.retryable
    assert "goes on where it stopped" in raised.value.hint
    assert await plainly(tmp_path / "library", papers) == await plainly(tmp_path / "plain", papers)


async def test_work_without_any_worker_is_given_up_after_a_while(
    papers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(clusters, "_WITHOUT_WORKERS_SECONDS", 0.3)
    with dask_processes(tmp_path / "dask", workers=1) as dask:

        def lose(event: AddEvent) -> None:
            if isinstance(event, FileDone) and event.fate is Fate.INDEXED:
                dask.kill_worker(0)

        async with opened(tmp_path / "library") as library, connected(dask.address) as cluster:
            with pytest.raises(ClusterLost, match="has had no worker"):
                await library.add([papers], cluster=cluster, emit=lose)
            assert await library.documents()


async def test_the_limits_of_children_hold_on_workers(dask: DaskProcesses, tmp_path: Path) -> None:
    (papers := tmp_path / "odd").mkdir()
    for ending in ("dying", "hungry"):
        (papers / f"odd.{ending}").write_text("text")
    (papers / "good.txt").write_text("A good note. " * 30)
    readers = [
        NamedReader(module="odd_readers", name="Dying", suffixes=(".dying",)),
        NamedReader(module="odd_readers", name="Hungry", suffixes=(".hungry",)),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(dask.folder / "modules"))
        async with opened(tmp_path / "library") as library, connected(dask.address) as cluster:
            report = await library.add([papers], cluster=cluster, named_readers=readers)
    reasons = {Path(path).suffix: reason for path, reason in report.failures}
    assert "ended the process that read it (exit status 3)" in reasons[".dying"]
    assert "needs more memory than reading may take" in reasons[".hungry"]
    assert report.counts == {Fate.INDEXED: 1, Fate.FAILED: 2}


async def test_a_model_that_workers_do_not_have_embeds_at_home(dask: DaskProcesses, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("A note. " * 30)
    encoder = OtherEncoder(DIMENSIONS)
    async with (
        Library.open(tmp_path / "library", encoder=encoder) as library,
        connected(dask.address) as cluster,
    ):
        await library.add([tmp_path / "note.txt"], cluster=cluster)
        assert [(each.documents, each.embedded) for each in await library.collections()] == [(1, 1)]


async def test_a_worker_of_another_version_is_refused_before_any_file_is_read(
    dask: DaskProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexes import cluster_worker

    (tmp_path / "note.txt").write_text("A note. " * 30)
    monkeypatch.setattr(cluster_worker, "versions", lambda: {"carrel": "99"})
    async with opened(tmp_path / "library") as library, connected(dask.address) as cluster:
        with pytest.raises(ClusterUnfit, match="and not carrel 99"):
            await library.add([tmp_path / "note.txt"], cluster=cluster)
        assert await library.documents() == ()


@pytest.mark.parametrize("where", ["", "cloud", "local:x", "http://host:1", "tcp://nowhere"])
async def test_what_is_no_cluster_is_said_so(where: str) -> None:
    with pytest.raises(InputError, match="is not a cluster"):
        async with connected(where):
            pass


async def test_an_address_where_nobody_answers_is_said_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterUnfit, match="There is no worker at 'tcp:"):
        async with connected("tcp://127.0.0.1:9"):
            pass


async def test_slurm_without_slurm_is_said_so() -> None:
    with pytest.raises(InputError, match="sbatch is not found"):
        async with connected("slurm"):
            pass


_SBATCH = f"""#!{sys.executable}
import os, subprocess, sys
log = open(os.path.join(os.path.dirname(__file__), "job.log"), "ab")
job = subprocess.Popen(["bash", sys.argv[-1]], stdout=log, stderr=log, start_new_session=True)
print(f"Submitted batch job {{job.pid}}")
"""
_SCANCEL = f"""#!{sys.executable}
import os, signal, sys
for job in sys.argv[1:]:
    os.killpg(int(job), signal.SIGKILL)
"""


async def test_jobs_of_a_queue_add_papers_and_are_taken_back(
    papers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    for name, text in (("sbatch", _SBATCH), ("scancel", _SCANCEL)):
        (command := tmp_path / "bin" / name).write_text(text)
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    described = {"cores": 1, "memory": "2GiB", "interface": "lo"}
    with dask_config.set({f"jobqueue.slurm.{name}": value for name, value in described.items()}):
        async with opened(tmp_path / "by jobs") as library, connected("slurm:1") as cluster:
            await library.add([papers], cluster=cluster)
    assert contents(tmp_path / "by jobs") == await plainly(tmp_path / "plain", papers)
