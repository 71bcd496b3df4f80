"""What a batch scheduler is."""

from __future__ import annotations

import re
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import ClassVar

from adatom.errors import InputError, SchedulerError, UnknownNameError
from adatom.machines.host import HERE, Here, Host
from adatom.machines.model import Model
from adatom.machines.outcome import Outcome
from adatom.machines.script import BatchJob, body

__all__ = ["Scheduler", "Submitted", "scheduler", "scheduler_names"]

_PATIENCE = 60.0  # seconds for one answer of a scheduler's command
_TRIES = 3  # of a question: a scheduler that is busy or restarts refuses some
_PAUSE = 2.0  # seconds before the second try; twice as long before each further one


@dataclass(frozen=True)
class Submitted:
    """A job that a scheduler has taken.

    Attributes
    ----------
    id
        As the scheduler calls it.
    script
        The file that was submitted, where the scheduler is.
    walltime
        What it was given, in s: not every scheduler says why it ended a job. None if it has no limit.
    """

    id: str
    script: Path
    walltime: float | None = None


class Scheduler(ABC):
    """One kind of batch scheduler, by its commands.

    Attributes
    ----------
    name
        As profiles call it.
    suffix
        Of scripts.
    prefix
        What a directive begins with.
    commands
        What has to be on PATH.
    options_type
        What only it knows; a section of that name in a machine's profile.
    of_a_job
        A pattern for the names of variables that a job has from the scheduler; empty if none of them does harm.
    job_id
        What stands for a job's id in the names of its output files; empty if nothing does.
    host
        Where its commands are run.
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    prefix: ClassVar[str] = ""
    commands: ClassVar[tuple[str, ...]] = ()
    options_type: ClassVar[type[Model]] = Model
    of_a_job: ClassVar[str] = ""
    job_id: ClassVar[str] = ""
    host: Here = HERE

    @abstractmethod
    def directives(self, job: BatchJob) -> list[str]:
        """What the scheduler is asked for, without its prefix.

        Parameters
        ----------
        job
            The job.

        Raises
        ------
        InputError
            It cannot be asked for something that the job needs.
        """

    def script(self, job: BatchJob) -> str:
        """The whole script.

        Parameters
        ----------
        job
            The job.
        """
        lines = [f"{self.prefix} {line}" for line in [*self.directives(job), *job.directives]]
        return "\n".join(["#!/bin/bash", *lines, "", body(job)])

    @abstractmethod
    def submit(self, script: Path) -> str:
        """Submit a script from the directory that it lies in.

        Parameters
        ----------
        script
            The file, on `host`.

        Returns
        -------
        str
            The job's id.

        Raises
        ------
        SchedulerError
            The scheduler refuses it, in its own words.
        """

    @abstractmethod
    def poll(self, jobs: Sequence[Submitted]) -> Mapping[str, Outcome]:
        """What is known of jobs, asked in as few questions as it takes, however many they are.

        Parameters
        ----------
        jobs
            The jobs.

        Returns
        -------
        mapping of str to Outcome
            By id; a job that the scheduler does not know any more is not in it.

        Raises
        ------
        SchedulerError
            The scheduler does not answer.
        """

    @abstractmethod
    def cancel(self, jobs: Sequence[Submitted]) -> None:
        """End jobs that wait or run; what has ended stays as it is.

        Parameters
        ----------
        jobs
            The jobs.
        """

    def queues(self) -> Mapping[str, float | None] | None:
        """The queues that there are, with the longest walltime (s) of each; None where nobody says.

        Raises
        ------
        SchedulerError
            The scheduler does not answer.
        """
        return None

    def cannot(self, what: str, hint: str = "") -> InputError:
        """The error for something that this scheduler cannot be asked for.

        Parameters
        ----------
        what
            The field, with its value.
        hint
            The next step.
        """
        return InputError(f"{self.name} cannot be asked for {what}. {hint}".strip())

    def run(
        self,
        *command: str,
        cwd: Path | None = None,
        stdin: str | None = None,
        forgiven: str = "",
        with_errors: bool = False,
    ) -> str:
        """What one of the scheduler's commands prints.

        Parameters
        ----------
        *command
            The command.
        cwd
            Where it is run.
        stdin
            The file in `cwd` that it reads.
        forgiven
            A pattern: a failure is none if it stands in every line of the errors. Of several jobs one may be unknown.
        with_errors
            Whether the errors follow what it prints: some that fail end with status 0.

        Raises
        ------
        SchedulerError
            It is not there, fails, or does not answer.
        """
        # Times and words as the parsers know them, whatever the user's shell says. A job that is submitted from within
        # another one gets nothing of what that was given.
        environment = {"LC_ALL": "C", "SLURM_TIME_FORMAT": "standard"}
        try:
            done = self.host.run(
                command, cwd=cwd, stdin=stdin, environment=environment, without=self.of_a_job, timeout=_PATIENCE
            )
        except FileNotFoundError:
            raise SchedulerError(
                f"There is no command {command[0]!r} {self.host}, which {self.name} is asked by. Go to a machine that "
                "can submit, or name another scheduler in the profile."
            ) from None
        except subprocess.TimeoutExpired:
            raise SchedulerError(f"{command[0]} of {self.name} did not answer in {_PATIENCE:.0f} s.") from None
        said = [line for line in done.stderr.splitlines() if line.strip()]
        if done.returncode and not (forgiven and said and all(re.search(forgiven, line) for line in said)):
            words = " ".join((done.stderr.strip() or done.stdout.strip()).split())
            raise SchedulerError(f"{command[0]} of {self.name} ended with {done.returncode}: {words or 'no message'}")
        return done.stdout + done.stderr if with_errors else done.stdout

    def ask(self, *command: str, forgiven: str = "") -> str:
        """`run` for a question that changes nothing: it is asked again before it is an error.

        Parameters
        ----------
        *command
            The command.
        forgiven
            As in `run`.
        """
        for again in range(_TRIES - 1):
            try:
                return self.run(*command, forgiven=forgiven)
            except SchedulerError:
                time.sleep(_PAUSE * 2**again)
        return self.run(*command, forgiven=forgiven)


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="adatom.schedulers")}


def scheduler_names() -> list[str]:
    """The schedulers that are known, here or not."""
    return sorted(_entry_points())


def scheduler(name: str, host: str | None = None) -> Scheduler:
    """A scheduler by name.

    Parameters
    ----------
    name
        As in a machine's profile.
    host
        The machine to log in to; None: this one.

    Raises
    ------
    UnknownNameError
        No package registers such a scheduler.
    """
    return _made(name, host)


@cache
def _made(name: str, host: str | None) -> Scheduler:
    points = _entry_points()
    if name not in points:
        raise UnknownNameError("scheduler", name, points)
    made: Scheduler = points[name].load()()
    if host is not None:
        made.host = Host(host)
    return made
