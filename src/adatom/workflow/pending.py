"""The jobs of a flow that have not ended."""

from __future__ import annotations

import threading
from collections.abc import Callable

from adatom.workflow.turns import take_turns

__all__ = ["Pending"]


class Pending:
    """Count of the jobs and flows of one flow that have not ended.

    Attributes
    ----------
    error
        Exception that a callback raised, so that some jobs may never end; None if there is none.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self._count = 0
        self._change = threading.Condition()
        self._then: Callable[[], None] | None = None

    def add(self) -> None:
        """Count one more."""
        with self._change:
            self._count += 1

    def remove(self) -> None:
        """Count one less, and call the function that waits for the last."""
        with self._change:
            self._count -= 1
            then = None
            if not self._count:
                then, self._then = self._then, None
            self._change.notify_all()
        if then:
            then()

    def when_none(self, function: Callable[[], None]) -> None:
        """Call a function, once, when all have ended.

        Parameters
        ----------
        function
            Function to call at once if all have ended.
        """
        with self._change:
            if self._count:
                self._then = function
                return
        function()

    def fail(self, error: Exception) -> None:
        """End the wait with an exception.

        Parameters
        ----------
        error
            Exception that a callback raised. The first counts.
        """
        with self._change:
            self.error = self.error or error
            self._change.notify_all()

    def wait(self) -> None:
        """Wait until all have ended.

        Raises
        ------
        Exception
            The exception that a callback raised.
        """
        take_turns(lambda: not self._count)
        with self._change:
            while self._count and not self.error:
                self._change.wait()
        if self.error:
            raise self.error
