"""Keys of jobs and the store of their results, independent of atoms and engines."""

from typing import Final

__all__ = ["MISS"]


class _Miss:
    def __repr__(self) -> str:
        return "MISS"


MISS: Final = _Miss()
"""Answer of the store for a key without a result; None will not do, as a job may return it."""
