"""The items of a batch one by one, after a worker ended that had them: so that only the guilty one fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adatom.configs.columns import pack, unpack
from adatom.configs.part import Part

__all__ = ["IsolatedItems"]

DEATHS = 3  # of workers that had begun with an item, until it is to blame
ENDS = 10  # of workers that it was given to, whether or not they had begun


class IsolatedItems:
    """What became of each item.

    Parameters
    ----------
    items
        The items.
    marks
        For each a file, which a worker makes when it begins.

    Attributes
    ----------
    left
        How many have not come to their end.
    ends
        How many workers ended that had an item.
    """

    def __init__(self, items: Sequence[Any], marks: Sequence[Path]) -> None:
        self.items, self._marks, self.left = items, marks, len(items)
        self._parts: list[Part | None] = [None] * len(items)
        self._deaths, self.ends = [0] * len(items), [0] * len(items)
        marks[0].parent.mkdir(parents=True, exist_ok=True)

    def mark(self, place: int) -> str:
        """The file for an item.

        Parameters
        ----------
        place
            Of the item.
        """
        return str(self._marks[place])

    def end(self, place: int, part: Part | None) -> None:
        """An item has come to its end.

        Parameters
        ----------
        place
            Of the item.
        part
            What came of it; None: there was no time for it.
        """
        self._marks[place].unlink(missing_ok=True)
        self._parts[place] = part
        self.left -= 1

    def worker_ended(self, place: int) -> bool:
        """Note that a worker ended that had an item, and say whether that is to blame.

        Parameters
        ----------
        place
            Of the item.
        """
        self.ends[place] += 1
        if self._marks[place].exists():
            self._marks[place].unlink()
            self._deaths[place] += 1
        return self._deaths[place] >= DEATHS or self.ends[place] >= ENDS

    def was_begun(self, place: int) -> bool:
        """Whether a worker that ended had begun with an item.

        Parameters
        ----------
        place
            Of the item.
        """
        return self._deaths[place] > 0

    def whole(self) -> Part | None:
        """What came of all of them; None: there was no time for some."""
        parts = [part for part in self._parts if part is not None]
        return _joined(parts) if len(parts) == len(self._parts) else None

    def forget(self) -> None:
        """Remove what may be left of the files."""
        for mark in self._marks:
            mark.unlink(missing_ok=True)


def _joined(parts: Sequence[Part]) -> Part:
    """The parts of one item each, as one."""
    shapes = [part.shapes[0] for part in parts]
    failures = {place: part.failures[0] for place, part in enumerate(parts) if part.failures}
    if isinstance(parts[0].output, list):
        return Part(shapes, [text for part in parts for text in part.output if isinstance(text, bytes)], failures)
    return Part(shapes, pack([atoms for part in parts for atoms in unpack(part.output)]), failures)  # type: ignore[arg-type]
