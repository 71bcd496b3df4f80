"""What a job of an earlier run was called with."""

from __future__ import annotations

from typing import Any

from adatom.errors import AdatomError, InputError
from adatom.records.jobs import JobRecord
from adatom.workflow import Job

__all__ = ["inputs_of"]


def inputs_of(job: JobRecord) -> tuple[Job[..., Any], tuple[Any, ...], dict[str, Any]]:
    """A job's function, positional and keyword arguments.

    Parameters
    ----------
    job
        What the journal says of it.

    Raises
    ------
    AdatomError
        They are not kept, or cannot be read here.
    """
    from adatom.workflow.retry import load_call

    try:
        return load_call(job)
    except AdatomError:
        raise
    except Exception as error:  # a module that is not here, or is another one now
        raise InputError(
            f"The inputs of {job.name} ({job.id}) cannot be read here: {type(error).__name__}: {error}. Its function "
            "was importable where it was called: go there, or run your script again."
        ) from error
