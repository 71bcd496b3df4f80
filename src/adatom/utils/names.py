"""Readable, unique names."""

from __future__ import annotations

import os
import random
import re
import time

__all__ = ["new_id", "stamp", "unique_name"]


def stamp() -> str:
    """Return the current time as it stands in names of directories."""
    return time.strftime("%Y%m%d-%H%M%S")


def new_id() -> str:
    """Return twelve random hexadecimal digits, which no other name has."""
    return f"{_random.getrandbits(48):012x}"


def unique_name(*parts: str, identity: str | None = None) -> str:
    """Return a readable name that no other run has: the joined parts, and twelve random characters.

    Parameters
    ----------
    *parts
        Words for the reader. Characters that a file name cannot hold are replaced.
    identity
        Characters that make the name unique, as `new_id` returns them. None: new ones.
    """
    readable = re.sub(r"[^\w.+=-]+", "_", "-".join(filter(None, parts)))
    if not readable.isascii():  # a file system limits the number of bytes
        readable = readable.encode()[:100].decode(errors="ignore")
    return f"{readable[:100]}-{identity or new_id()}"


# A separate generator ignores the user's `random.seed`. Asking the system for each name costs ten times more.
_random = random.Random()
os.register_at_fork(after_in_child=_random.seed)
