"""Base class of batch schedulers, and the schedulers by name."""

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
from adatom.machines.here import HERE, Here
from adatom.machines.host import Host
from adatom.machines.model import Model
from adatom.machines.outcome import Outcome
from adatom.machines.script import BatchJob, body, header

__all__ = ["Scheduler", "Submitted", "scheduler", "scheduler_names"]

_PATIENCE = 60.0  # seconds for one answer of a scheduler's command
_TRIES = 3  # attempts at a query: a scheduler that is busy or restarts refuses some
_PAUSE = 2.0  # seconds before the second attempt; twice as long before each further one


@dataclass(frozen=True)
class Submitted:
    """Job that a scheduler has accepted.

    Attributes
    ----------
    id
        Identifier that the scheduler gave the job.
    script
        Path of the submitted file, on the scheduler's host.
    walltime
        Run time that the job was given, in s, since not every scheduler says why it ended a job. None: no limit.
    """

    id: str
    script: Path
    walltime: float | None = None


class Scheduler(ABC):
    """Batch scheduler of one kind, which is used through its commands.

    Attributes
    ----------
    name
        Name of the scheduler in profiles.
    suffix
        Suffix of the names of scripts, with its dot.
    prefix
        Text that each directive begins with.
    commands
        Names of the commands that have to be on PATH.
    options_type
        Class of the options that only this scheduler knows: a section of its name in the profile of a machine.
    of_a_job
        Regular expression for the beginning of the names of variables that the scheduler gives a job, and that would
        disturb another job submitted from within. Empty: no variable does.
    job_id
        Placeholder for the id of a job in the names of its output files. Empty: the scheduler has none.
    host
        Machine that runs the scheduler's commands.
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
        """Return the directives of a job, without the prefix.

        Parameters
        ----------
        job
            Batch job that the script runs.

        Raises
        ------
        InputError
            The scheduler cannot be asked for something that the job needs.
        """

    def script(self, job: BatchJob) -> str:
        """Return the whole script of a job.

        Parameters
        ----------
        job
            Batch job that the script runs.
        """
        return "\n".join(["#!/bin/bash", *self.header(job), "", body(job)])

    def header(self, job: BatchJob) -> list[str]:
        """Return the lines of a script that the scheduler reads.

        Parameters
        ----------
        job
            Batch job that the script runs.

        Raises
        ------
        InputError
            The scheduler cannot be asked for something that the job needs, or a directive is not one line.
        """
        return header(self.prefix, [*self.directives(job), *job.directives])

    @abstractmethod
    def submit(self, script: Path) -> str:
        """Submit a script from its directory.

        Parameters
        ----------
        script
            Path of the script, on `host`.

        Returns
        -------
        str
            Identifier that the scheduler gives the job.

        Raises
        ------
        SchedulerError
            The scheduler refuses the script; the message has its own words.
        """

    @abstractmethod
    def poll(self, jobs: Sequence[Submitted]) -> Mapping[str, Outcome]:
        """Ask for the outcomes of jobs, in as few queries as possible for any number of jobs.

        Parameters
        ----------
        jobs
            Jobs that were submitted here or by an earlier process.

        Returns
        -------
        mapping of str to Outcome
            Outcomes by the ids of the jobs, without jobs that the scheduler no longer knows.

        Raises
        ------
        SchedulerError
            The scheduler does not answer.
        """

    @abstractmethod
    def cancel(self, jobs: Sequence[Submitted]) -> None:
        """End jobs that wait or run. Jobs that have ended stay as they are.

        Parameters
        ----------
        jobs
            Jobs that were submitted here or by an earlier process.
        """

    def queues(self) -> Mapping[str, float | None] | None:
        """Return the longest walltime of each queue.

        Returns
        -------
        mapping of str to float, or None
            Longest walltimes in s by the names of the queues, or None in place of a walltime that is not known or not
            limited. None alone: the scheduler does not list its queues.

        Raises
        ------
        SchedulerError
            The scheduler does not answer.
        """
        return None

    def cannot(self, what: str, hint: str = "") -> InputError:
        """Return the error for something that this scheduler cannot be asked for.

        Parameters
        ----------
        what
            Field of the job, with its value.
        hint
            Next step for the user, or nothing.
        """
        return InputError(f"{self.name} cannot be asked for {what}. {hint}".strip())

    def run(
        self,
        *command: str,
        script: Path | None = None,
        stdin: str | None = None,
        forgiven: str = "",
        with_errors: bool = False,
    ) -> str:
        """Run one of the scheduler's commands, and return its output.

        Parameters
        ----------
        *command
            Program and its arguments, one string for each word.
        script
            Script that the command submits. The command runs in its directory, with the environment of the user, which
            most schedulers give the job. None: the command submits nothing.
        stdin
            Name of the file in that directory that the command reads. None: the command reads nothing.
        forgiven
            Regular expression for errors to ignore, as for one unknown job among several: a failure is no error if
            every line of the standard error has a match. Empty: every failure is an error.
        with_errors
            Whether to append the standard error, since some commands fail with exit status 0.

        Raises
        ------
        SchedulerError
            The command does not exist, fails, or does not answer.
        """
        # The parsers need these formats of times and messages, whatever the user's shell sets.
        environment = {} if script else {"LC_ALL": "C", "SLURM_TIME_FORMAT": "standard"}
        try:
            done = self.host.run(
                command,
                cwd=script.parent if script else None,
                stdin=stdin,
                environment=environment,
                without=self.of_a_job,  # a job that is submitted from within another one gets none of its variables
                timeout=_PATIENCE,
            )
        except FileNotFoundError:
            raise SchedulerError(
                f"There is no command {command[0]!r} {self.host}, which {self.name} is asked by. Go to a machine that "
                "can submit, or name another scheduler in the profile."
            ) from None
        except subprocess.TimeoutExpired:
            raise SchedulerError(f"{command[0]} of {self.name} did not answer in {_PATIENCE:.0f} s.") from None
        if done.returncode and not _is_forgiven(done.stderr, forgiven):
            words = " ".join((done.stderr.strip() or done.stdout.strip()).split())
            raise SchedulerError(f"{command[0]} of {self.name} ended with {done.returncode}: {words or 'no message'}")
        return done.stdout + done.stderr if with_errors else done.stdout

    def ask(self, *command: str, forgiven: str = "") -> str:
        """Run a query, which changes nothing, and repeat it before its failure becomes an error.

        Parameters
        ----------
        *command, forgiven
            Same as in `run`.
        """
        for again in range(_TRIES - 1):
            try:
                return self.run(*command, forgiven=forgiven)
            except SchedulerError:
                time.sleep(_PAUSE * 2**again)
        return self.run(*command, forgiven=forgiven)


def _is_forgiven(errors: str, pattern: str) -> bool:
    lines = [line for line in errors.splitlines() if line.strip()]
    return bool(pattern and lines) and all(re.search(pattern, line) for line in lines)


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="adatom.schedulers")}


def scheduler_names() -> list[str]:
    """Return the names of all schedulers, whether this machine has their commands or not."""
    return sorted(_entry_points())


def scheduler(name: str, host: str | None = None) -> Scheduler:
    """Return a scheduler by name.

    Parameters
    ----------
    name
        Name of the scheduler, as profiles write it.
    host
        Host to log in to for the scheduler, as ``ssh`` takes it. None: this machine.

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
