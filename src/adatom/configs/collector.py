"""Python's collector of garbage, while very many objects are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_paused"]


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
