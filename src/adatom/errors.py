"""Every exception that adatom raises on purpose.

::

    AdatomError
    ├── InputError (ValueError)          bad input, found before anything is computed
    │   ├── SettingsError                a setting: unknown key, wrong type, unreadable file
    │   └── UnknownNameError             a name that is not in its table
    ├── MissingExtraError (ImportError)  a package that an extra of adatom brings
    ├── StorageError (OSError)           a directory or file that cannot be written
    ├── EngineError (RuntimeError)       an engine that cannot be reached, or cannot do what was asked
    ├── SchedulerError (RuntimeError)    a batch scheduler that does not answer, or refuses a job
    │   └── BatchJobError                a batch job that did not succeed; ``.result`` says all
    ├── ConvergenceError (RuntimeError)  a calculation that ended without converging
    ├── AnalysisError (RuntimeError)     results from which a property cannot be had
    ├── ProgramError (RuntimeError)      a program that failed, or whose output is not whole
    ├── IncompleteError (RuntimeError)   a calculation that stopped before its end, because its time was over
    │   └── UnfinishedError              an operation on many structures; ``.done`` and ``.left`` are those
    ├── ItemError (RuntimeError)         an operation on many structures that stopped at one; ``.done``, ``.left``
    ├── JobTimeoutError (TimeoutError)   a job stopped at its ``timeout``
    ├── WorkerDiedError (RuntimeError)   the process that ran a job is gone
    ├── JobFailure (RuntimeError)        one job did not succeed; ``.failure`` says all
    └── FlowFailure (RuntimeError)       a flow with failed jobs; ``.failures`` lists them
"""

from __future__ import annotations

import difflib
import os
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adatom.configs.configset import ConfigSet
    from adatom.execution.failure import Failure
    from adatom.machines.result import BatchResult

__all__ = [
    "AdatomError",
    "AnalysisError",
    "BatchJobError",
    "ConvergenceError",
    "EngineError",
    "FlowFailure",
    "IncompleteError",
    "InputError",
    "ItemError",
    "JobFailure",
    "JobTimeoutError",
    "MissingExtraError",
    "ProgramError",
    "SchedulerError",
    "SettingsError",
    "StorageError",
    "UnfinishedError",
    "UnknownNameError",
    "WorkerDiedError",
]

_HOME = os.path.dirname(__file__)
_CALLERS = tuple(os.path.join(_HOME, room) for room in ("execution", "workflow"))


class AdatomError(Exception):
    """Base of every exception that adatom raises on purpose."""


class InputError(AdatomError, ValueError):
    """Bad input, found before anything is computed."""


class SettingsError(InputError):
    """A setting that is unknown, of a wrong type, or in a file that cannot be read."""


class UnknownNameError(InputError):
    """A name that is not in its table.

    Parameters
    ----------
    what
        What the name is of, e.g. ``"optimizer"``.
    name
        The name that was given.
    valid
        The names that would have been right.
    hint
        The next step, when there is more to say.
    """

    def __init__(self, what: str, name: object, valid: Iterable[str], hint: str = "") -> None:
        self.what, self.name, self.valid, self.hint = what, name, sorted(valid), hint
        folded = {known.lower(): known for known in self.valid}
        near = difflib.get_close_matches(str(name).lower(), folded, n=1)
        parts = [f"Unknown {what} {name!r}."]
        if near:
            parts.append(f"Did you mean {folded[near[0]]!r}?")
        parts.append(f"Valid: {', '.join(self.valid) or 'none'}.")
        if hint:
            parts.append(hint)
        super().__init__(" ".join(parts))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.what, self.name, self.valid, self.hint)


class MissingExtraError(AdatomError, ImportError):
    """A package that an extra of adatom brings is not installed.

    Parameters
    ----------
    package
        The package that could not be imported.
    extra
        The extra of adatom that brings it; None: there is none.
    """

    def __init__(self, package: str, extra: str | None) -> None:
        self.package, self.extra = package, extra
        wanted = f"'adatom[{extra}]'" if extra else package
        super().__init__(f"{package} is not installed. Get it with: pip install {wanted}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.package, self.extra)


class StorageError(AdatomError, OSError):
    """A directory or a file that cannot be written."""


class EngineError(AdatomError, RuntimeError):
    """An engine that cannot be reached, or cannot do what was asked."""


class SchedulerError(AdatomError, RuntimeError):
    """A batch scheduler that does not answer, or refuses a job."""


class BatchJobError(SchedulerError):
    """A batch job that did not succeed.

    Parameters
    ----------
    message
        Which job, what became of it, and where its files are.
    result
        All that is known of it.
    """

    def __init__(self, message: str, result: BatchResult) -> None:
        self.result = result
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.result)


class ConvergenceError(AdatomError, RuntimeError):
    """A calculation that ended without converging."""


class AnalysisError(AdatomError, RuntimeError):
    """Results from which a property cannot be had."""


class ProgramError(AdatomError, RuntimeError):
    """A program that failed, or whose output is not whole; the message ends with its last words."""


class IncompleteError(AdatomError, RuntimeError):
    """A calculation that stopped at a step boundary, before its end, because its time was over; run again, it goes on.

    The message says how many steps are done, and why it stopped. Its directory is kept like that of any run that did
    not end well, with what the next run goes on from inside.
    """


class UnfinishedError(IncompleteError):
    """An operation on many structures stopped because its time was over; run again, it goes on.

    Attributes
    ----------
    done
        What came out so far.
    left
        What it has not worked on.
    """

    def __init__(self, message: str, done: ConfigSet, left: Any) -> None:
        super().__init__(message)
        self.done, self.left = done, left

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.done, self.left)


class ItemError(AdatomError, RuntimeError):
    """An operation on many structures stopped at one that failed; those before it are done.

    Attributes
    ----------
    failure
        What is known of it.
    done
        What came out before it.
    left
        It, and what comes after it.
    """

    def __init__(self, message: str, failure: Failure, done: ConfigSet, left: Any) -> None:
        super().__init__(message)
        self.failure, self.done, self.left = failure, done, left

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.failure, self.done, self.left)


class JobTimeoutError(AdatomError, TimeoutError):
    """A job that was stopped because it reached its ``timeout``."""


class WorkerDiedError(AdatomError, RuntimeError):
    """The process that ran a job ended before the job did."""


class JobFailure(AdatomError, RuntimeError):
    """One job did not succeed.

    Attributes
    ----------
    failure
        Which job, where its files are, and why.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        return self.failure.describe()


class FlowFailure(AdatomError, RuntimeError):
    """A flow ended with failed jobs, after all that could be finished was.

    Attributes
    ----------
    name
        The flow.
    failures
        Every job that failed, and then every job that was skipped because of one.
    value
        What the flow would have returned: results, and a `Failure` in each place that has none.
    """

    def __init__(self, name: str, failures: list[Failure], value: Any = None) -> None:
        super().__init__(name, failures)  # not `value`, which may be long where an exception is shown
        self.name, self.failures, self.value = name, failures, value

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.failures, self.value)

    def __str__(self) -> str:
        failed = [f for f in self.failures if f.skipped_because is None]
        skipped = [f for f in self.failures if f.skipped_because is not None]
        head = f"{self.name}: {len(failed)} failed, {len(skipped)} skipped."
        return "\n".join([head, *(f.describe() for f in failed), *(f.describe(short=True) for f in skipped)])


def format_traceback(error: BaseException) -> str:
    """An exception's traceback from the user's function on, without the frames of adatom that called it.

    Parameters
    ----------
    error
        The exception.
    """
    frames = first = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename.startswith(_CALLERS):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames or first))
