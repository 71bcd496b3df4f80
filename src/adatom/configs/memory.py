"""What an operation gives, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom.configs.configset import ConfigSet
from adatom.configs.operation import Shape
from adatom.configs.tree import Shapes, regroup

__all__ = ["Memory"]


class Memory:
    """Takes what an operation gives as `adatom.configs.output_file.OutputFile` does, and keeps it.

    Attributes
    ----------
    shapes
        Of the items that are done.
    failed
        Why, of those that failed, by number.
    """

    remembers = False
    text_kwargs = None

    def __init__(self) -> None:
        self._structures: list[Atoms] = []
        self.shapes = Shapes()
        self.failed: dict[int, str] = {}

    @property
    def count(self) -> int:
        """Items that are done."""
        return len(self.shapes)

    def is_made_of(self, inputs: Any) -> bool:
        """Never: nothing is remembered."""
        return False

    def unfinished(self, items: Iterator[tuple[Any, bytes]]) -> Iterator[tuple[Any, bytes]]:
        """All of them."""
        return items

    def write(
        self, fingerprints: Sequence[bytes], shapes: Sequence[Shape], output: Sequence[Any], failed: Mapping[int, str]
    ) -> None:
        """Add what came of some items: structures."""
        self._structures += output
        self.failed |= {self.count + place: why for place, why in failed.items()}
        self.shapes.add(shapes)

    def finish(self, tokens: list[int | str], inputs: Any) -> ConfigSet:
        """What came out."""
        return self.so_far(tokens)

    def so_far(self, tokens: list[int | str]) -> ConfigSet:
        """What came out."""
        return regroup(tokens, self.shapes, lambda numbers: self._structures[numbers.start : numbers.stop])

    def close(self) -> None:
        """There is nothing to close."""
