"""Runner of the queue engine: the batch jobs that it may submit."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from hashlib import blake2b
from types import TracebackType

from adatom.engines.queue.batch import BatchJobs
from adatom.engines.queue.spools import spool_of
from adatom.errors import InputError
from adatom.execution.registry import local_workers, release
from adatom.machines.profiles.collection import Profiles
from adatom.machines.profiles.files import load_profiles
from adatom.machines.profiles.machine import HPCProfile
from adatom.machines.profiles.runner import RunnerProfile
from adatom.machines.request import check_whole
from adatom.settings import get_settings

__all__ = ["QueueRunner"]

_HERE = "here"
_IDLE = {"local": 10.0}  # seconds without a task after which a worker ends, by scheduler
_IDLE_IN_A_QUEUE = 60.0


@dataclass(frozen=True)
class QueueRunner:
    """Batch jobs that the queue engine may submit.

    Attributes
    ----------
    profile
        Runner profile of a batch job, or the name of one that `adatom.machines.load_profiles` finds. None: `workers`.
    jobs
        Largest number of batch jobs at a time.
    workers
        Number of worker processes on this machine, where there is no profile. None: the setting ``local_workers`` or,
        at its default, two to four.

    Raises
    ------
    InputError
        `jobs` is below 1, or there are both a profile and `workers`.
    """

    profile: str | RunnerProfile | None = None
    jobs: int = 10
    workers: int | None = None

    def __post_init__(self) -> None:
        check_whole("jobs", self.jobs)
        if self.profile is not None and self.workers is not None:
            raise InputError(f"workers={self.workers}: the profile says how many jobs run in a batch job.")

    def profiles(self) -> tuple[RunnerProfile, HPCProfile]:
        """Return the profile of a batch job, and that of its machine.

        Raises
        ------
        InputError
            A profile does not exist.
        """
        if self.profile is None:
            here = HPCProfile(name=_HERE, scheduler="local")
            workers = local_workers() if self.workers is None else self.workers
            return RunnerProfile(name=_HERE, machine=_HERE, jobs_per_node=workers), here
        known: Profiles = load_profiles()
        runner = known.runner(self.profile) if isinstance(self.profile, str) else self.profile
        machine = known.machine(runner.machine)
        return runner, machine

    def batch_jobs(self) -> BatchJobs:
        """Return the batch jobs, with their spool, which is the same one in each process of the user.

        Raises
        ------
        InputError
            A profile does not exist, or asks for more than a queue gives.
        StorageError
            The spool cannot be made.
        """
        runner, machine = self.profiles()
        own = f"{self.jobs} {self.workers}"  # runners that differ have batch jobs of their own
        said = "\0".join([own, runner.model_dump_json(), machine.model_dump_json(), sys.executable])
        name = f"{runner.name}-{blake2b(said.encode(), digest_size=4).hexdigest()}"
        spool = spool_of(get_settings().queue_dir / name, runner, machine)
        most = 1 if self.profile is None else self.jobs
        return BatchJobs(spool, runner, machine, most, _IDLE.get(machine.scheduler, _IDLE_IN_A_QUEUE))

    def job_script(self) -> str:
        """Return the script of a batch job; nothing is submitted."""
        return self.batch_jobs().script

    def close(self) -> None:
        """End the engine that uses this runner, and batch jobs without tasks."""
        release(self)

    def __enter__(self) -> QueueRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        release(self, at_once=isinstance(error, KeyboardInterrupt))
