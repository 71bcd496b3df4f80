"""What travels to a worker."""

from __future__ import annotations

import inspect
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
from adatom.utils.nested import substitute

if TYPE_CHECKING:
    from adatom.machines.resources import Resources
    from adatom.settings import Settings

__all__ = [
    "Batch",
    "Call",
    "Outcome",
    "Slot",
    "fill",
    "follow",
    "header",
    "pack_arguments",
    "pack_function",
    "read_arguments",
    "read_function",
    "read_header",
]


@dataclass(frozen=True)
class Slot:
    """Stands in a call's arguments for a result that the engine hands over.

    Attributes
    ----------
    index
        Which of the results.
    path
        What of it.
    """

    index: int
    path: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Call:
    """One call of a job, ready to travel.

    Attributes
    ----------
    name
        What the engine shows.
    directory
        Where the job's files will be.
    header
        What many calls share: settings and module search path, pickled.
    function
        The function, pickled once for all calls of it in a flow.
    arguments
        Positional and keyword arguments, pickled.
    engine
        The engine, for the record.
    retries, retry_delay
        How often to try again after an exception, and how long (s) to wait before.
    timeout
        After how many seconds to kill the work.
    attempt
        How many attempts were lost with their workers.
    id
        Of the job, in the journal.
    journal
        Where the journals are; none is written if empty.
    noted
        Whether the journal says already that it runs.
    caching
        How its result is looked up and stored; None if it is not.
    deadline
        When, in seconds since the epoch, the process that waits for it must have stopped; None if nothing limits it.
    expected
        How long (s) such a job may take, by what earlier ones took; 0 if nobody knows.
    resources
        What the job asks for; None if nothing.
    run
        Of a subflow: what the journal says of the run with each job.
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
    id: str = ""
    journal: str = ""
    noted: bool = False
    caching: Caching | None = None
    deadline: float | None = None
    expected: float = 0.0
    resources: Resources | None = None
    run: Mapping[str, str] = field(default_factory=dict)

    def note(self, state: str, **more: str | int) -> None:
        """Write into the journal what became of this call."""
        if self.journal:
            journal_in(self.journal).record(self.id, state, **more)

    def directory_of(self, attempt: int) -> str:
        """Where the files of the first, second ... attempt will be."""
        return self.directory if attempt == 0 else f"{self.directory}-try{attempt + 1}"

    def failure(self, error: BaseException, directory: Path | str | None = None) -> Failure:
        """This call's failure, because of an exception."""
        return Failure.of(error, self.name, str(directory or self.directory))


@dataclass(frozen=True)
class Batch:
    """Several calls that travel as one, so that the engine's cost is paid once.

    Attributes
    ----------
    name
        What the engine shows.
    calls
        The calls, run one after the other. They differ in the first argument alone.
    ahead
        The job's option of that name, pickled; empty if it has none.
    recipe
        Where the job's function is.
    """

    name: str
    calls: Sequence[Call]
    ahead: bytes = b""
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to, where it need not be pickled: it ran in the caller's process.

    Attributes
    ----------
    value
        The job's value, or a `Failure`.
    """

    value: Any


def header() -> bytes:
    """The settings in force and the module search path, pickled once for all calls that share them."""
    return _header(get_settings(), tuple(sys.path), os.getcwd() if "" in sys.path else "")


@lru_cache(maxsize=16)
def _header(settings: Any, path: tuple[str, ...], here: str) -> bytes:
    folders = [os.path.abspath(folder) for folder in path if not folder.startswith(sys.prefix + os.sep)]
    return cloudpickle.dumps((travelling(settings), folders))


@lru_cache(maxsize=16)
def read_header(packed: bytes) -> Settings:
    """The settings of a call's caller; the caller's modules are found from now on.

    Parameters
    ----------
    packed
        A call's header.
    """
    values, folders = cloudpickle.loads(packed)
    # A worker finds the modules that its caller finds, behind its own.
    sys.path += [folder for folder in folders if folder not in sys.path and os.path.isdir(folder)]
    return settings_of_caller(values)


def pack_function(name: str, function: Callable[..., Any]) -> bytes:
    """A function, pickled: importable code by reference, all other by value.

    Parameters
    ----------
    name
        The job, for the message.
    function
        The function.

    Raises
    ------
    InputError
        It cannot be pickled.
    """
    try:
        return cloudpickle.dumps(function)
    except Exception as error:
        raise InputError(f"The function of {name} cannot be sent to a worker: {error}.") from error


read_function: Callable[[bytes], Callable[..., Any]] = lru_cache(maxsize=128)(cloudpickle.loads)


def pack_arguments(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Arguments, pickled.

    Parameters
    ----------
    name, function
        The job, for the message.
    args, kwargs
        The arguments.

    Raises
    ------
    InputError
        One of them cannot be pickled; it is named.
    """
    try:
        return cloudpickle.dumps((args, kwargs))
    except Exception as error:
        reason = error
    try:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        given = {**{f"#{i}": item for i, item in enumerate(args)}, **kwargs}
    for key, item in given.items():
        try:
            cloudpickle.dumps(item)
        except Exception as error:
            raise InputError(
                f"Argument {key!r} of {name}, a {type(item).__name__}, cannot be sent to a worker: {error}. "
                "Pass plain data, or make it inside the job."
            ) from error
    raise InputError(f"The arguments of {name} cannot be sent to a worker: {reason}.") from reason


read_arguments: Callable[[bytes], tuple[tuple[Any, ...], dict[str, Any]]] = cloudpickle.loads


def fill(arguments: Any, upstream: Sequence[Any]) -> Any:
    """Arguments with their slots filled.

    Parameters
    ----------
    arguments
        A structure with slots.
    upstream
        The results by slot index.
    """
    return substitute(arguments, Slot, lambda slot: follow(upstream[slot.index], slot.path))


def follow(value: Any, path: tuple[tuple[str, Any], ...]) -> Any:
    """The value at the end of a future's path; a `Failure` met on the way ends it.

    Parameters
    ----------
    value
        The value of the job.
    path
        Pairs of ``"item"`` or ``"attribute"`` and a key.
    """
    for how, key in path:
        if isinstance(value, Failure):
            break
        value = value[key] if how == "item" else getattr(value, key)
    return value
