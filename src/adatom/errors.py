"""Exceptions that adatom raises on purpose.

::

    AdatomError
    ├── InputError (ValueError)          bad input, found before anything is computed
    │   ├── SettingsError                a setting: unknown key, wrong type, unreadable file
    │   ├── UnknownNameError             a name that is not among the valid ones
    │   └── ArgumentsError (TypeError)   arguments that do not fit a job or flow
    ├── MissingExtraError (ImportError)  a package that an extra of adatom brings
    ├── StorageError (OSError)           a directory or file that cannot be written
    ├── EngineError (RuntimeError)       an engine that cannot be reached, or cannot do what was asked
    ├── SchedulerError (RuntimeError)    a batch scheduler that does not answer, or refuses a job
    │   └── BatchJobError                a batch job that did not succeed; ``.result`` describes it
    ├── ConvergenceError (RuntimeError)  a calculation that ended without converging
    ├── AnalysisError (RuntimeError)     results that do not determine a property
    ├── ProgramError (RuntimeError)      a program that failed, or whose output is not whole
    ├── IncompleteError (RuntimeError)   a calculation that stopped before its end, because its time was over
    │   └── UnfinishedError              the same for an operation on many structures; ``.done``, ``.left``
    ├── ItemError (RuntimeError)         an operation on many structures that stopped at one; ``.done``, ``.left``
    ├── JobTimeoutError (TimeoutError)   a job that was stopped at its ``timeout``
    ├── WorkerDiedError (RuntimeError)   a job whose worker ended before the job did
    ├── JobFailure (RuntimeError)        a job that did not succeed; ``.failure`` describes it
    └── FlowFailure (RuntimeError)       a flow with failed jobs; ``.failures`` lists them

Every part of adatom imports this module, which imports none of them but a table of names. So the objects that errors
carry are annotated as Any, and the docstrings name their types.
"""

from __future__ import annotations

import difflib
import os
import traceback
from collections.abc import Iterable
from typing import Any

from adatom.foreign_names import FOREIGN_NAMES

__all__ = [
    "AdatomError",
    "AnalysisError",
    "ArgumentsError",
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
    """Base class of every exception that adatom raises on purpose."""


class InputError(AdatomError, ValueError):
    """Bad input, found before anything is computed."""


class SettingsError(InputError):
    """A setting that is unknown, of a wrong type, or in a file that cannot be read."""


class UnknownNameError(InputError):
    """A name that is not among the valid ones. The message lists these, and suggests the nearest.

    A name of another package for the same thing, as `adatom.foreign_names` lists them, is answered with the name here.

    Parameters
    ----------
    what
        Kind of thing that has the name, such as ``"optimizer"``.
    name
        Name that the user gave.
    valid
        Names that would have been right.
    hint
        Further advice at the end of the message; empty if there is none.

    Attributes
    ----------
    suggests
        Whether the message suggests something in the place of the name.
    """

    def __init__(self, what: str, name: object, valid: Iterable[str], hint: str = "") -> None:
        self.what, self.name, self.valid, self.hint = what, name, sorted(valid), hint
        meant, sentence = _meant(getattr(name, "__name__", str(name)), self.valid)  # of a class
        self.suggests = bool(meant or sentence)
        parts = [f"Unknown {what} {name!r}."]
        if meant:
            *first, last = map(repr, meant)
            parts.append(f"Did you mean {', '.join(first)}{' or ' if first else ''}{last}?")
        parts.append(f"Valid: {', '.join(self.valid) or 'none'}.")
        super().__init__(" ".join([*parts, *filter(None, (sentence, hint))]))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.what, self.name, self.valid, self.hint)


def _meant(name: str, valid: list[str]) -> tuple[list[str], str]:
    """Return the valid names that a wrong one may stand for, and a sentence on what is here in its place."""
    here, sentence = FOREIGN_NAMES.get(_bare(name), ((), ""))
    found = [known for word in here for known in valid if _bare(known) == word]
    same = [known for known in found if known.rpartition(".")[0] == name.rpartition(".")[0]]  # recipes of one code
    if found or sentence:
        return same or found, sentence
    folded = {known.lower(): known for known in valid}
    return [folded[near] for near in difflib.get_close_matches(name.lower(), folded, n=1)], ""


def _bare(name: str) -> str:
    """Return a name in lower case, without the prefix of a variable or the code of a recipe."""
    return name.lower().removeprefix("adatom_").rpartition(".")[2]


class ArgumentsError(InputError, TypeError):
    """Arguments that do not fit the function of a job or flow."""


class MissingExtraError(AdatomError, ImportError):
    """A package that an extra of adatom brings is not installed.

    Parameters
    ----------
    package
        Name of the package that could not be imported.
    extra
        Extra of adatom that installs the package. None: no extra does.
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
        Name of the job, its outcome, and the directory of its files.
    result
        `adatom.machines.BatchResult` of the job, with its outcome and files.
    """

    def __init__(self, message: str, result: Any) -> None:
        self.result = result
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.result)


class ConvergenceError(AdatomError, RuntimeError):
    """A calculation that ended without converging."""


class AnalysisError(AdatomError, RuntimeError):
    """Results that do not determine a property."""


class ProgramError(AdatomError, RuntimeError):
    """A program that failed, or whose output is not whole; the message ends with its last words."""


class IncompleteError(AdatomError, RuntimeError):
    """A calculation that stopped between two steps because its time was over; another run continues it.

    The message says how many steps are done, and why the calculation stopped. The run directory is kept, as for every
    run that fails, and holds the checkpoint that the next run starts from.
    """


class UnfinishedError(IncompleteError):
    """An operation on many structures that stopped because its time was over; another run continues it.

    Attributes
    ----------
    done
        `adatom.configs.ConfigSet` of the structures that the operation has written so far.
    left
        Input structures that the operation has not worked on.
    """

    def __init__(self, message: str, done: Any, left: Any) -> None:
        super().__init__(message)
        self.done, self.left = done, left

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.done, self.left)


class ItemError(AdatomError, RuntimeError):
    """An operation on many structures that stopped at one that failed; the structures before that one are done.

    Attributes
    ----------
    failure
        `adatom.Failure` of the structure that the operation stopped at.
    done
        `adatom.configs.ConfigSet` of the structures that the operation has written before the failure.
    left
        Input structures from the failed one on.
    """

    def __init__(self, message: str, failure: Any, done: Any, left: Any) -> None:
        super().__init__(message)
        self.failure, self.done, self.left = failure, done, left

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.failure, self.done, self.left)


class JobTimeoutError(AdatomError, TimeoutError):
    """A job that was stopped because it reached its ``timeout``."""


class WorkerDiedError(AdatomError, RuntimeError):
    """A job whose worker process ended before the job did."""


class JobFailure(AdatomError, RuntimeError):
    """A job that did not succeed.

    Attributes
    ----------
    failure
        `adatom.Failure` of the job, with its name, run directory and cause.
    """

    def __init__(self, failure: Any) -> None:
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        return self.failure.describe()


class FlowFailure(AdatomError, RuntimeError):
    """A flow that ended with failed jobs, after every job that could run had ended.

    Attributes
    ----------
    name
        Name of the flow, as the message shows it.
    failures
        List of `adatom.Failure`: the jobs that failed, and then the jobs that were skipped because of those.
    value
        Return value of the flow, with a `Failure` in the place of each result that is missing.
    """

    def __init__(self, name: str, failures: list[Any], value: Any = None) -> None:
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
    """Return the traceback of an exception from the user's function on, without the frames of adatom above it.

    Parameters
    ----------
    error
        Exception that was raised in the user's function.
    """
    frames = first = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename.startswith(_CALLERS):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames or first))
