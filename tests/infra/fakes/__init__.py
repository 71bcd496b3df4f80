"""Batch systems that do not install here, as commands that really run the scripts they are given.

    with installed("pbs", tmp_path) as fake:
        subprocess.run(["qsub", "job.sh"], env=fake.env)

What goes wrong is ordered before the command that it happens to; every order is used up.
"""

import contextlib
import fcntl
import importlib
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .core import Job, Spool

DIALECTS = ("pbs", "torque", "pjm", "lsf")


class Fake:
    """One batch system: `env` is the environment that finds it, `variables` what is its own in that."""

    def __init__(self, dialect: str, directory: Path) -> None:
        self.dialect = dialect
        self.bin = directory / "bin"
        self.spool = Spool(directory / "spool")
        self.variables = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "FAKE_SPOOL": str(self.spool.path),
        }
        self.env = {**os.environ, **self.variables}

    # --- what goes wrong

    def reject(self, message: str | None = None, status: int | None = None, times: int = 1) -> None:
        """The next submission is refused, in the scheduler's words around `message`. PJM of the K computer ended with
        status 0 all the same.
        """
        self.spool.order(kind="reject", message=message, status=status, times=times)

    def hold_in_queue(self, seconds: float | None = None, held: bool = False) -> None:
        """The next job waits: for so long, or until it is released. Held, it waits for a person."""
        self.spool.order(kind="queue", seconds=seconds, held=held, times=1)

    def next(self, outcome: str | None = None, after: float = 0.2, **report: str | int | None) -> None:
        """How the next job ends, so many seconds after its start; and what the scheduler says about it, as for
        `report`.
        """
        if outcome not in (None, "timeout", "out_of_memory", "node_failure", "cancelled"):
            raise ValueError(outcome)
        self.spool.order(kind="next", outcome=outcome, after=after, report=report, times=1)

    def answer_late(self, seconds: float, command: str | None = None, times: int = 1) -> None:
        """A submission is accepted at once, only its answer is late."""
        self.spool.order(kind="late", seconds=seconds, command=command, times=times)

    def fail_once(self, command: str, times: int = 1, accepted: bool = False) -> None:
        """The command finds no server; or, where `accepted`, does its work and loses the answer."""
        self.spool.order(kind="fail", command=command, accepted=accepted, times=times)

    # --- what happens to a job that is there

    def release(self, job_id: str | None = None) -> None:
        """Let it start, or all that wait."""
        for job in [self.job(job_id)] if job_id else self.spool.jobs():
            self.spool.change(job["key"], held=False, start_at=0.0)

    def report(self, job_id: str, **fields: str | int | None) -> None:
        """From now on the scheduler says this, by its own names: `job_state="M"`, `ST="RJT"`, `STAT="UNKWN"`. None
        leaves a field out.
        """
        job = self.job(job_id)
        self.spool.change(job["key"], report=job["report"] | fields)

    def forget(self, job_id: str) -> None:
        """As after its history was purged."""
        self.spool.change(self.job(job_id)["key"], forgotten=True)

    # --- what a test looks at

    def job(self, job_id: str) -> Job:
        """What the spool has of it: `state`, `outcome`, `status`, `pid`, `environment`, ..."""
        job = self.spool.job(str(job_id).split(".")[0])
        if job is None:
            raise KeyError(job_id)
        return job

    def wait(self, job_id: str, state: str = "ended", timeout: float = 30.0) -> Job:
        """What the job is when it is in that state, or has ended without being seen in it."""
        deadline = time.monotonic() + timeout
        while (job := self.job(job_id))["state"] not in (state, "ended"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{job_id} is {job['state']}, not {state}")
            time.sleep(0.02)
        return job

    def calls(self, command: str | None = None) -> list[list[str]]:
        """The command lines so far."""
        log = self.spool.path / "calls.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line for line in lines if command in (None, line[0])]

    def stop(self) -> None:
        """End all jobs, and return when none of their processes is left."""
        for path in (self.spool.path / "jobs").glob("*.json"):
            job = json.loads(path.read_text())
            with path.with_suffix(".lock").open("w") as alive:
                while True:
                    try:
                        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:  # its lock is taken, so the supervisor lives and the number is its own
                        with contextlib.suppress(ProcessLookupError):
                            if supervisor := json.loads(path.read_text()).get("supervisor", job.get("supervisor")):
                                os.kill(supervisor, signal.SIGTERM)
                        time.sleep(0.02)


_CODE = """import sys
sys.path.insert(0, {root!r})
from tests.infra.fakes.core import run
sys.exit(run({spool!r}, {command!r}, sys.argv[1:]))"""


@contextlib.contextmanager
def installed(dialect: str, directory: Path, **settings: Any) -> Iterator[Fake]:
    """Write the commands of a dialect into `directory/bin`; when done with, no process of its jobs is left.

    Parameters
    ----------
    dialect
        `pbs` (PBS Pro and OpenPBS), `torque`, `pjm` (Fugaku) or `lsf`.
    directory
        Where the commands and the spool go.
    settings
        `speed`: how many times faster than the clock a job's walltime passes (LSF counts it in minutes);
        `first`: the number of the first job. For PBS and Torque, `server`: what job ids end with; `queue`: the default
        one; `signal_statuses`: a job over its limits is reported by the signal that ended it, as older versions do,
        not by a negative number.
    """
    if dialect not in DIALECTS:
        raise ValueError(dialect)
    module = importlib.import_module(f".{dialect}", __package__)
    fake = Fake(dialect, Path(directory).resolve())
    for made in (fake.bin, *(fake.spool.path / name for name in ("jobs", "scripts", "home"))):
        made.mkdir(parents=True)
    unknown = settings.keys() - module.SETTINGS.keys() - {"speed"}
    if unknown:
        raise ValueError(f"{dialect} has no setting {sorted(unknown)}")
    all_settings = {"dialect": dialect, "speed": 1.0, **module.SETTINGS, **settings}
    fake.spool.write("settings.json", all_settings)
    fake.spool.write("orders.json", [])
    (fake.spool.path / "number").write_text(str(all_settings["first"]))
    for command in module.COMMANDS:
        path = fake.bin / command
        root = str(Path(__file__).parents[3])
        code = _CODE.format(root=root, spool=str(fake.spool.path), command=command)
        # By a shell, as the path of an interpreter in `#!` must not have spaces.
        path.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-IS", "-c", code])} "$@"\n')
        path.chmod(0o755)
    try:
        yield fake
    finally:
        fake.stop()
