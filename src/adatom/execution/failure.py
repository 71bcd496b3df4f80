"""A job that did not succeed, as data."""

from __future__ import annotations

import os
import pickle
import socket
from dataclasses import dataclass

import cloudpickle

from adatom.errors import JobFailure, format_traceback
from adatom.execution.deadline import stop_reason

__all__ = ["Failure"]


@dataclass(frozen=True)
class Failure:
    """What is known of a job that did not succeed.

    Attributes
    ----------
    job
        The job, under the name that the engine showed.
    directory
        Where its files are; None where it never ran.
    kind
        The type of the exception.
    message
        What the exception said.
    traceback
        The worker's traceback, as text.
    host, pid
        Where it ran.
    skipped_because
        The failed job that this one needed; None if it failed by itself.
    cause
        The exception; None where it cannot leave its worker.
    origin
        The failure that this one follows from, where it was seen in this process.
    """

    job: str
    directory: str | None
    kind: str
    message: str
    traceback: str = ""
    host: str = ""
    pid: int = 0
    skipped_because: str | None = None
    cause: BaseException | None = None
    origin: Failure | None = None

    @classmethod
    def of(cls, error: BaseException, job: str, directory: str | None) -> Failure:
        """The failure that an exception means, made where it was caught.

        Parameters
        ----------
        error
            The exception.
        job
            The job that raised it.
        directory
            Where its files are.
        """
        return cls(
            job=job,
            directory=directory,
            kind=type(error).__name__,
            message=_text(error),
            traceback=format_traceback(error),
            host=socket.gethostname(),
            pid=os.getpid(),
            cause=error if _travels(error) else None,
        )

    @classmethod
    def interrupted(cls, job: str, directory: str | None = None) -> Failure:
        """Return the failure of a job whose flow was interrupted.

        Parameters
        ----------
        job
            Name of the job.
        directory
            Directory of its files; None where it never ran.
        """
        return cls(job, directory, "Interrupted", stop_reason() or "the flow was interrupted")

    @property
    def in_short(self) -> str:
        """The cause in one line."""
        return self.message if self.skipped_because else f"{self.kind}: {self.message}"

    def skip(self, job: str) -> Failure:
        """The failure of a job that needed this one's result."""
        root = self.skipped_because or self.job
        why = f"needs {root}, which failed"
        return Failure(job, None, "Skipped", why, skipped_because=root, origin=self.origin or self)

    def describe(self, short: bool = False) -> str:
        """Job, cause, directory and, unless `short`, the worker's traceback, for a person to read."""
        lines = [f"{self.job}: {self.kind}: {self.message}"]
        if self.directory:
            lines.append(f"  files: {self.directory}")
        if self.traceback and not short:
            where = f"  on {self.host}, process {self.pid}:"
            lines += [where, *("  | " + line for line in self.traceback.rstrip().splitlines())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Failure {self.job}: {self.kind}: {self.message}>"

    def exception(self) -> JobFailure:
        """The exception to raise for this failure, its cause attached."""
        error = JobFailure(self)
        error.__cause__ = self.cause
        return error


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception that cannot say what it is
        return "no message"


def _travels(error: BaseException) -> bool:
    """Whether an exception survives pickling: many with an ``__init__`` of their own do not."""
    try:
        return type(pickle.loads(cloudpickle.dumps(error))) is type(error)
    except Exception:
        return False
