"""Outputs of an operation in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom.configs.configset import ConfigSet
from adatom.configs.operation import Shape
from adatom.configs.tree import Shapes, regroup

__all__ = ["Memory"]


class Memory:
    """Outputs of an operation in memory, with the methods of `adatom.configs.output_file.OutputFile`.

    Attributes
    ----------
    shapes
        Shapes of the outputs of the items that are done.
    failed
        Cause of failure of each failed item, by number.
    """

    text_kwargs = check = None
    names_groups = False

    def __init__(self) -> None:
        self._structures: list[Atoms] = []
        self.shapes = Shapes()
        self.failed: dict[int, str] = {}

    @property
    def count(self) -> int:
        """Number of items that are done."""
        return len(self.shapes)

    def is_made_of(self, inputs: Any) -> bool:
        """Return False, as nothing is remembered from earlier runs."""
        return False

    def unfinished(self, items: Iterator[tuple[Any, bytes]]) -> Iterator[tuple[Any, bytes]]:
        """Return all items, as none of them is done."""
        return items

    def write(
        self, digests: Sequence[bytes], shapes: Sequence[Shape], output: Sequence[Any], failed: Mapping[int, str]
    ) -> None:
        """Add the output of some items, as structures."""
        self._structures += output
        self.failed |= {self.count + place: why for place, why in failed.items()}
        self.shapes.add(shapes)

    def finish(self, tokens: list[int | str], inputs: Any) -> ConfigSet:
        """Return the outputs in their groups."""
        return self.so_far(tokens)

    def so_far(self, tokens: list[int | str]) -> ConfigSet:
        """Return the outputs that are done, in their groups."""
        return regroup(tokens, self.shapes, lambda numbers: self._structures[numbers.start : numbers.stop])

    def close(self) -> None:
        """Do nothing, as there is no file to close."""
