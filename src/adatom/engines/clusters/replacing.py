"""Replacement of batch jobs that have ended, and reasons for refused and failed ones, which dask-jobqueue lacks."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from distributed.core import Status

from adatom.errors import AdatomError
from adatom.machines.request import ClusterRequest
from adatom.machines.schedulers.base import Submitted, scheduler, scheduler_names

__all__ = ["ReplacingCluster", "reporting"]

_INTERVAL = 2.0  # seconds between two checks of the workers
_ABSENT = 20.0  # seconds without a worker after which a batch job counts as ended; a nanny needs some for a new worker
_POLL = 5.0  # seconds between two questions to the scheduler about batch jobs that have no workers yet
_FAILURES = 3  # of batch jobs, one after the other, until it is no use to submit another one
_DAMPED = {"interval": "5s", "wait_count": 24}  # workers leave after two minutes without work
_TAIL = 5  # lines of a log in an error


class ReplacingCluster:
    """A cluster of dask-jobqueue that replaces batch jobs that have ended, and says why there are no workers."""

    adatom_request: ClusterRequest
    adatom_slots: int
    adatom_ledger: str
    broken: str | None = None
    _last_seen: dict[Any, float] | None = None
    _told: list[Callable[[str], None]]

    def start(self: Any) -> None:
        """Submit the batch jobs, and look after them until the cluster closes."""
        if self._last_seen is not None:
            return
        self._last_seen, self._failures, self._polled, self._told = {}, 0, time.monotonic(), []
        self.job_cls.refused = self.give_up
        if self.adatom_request.adapt:
            least, most = self.adatom_request.adapt
            self.adapt(minimum_jobs=least, maximum_jobs=most, **_DAMPED)
        else:
            self.scale(jobs=self.adatom_request.jobs)
        self.loop.add_callback(self._replace_ended)

    def on_broken(self: Any, tell: Callable[[str], None]) -> None:
        """Have a function called with the reason if it turns out that there will be no workers."""
        self._told.append(tell)
        if self.broken:
            tell(self.broken)

    def give_up(self: Any, why: str) -> None:
        """Tell the functions of `on_broken` that there will be no workers."""
        self.broken = why
        for tell in self._told:
            tell(why)

    async def _replace_ended(self: Any) -> None:
        while self.status.name in ("created", "running") and not self.broken:
            await asyncio.sleep(_INTERVAL)
            now, there = time.monotonic(), {info["name"] for info in self.scheduler_info["workers"].values()}
            for name, spec in list(self.worker_spec.items()):
                names = [f"{name}{suffix}" for suffix in spec.get("group", [""])]
                if there.intersection(names):
                    self._last_seen[name], self._failures = now, 0
            gone = [name for name, seen in self._last_seen.items() if now - seen > _ABSENT]
            if now - self._polled > _POLL:
                self._polled = now
                gone += await asyncio.to_thread(self._failed)
            for name in gone:
                self._last_seen.pop(name, None)
                if job := self.workers.pop(name, None):
                    closing = asyncio.ensure_future(job.close())
                    self._futures.add(closing)  # for a cluster that closes meanwhile
                    await closing
            if self._failures >= _FAILURES:
                return
            if gone:
                await self._correct_state()

    def _failed(self: Any) -> list[Any]:
        """Return the batch jobs that have ended before they had a worker."""
        waiting = {job.job_id: name for name, job in dict(self.workers).items() if name not in self._last_seen}
        waiting.pop(None, None)
        kind = self.adatom_request.scheduler
        if not waiting or kind not in scheduler_names():
            return []
        try:
            found = scheduler(kind).poll([Submitted(id, Path("workers")) for id in waiting])
        except AdatomError:  # the scheduler is busy, and is asked again later
            return []
        ended = {id: outcome for id, outcome in found.items() if outcome.state.ended}
        for id, outcome in ended.items():
            self._failures += 1
            if self._failures >= _FAILURES:
                self.give_up(
                    f"{_FAILURES} batch jobs ended before their workers came, the last one, {id}, so: {outcome.state} "
                    f"{outcome.cause}. {_tail(self._dummy_job, id)}".strip()
                )
                break
        return [waiting[id] for id in ended]

    async def _close(self: Any, *args: Any, **kwargs: Any) -> None:
        await super()._close(*args, **kwargs)  # type: ignore[misc]
        for name in ("ca_file", "cert", "key"):  # files of dask-jobqueue's that are removed as they are closed
            if file := getattr(self, f"_job_{name}", None):
                file.close()
        shutil.rmtree(self.adatom_ledger, ignore_errors=True)

    def __exit__(self: Any, *error: Any) -> Any:
        from adatom.execution.registry import release

        release(self, at_once=error[0] is not None)
        return super().__exit__(*error)  # type: ignore[misc]


def reporting(job: Any) -> Any:
    """Return a job class of dask-jobqueue whose jobs report a refusal by the scheduler, which else is only logged.

    The jobs also set their status to closed, which a cluster that closes requires.

    Parameters
    ----------
    job
        Job class of dask-jobqueue for a scheduler.
    """

    async def submit(self: Any, script: str) -> Any:
        try:
            return await job._submit_job(self, script)
        except (RuntimeError, OSError) as error:
            said = re.search(r"stderr:\n(.*)", str(error), re.DOTALL)
            words = " ".join((said[1] if said else str(error)).split()) or "no message"
            self.status = Status.failed
            type(self).refused(f"{self.submit_command} refuses the batch job: {words}")
            raise

    async def close(self: Any) -> None:
        self.status = Status.closing
        await job.close(self)
        self.status = Status.closed

    ours = {"_submit_job": submit, "close": close, "refused": staticmethod(lambda why: None)}
    return type(job.__name__, (job,), ours)


def _tail(job: Any, id: str) -> str:
    """Return the end of the output of a batch job."""
    logs = [log for log in Path(job.log_directory).glob(f"*{id}*") if log.stat().st_size]
    for log in sorted(logs, key=lambda log: log.suffix != ".err"):
        lines = log.read_text(errors="replace").splitlines()[-_TAIL:]
        return f"The end of {log}: " + " / ".join(lines)
    return ""
