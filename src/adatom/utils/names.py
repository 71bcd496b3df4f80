"""Readable names that nothing else has."""

from __future__ import annotations

import os
import random
import re
import time

__all__ = ["new_id", "stamp", "unique_name"]


def stamp() -> str:
    """The time now, as it stands in names of directories."""
    return time.strftime("%Y%m%d-%H%M%S")


def new_id() -> str:
    """Twelve random characters that nothing else has."""
    return f"{_random.getrandbits(48):012x}"


def unique_name(*parts: str, identity: str | None = None) -> str:
    """A readable name that no other run has: the parts, joined, and twelve random characters.

    Parameters
    ----------
    *parts
        What a reader wants to see; what a file name cannot hold is replaced.
    identity
        The characters, as `new_id` gives them.
    """
    readable = re.sub(r"[^\w.+=-]+", "_", "-".join(part for part in parts if part))
    if not readable.isascii():  # a file system counts bytes
        readable = readable.encode()[:100].decode(errors="ignore")
    return f"{readable[:100]}-{identity or new_id()}"


# Its own, which the user's `random.seed` leaves alone. Asking the system for each name costs ten times more.
_random = random.Random()
os.register_at_fork(after_in_child=_random.seed)
