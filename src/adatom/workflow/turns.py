"""Callbacks that follow from one another, run one after the other instead of one inside the other.

A job that ends starts those that wait for it. Where these end at once, as they are found in the cache, skipped, or run
in this process, a chain of jobs would need a stack as deep as the chain is long.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

__all__ = ["in_turn", "take_turns"]


class _Turns(threading.local):
    def __init__(self) -> None:
        self.waiting: deque[Callable[[], None]] = deque()
        self.running = False


_turns = _Turns()


def in_turn(function: Callable[[], None]) -> None:
    """Call a function now or, inside of another such call of this thread, after that one.

    Parameters
    ----------
    function
        Function that raises nothing.
    """
    turns = _turns
    turns.waiting.append(function)
    if not turns.running:
        turns.running = True
        try:
            while turns.waiting:
                turns.waiting.popleft()()
        finally:
            turns.running = False


def take_turns(enough: Callable[[], bool]) -> None:
    """Call the functions that wait in this thread, until none is left or a condition holds: before this thread waits.

    Parameters
    ----------
    enough
        Function that returns whether the condition holds.
    """
    waiting = _turns.waiting
    while waiting and not enough():
        waiting.popleft()()
