"""A function that is called, and what it prints."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adatom.execution.failure import Failure
from adatom.execution.needs import needs_said, with_needs
from adatom.execution.worker import settled

__all__ = ["Said", "call_and_listen"]


@dataclass(frozen=True)
class Said:
    """The value or failure of a function, and its printed text.

    Attributes
    ----------
    value
        Value of the function.
    failure
        Failure of the function; None: it has returned.
    stdout, stderr
        Text that it printed.
    """

    value: Any
    failure: Failure | None
    stdout: str
    stderr: str


@with_needs(lambda name, directory, function, args, kwargs: [function, *needs_said(function, args, kwargs)])
def call_and_listen(name: str, directory: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Said:
    """Call a function in a worker process, and return what it returned and printed.

    Parameters
    ----------
    name
        Name of the function.
    directory
        Working directory of the caller, in which relative paths are.
    function, args, kwargs
        Function with its arguments.
    """
    value, failure = None, None
    with _listening() as heard:
        try:
            value = settled(function(*args, **kwargs))
        except (Exception, SystemExit) as error:
            failure = Failure.of(error, name, None)
    return Said(value, failure, *heard)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Yield a list that holds, after the block, what this process and its programs have printed in it."""
    heard: list[str] = []
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        kept = [os.dup(1), os.dup(2)]
        _flush()
        try:
            for number, file in ((1, out), (2, err)):
                os.dup2(file.fileno(), number)
            yield heard
        finally:
            _flush()
            for number, before in zip((1, 2), kept, strict=True):
                os.dup2(before, number)
                os.close(before)
            for file in (out, err):
                file.seek(0)
                heard.append(file.read().decode(errors="replace"))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the function may have closed it
            pass
