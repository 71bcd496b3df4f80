"""Pauses of Python's garbage collector while very many objects are made."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

__all__ = ["collector_paused", "made_in_runs"]

T = TypeVar("T")


def made_in_runs(items: Iterable[T], length: int) -> Iterator[T]:
    """Yield items that an iterable makes, several ahead, with the garbage collector paused while they are made.

    Parameters
    ----------
    items
        Iterable that makes the items.
    length
        Number of items that are made at a time.
    """
    left = iter(items)
    while True:
        with collector_paused():
            made = list(islice(left, length))
        if not made:
            return
        yield from made


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector in the block, which is to be short.

    Otherwise Python visits all objects again and again while more objects are made, though none of these is garbage; if
    all structures of a file are kept, the visits take as long as making the structures.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
