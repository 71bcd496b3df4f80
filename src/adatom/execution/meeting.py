"""Calls that run side by side in one task, and are answered together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from adatom.errors import IncompleteError

__all__ = ["Meeting"]

logger = logging.getLogger(__name__)

# Seconds without a further question after which those who asked are answered without the others. One of these may be
# busy elsewhere, or wait for something that one of the first has: two calls in place of one cost less than no end.
_PATIENCE = 0.1


class Meeting:
    """Place where threads that run the same calculations wait for one another, so that one call answers all of them.

    Parameters
    ----------
    present
        Number of threads that take part.
    """

    def __init__(self, present: int) -> None:
        self._present = present
        self._asked: list[_Question] = []
        self._count = 0
        self._changed = threading.Condition()
        self._ended = False

    def ask(self, kind: Hashable, answer: Callable[[list[Any]], Sequence[Any]], item: Any) -> Any:
        """Return the answer for an item, computed together with what the other threads ask meanwhile.

        Parameters
        ----------
        kind
            Kind of the question: items of equal kinds are answered in one call.
        answer
            Function that returns the answers for a list of items; that of any thread that asks the same kind is called.
        item
            Item of this thread.

        Returns
        -------
        Any
            Answer for the item; None if the function raised, which one item can be the cause of.

        Raises
        ------
        IncompleteError
            The meeting has ended.
        """
        question = _Question(kind, answer, item)
        with self._changed:
            self._asked.append(question)
            self._count += 1
            self._tell_if_all_have_asked()
            before = -1
            while not (question.answered or self._all_have_asked() or before == self._count):
                before = self._count
                self._changed.wait(_PATIENCE)
            if not question.answered:
                asked, self._asked = self._asked, []
                if not self._ended:
                    _answer(asked)
                self._changed.notify_all()
            if self._ended:
                raise IncompleteError("The calls that ran side by side were interrupted. Run the flow again.")
        return question.found

    def leave(self) -> None:
        """Wait no longer for the thread that calls this method."""
        with self._changed:
            self._present -= 1
            self._tell_if_all_have_asked()

    def end(self) -> None:
        """Answer no further question: each thread that asks one gets an exception."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _all_have_asked(self) -> bool:
        return self._ended or len(self._asked) >= self._present

    def _tell_if_all_have_asked(self) -> None:
        if self._all_have_asked():
            self._changed.notify_all()


class _Question:
    def __init__(self, kind: Hashable, answer: Callable[[list[Any]], Sequence[Any]], item: Any) -> None:
        self.kind, self.answer, self.item = kind, answer, item
        self.found: Any = None
        self.answered = False


def _answer(asked: list[_Question]) -> None:
    kinds: dict[Hashable, list[_Question]] = {}
    for question in asked:
        kinds.setdefault(question.kind, []).append(question)
    for alike in kinds.values():
        try:
            found = alike[0].answer([question.item for question in alike])
        except Exception as error:  # it may be the fault of one item, whose call will say so
            logger.warning("%d items are computed one by one: %s: %s", len(alike), type(error).__name__, error)
            found = [None] * len(alike)
        for question, one in zip(alike, found, strict=True):
            question.found, question.answered = one, True
