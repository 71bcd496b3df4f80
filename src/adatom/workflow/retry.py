"""Further runs of jobs that failed or were lost, with their inputs."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import cloudpickle

from adatom.errors import InputError, UnknownNameError
from adatom.execution.arguments import read_arguments
from adatom.execution.call import read_header
from adatom.journal.calls import read_call
from adatom.journal.jobs import JobRecord
from adatom.journal.journal import JOURNAL, journal_in
from adatom.settings import get_settings
from adatom.workflow.flow import flow
from adatom.workflow.future import Future
from adatom.workflow.job import Job

__all__ = ["load_call", "retry"]


def load_call(record: JobRecord) -> tuple[Job[..., Any], tuple[Any, ...], dict[str, Any]]:
    """Return a job of an earlier run with its positional and keyword arguments.

    Parameters
    ----------
    record
        Record of the job in the journal in ``results_dir``.

    Raises
    ------
    InputError
        The inputs are not known, as they are kept for jobs of flows alone, until the whole flow has ended well; or they
        cannot be unpickled here.
    StorageError
        The file of the inputs cannot be read.
    """
    if not record.call:
        raise InputError(
            f"The inputs of {record.name} ({record.id}) are not known. They are kept for jobs of flows on engines that "
            "do not build a graph first. Run your script again."
        )
    header, function, packed = read_call(get_settings().results_dir / JOURNAL, record.call)
    read_header(header)  # now the modules of the script are found
    try:
        return cloudpickle.loads(function), *read_arguments(packed)
    except Exception as error:  # a module that is gone, or changed since
        raise InputError(
            f"The inputs of {record.name} ({record.id}) cannot be read here: {type(error).__name__}: {error}. "
            "Its function was importable where it was called: go there, or run your script again."
        ) from error


def retry(records: Sequence[JobRecord], **changes: Any) -> list[Any]:
    """Run jobs again, as one flow on the selected engine.

    Parameters
    ----------
    records
        Records of the jobs in the journal in ``results_dir``.
    **changes
        New values of parameters, by name, for all jobs that have such a parameter.

    Returns
    -------
    list
        Results in the order of `records`, with a `Failure` for each that failed again.

    Raises
    ------
    UnknownNameError
        None of the jobs has such a parameter.
    InputError, StorageError
        The inputs of a job are not known or cannot be read, as in `load_call`.
    """
    calls = [load_call(record) for record in records]
    taken = [inspect.signature(job).parameters for job, _, _ in calls]
    for name in changes:
        if not any(name in parameters for parameters in taken):
            raise UnknownNameError("parameter of these jobs", name, {key for one in taken for key in one})
    journal = journal_in(str(get_settings().results_dir / JOURNAL))
    labels = {record.label for record in records}

    @flow(name="retry", on_failure="return", label=labels.pop() if len(labels) == 1 else None)
    def run_again() -> list[Any]:
        futures: list[Any] = []
        for record, parameters, (job, args, kwargs) in zip(records, taken, calls, strict=True):
            bound = inspect.signature(job).bind(*args, **kwargs)
            bound.arguments.update({name: value for name, value in changes.items() if name in parameters})
            # A job that was cached is cached now too, though the setting of the first run may not hold here.
            cached = job.with_options(cache=True) if record.key and job.options.cache is None else job
            again = cached(*bound.args, **bound.kwargs)
            assert isinstance(again, Future)
            journal.record(record.id, "failed", cause=record.cause, retried=again._node.id)
            futures.append(again)
        return futures

    return run_again()
