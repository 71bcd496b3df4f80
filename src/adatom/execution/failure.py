"""The failure of a job, as data."""

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
    """Record of a job that did not succeed.

    Attributes
    ----------
    job
        Name of the job, as the engine showed it.
    directory
        Path of the run directory; None if the job never ran.
    kind
        Name of the type of the exception.
    message
        Text of the exception, without its type.
    traceback
        Traceback of the worker, as text; empty if there is none.
    host, pid
        Name of the machine and id of the process that the exception was caught in.
    skipped_because
        Name of the failed job that this one needed; None if the job failed by itself.
    cause
        Exception itself; None if it cannot be pickled, or the job never ran.
    resumable
        Whether the run left files that a later run could go on from.
    origin
        Failure that this one follows from, if this process has seen it; else None.
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
    resumable: bool = False
    origin: Failure | None = None

    @classmethod
    def of(cls, error: BaseException, job: str, directory: str | None) -> Failure:
        """Return the failure of a job that raised an exception, in the process that caught it.

        Parameters
        ----------
        error
            Exception with its traceback.
        job
            Name of the job that raised it.
        directory
            Path of the run directory; None if the job never ran.
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
            Path of the run directory; None if the job never ran.
        """
        return cls(job, directory, "Interrupted", stop_reason() or "the flow was interrupted")

    @property
    def in_short(self) -> str:
        """Cause of the failure in one line."""
        return self.message if self.skipped_because else f"{self.kind}: {self.message}"

    def skip(self, job: str) -> Failure:
        """Return the failure of a job that needed the result of this one."""
        root = self.skipped_because or self.job
        why = f"needs {root}, which failed"
        return Failure(job, None, "Skipped", why, skipped_because=root, origin=self.origin or self)

    def describe(self, short: bool = False) -> str:
        """Return the job, the cause, the directory and, unless `short`, the worker's traceback as text for people."""
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
        """Return the exception to raise for this failure, with its cause attached."""
        error = JobFailure(self)
        error.__cause__ = self.cause
        return error


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception whose text cannot be made
        return "no message"


def _travels(error: BaseException) -> bool:
    """Return whether an exception survives pickling; many with an ``__init__`` of their own do not."""
    try:
        return type(pickle.loads(cloudpickle.dumps(error))) is type(error)
    except Exception:
        return False
