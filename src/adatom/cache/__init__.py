"""What a job's key is, what is stored under it, and the journal of all jobs; knows nothing of atoms or engines."""

from typing import Final

__all__ = ["MISS"]


class _Miss:
    def __repr__(self) -> str:
        return "MISS"


MISS: Final = _Miss()
"""What the store gives where it holds nothing: a result may be None."""
