"""Python's collector of garbage, while very many objects are made."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

__all__ = ["collector_paused", "made_in_runs"]

T = TypeVar("T")


def made_in_runs(items: Iterable[T], length: int) -> Iterator[T]:
    """Items that are made when they are asked for, some ahead; the collector is paused while they are.

    Parameters
    ----------
    items
        What makes them.
    length
        How many are made at a time.
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
    """Look for no garbage in the block, which is to be short.

    Else Python goes through all objects again and again while more of them are made, though none of these is garbage;
    where all structures of a file are kept, that takes as long as making them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
