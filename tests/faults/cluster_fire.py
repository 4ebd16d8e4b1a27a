"""Lets the workers of a cluster answer a batch, and kills them on the way."""

from __future__ import annotations

import time
from collections.abc import Sequence

from assistant import Assistant
from assistant.batch import BatchReport, Progress
from tests.faults.kill import Attempt, BatchUnderFire
from tests.faults.oracle import paid
from tests.indexes.dask_processes import DaskProcesses

__all__ = ["ClusterUnderFire"]


class ClusterUnderFire(BatchUnderFire):
    """One batch, answered by workers that are killed and followed by others; see `BatchUnderFire`."""

    _killed = 0

    @property
    def kills(self) -> int:
        """How many workers were killed."""
        return self._killed

    def run_on(self, dask: DaskProcesses, *, kill_at: Sequence[int] = (), threads: int = 2) -> BatchReport:
        """Has the workers answer, in this process, from the start or from where the last run was.

        Args:
            dask: The cluster.
            kill_at: After how many rows the worker that was started first is killed, and another comes.
            threads: Of the worker that comes.
        """
        moments = list(kill_at)

        def kill(progress: Progress) -> None:
            while moments and progress.done >= moments[0]:
                moments.pop(0)
                dask.add_worker(threads=threads)
                dask.kill_worker(self._killed)
                self._killed += 1

        before, started = len(self.server.ledger), time.monotonic()
        earlier = paid(self.out, self.history)
        with Assistant(
            self.home,
            reasoning="openai:big",
            base_url=self.server.base_url,
            web="never",
            library__encoder="none",
            limits__attempts=1,
            providers__connections=8,
        ) as assistant:
            report = assistant.batch(
                self.asked,
                out=self.out,
                resume=True,
                concurrency=self.concurrency,
                cluster=dask.address,
                emit=kill,
            )
        first = list(self.server.ledger)[before : before + 1]
        self.attempts.append(
            Attempt(
                killed=False,
                code=report.exit_code,
                first_request=before,
                paid=earlier,
                seconds_to_start=first[0].started - started if first else None,
                said=report.stopped,
            )
        )
        return report
