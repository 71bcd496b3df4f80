"""Calls of jobs, packed so that they can travel to a worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle

from adatom.errors import InputError
from adatom.execution.caching import Caching
from adatom.execution.failure import Failure
from adatom.journal.journal import journal_in
from adatom.settings import get_settings, settings_of_caller, travelling

if TYPE_CHECKING:
    from adatom.machines.resources import Resources
    from adatom.settings import Settings

__all__ = [
    "Batch",
    "Call",
    "Outcome",
    "header",
    "pack_function",
    "read_function",
    "read_header",
]


@dataclass(frozen=True)
class Call:
    """One call of a job, ready to travel.

    Attributes
    ----------
    name
        Name of the job with a label of its first argument, as the engine shows it.
    directory
        Final path of the run directory.
    header
        Settings and module search path, pickled once for all calls that share them.
    function
        Function, pickled once for all calls of it in a flow.
    arguments
        Positional and keyword arguments, pickled by `pack_arguments` or `Arguments.pack`.
    engine
        Name of the engine.
    retries, retry_delay
        Number of further attempts after an exception or the death of the worker, and the seconds before each.
    timeout
        Seconds after which the work is killed; None: no limit.
    attempt
        Number of attempts that were lost with their workers.
    starts
        Number of starts in a row after which the job stopped for want of time, and left nothing to go on from.
    id
        Id of the job in the journal; empty: the call is a batch of a stream.
    journal
        Directory of the journals; empty: none is written.
    noted
        Whether the journal of the caller's process says already that the job runs.
    caching
        Rules by which the result is looked up and stored; None: it is not.
    deadline
        Time, in seconds since the epoch, at which the process that waits for the job must have stopped; None: no limit.
    expected
        Seconds that the call may take, by earlier jobs of the recipe or batches of the stream; 0: unknown.
    resources
        Resources that the job asks for; None: nothing.
    waited
        Whether the arguments hold results of other jobs. An engine with priorities runs such a call before others, so
        that results are used up and let go.
    run
        Of a subflow: fields that the journal has for each job of the run.
    """

    name: str
    directory: str
    header: bytes
    function: bytes
    arguments: bytes
    engine: str
    retries: int = 0
    retry_delay: float = 0.0
    timeout: float | None = None
    attempt: int = 0
    starts: int = 0
    id: str = ""
    journal: str = ""
    noted: bool = False
    caching: Caching | None = None
    deadline: float | None = None
    expected: float = 0.0
    resources: Resources | None = None
    waited: bool = False
    run: Mapping[str, str] = field(default_factory=dict)

    def note(self, state: str, **more: str | int) -> None:
        """Write the state of the job into the journal of this process."""
        if self.journal:
            journal_in(self.journal).record(self.id, state, **more)

    def directory_of(self, attempt: int) -> str:
        """Return the final path of the run directory of the first (0), second (1) ... attempt."""
        return self.directory if attempt == 0 else f"{self.directory}-try{attempt + 1}"

    def failure(self, error: BaseException, directory: Path | str | None = None) -> Failure:
        """Return the failure of this call because of an exception."""
        return Failure.of(error, self.name, str(directory or self.directory))


@dataclass(frozen=True)
class Batch:
    """Several calls that travel as one task, so that the engine's cost is paid once.

    Attributes
    ----------
    name
        Name that the engine shows.
    calls
        Calls, which differ in the first argument alone.
    batch_function
        The job's option of that name, pickled; empty: none.
    lockstep
        Whether the calls run side by side, in threads; otherwise they run one after the other.
    """

    name: str
    calls: Sequence[Call]
    batch_function: bytes = b""
    lockstep: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """Value or `Failure` of a call that ran in the caller's process, where it need not be pickled."""

    value: Any


def header() -> bytes:
    """Return the settings in force and the module search path, pickled once for all calls that share them."""
    return _header(get_settings(), tuple(sys.path), os.getcwd() if "" in sys.path else "")


@lru_cache(maxsize=16)
def _header(settings: Any, path: tuple[str, ...], here: str) -> bytes:
    folders = [os.path.abspath(folder) for folder in path if not folder.startswith(sys.prefix + os.sep)]
    return cloudpickle.dumps((travelling(settings), folders))


@lru_cache(maxsize=16)
def read_header(packed: bytes) -> Settings:
    """Return the settings of a call's caller; from then on this process finds the caller's modules.

    Parameters
    ----------
    packed
        Header of a call.
    """
    values, folders = cloudpickle.loads(packed)
    # A worker finds the modules that its caller finds, behind its own.
    sys.path += [folder for folder in folders if folder not in sys.path and os.path.isdir(folder)]
    return settings_of_caller(values)


def pack_function(name: str, function: Callable[..., Any]) -> bytes:
    """Pickle a function: importable code by reference, all other code by value.

    Parameters
    ----------
    name
        Name of the job, for the message.
    function
        Function of the job.

    Raises
    ------
    InputError
        The function cannot be pickled.
    """
    try:
        return cloudpickle.dumps(function)
    except Exception as error:
        raise InputError(f"The function of {name} cannot be sent to a worker: {error}.") from error


read_function: Callable[[bytes], Callable[..., Any]] = lru_cache(maxsize=128)(cloudpickle.loads)
