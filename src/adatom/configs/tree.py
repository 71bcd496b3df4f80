"""Groups of a stream: recorded while the items are read, and restored for the outputs."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from adatom.configs.configset import ConfigSet
from adatom.configs.operation import Shape

__all__ = ["Shapes", "Tree", "regroup"]

OPEN, CLOSE = "(", ")"

_ONE = -1  # stands for None in the array


class Shapes:
    """Shapes of the outputs of a stream, in four bytes for each item, as there may be millions.

    Attributes
    ----------
    structures
        Number of structures in the outputs of all items.
    plain
        True if no item became a group.
    """

    def __init__(self) -> None:
        self._known = array("i")
        self.structures = 0
        self.plain = True

    def add(self, shapes: Iterable[Shape]) -> None:
        """Add the shapes of the next items.

        Parameters
        ----------
        shapes
            Shape of each item's output.
        """
        for shape in shapes:
            self._known.append(_ONE if shape is None else shape)
            self.structures += 1 if shape is None else shape
            if shape:
                self.plain = False

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Shape]:
        return (None if shape == _ONE else shape for shape in self._known)


class Tree:
    """Groups of the items of a stream.

    Attributes
    ----------
    tokens
        Numbers of consecutive items, and the marks ``"("`` and ``")"`` at the begin and end of groups.
    """

    def __init__(self) -> None:
        self.tokens: list[int | str] = []

    def watch(self, inputs: Any) -> Iterator[Any]:
        """Yield the items of a set or of any iterable in order, and record their groups.

        Parameters
        ----------
        inputs
            A `ConfigSet`, or any other iterable, which has no groups.
        """
        for part in inputs.groups() if isinstance(inputs, ConfigSet) else inputs:
            if isinstance(part, ConfigSet) and isinstance(inputs, ConfigSet):
                self.tokens.append(OPEN)
                yield from self.watch(part)
                self.tokens.append(CLOSE)
            else:
                if self.tokens and isinstance(self.tokens[-1], int):
                    self.tokens[-1] += 1
                else:
                    self.tokens.append(1)
                yield list(part) if isinstance(part, ConfigSet) else part


def regroup(tokens: list[int | str], shapes: Shapes, leaves: Callable[[range], list[Any]]) -> ConfigSet:
    """Return a set of the outputs, in the groups of the inputs.

    Parameters
    ----------
    tokens
        Groups of the items, as a `Tree` records them.
    shapes
        Shapes of the outputs of the items that are done.
    leaves
        Function that returns parts of a `ConfigSet` for a range of numbers of output structures.
    """
    stack = [ConfigSet()]
    left, start, end = iter(shapes), 0, 0

    def put_down() -> None:
        nonlocal start
        if end > start:
            stack[-1]._parts += leaves(range(start, end))
        start = end

    for token in tokens:
        if token == OPEN:
            stack.append(ConfigSet())
        elif token == CLOSE:
            group = stack.pop()
            stack[-1]._parts.append(group)
        elif isinstance(token, int):
            for shape in islice(left, token):
                if shape is None:
                    end += 1
                elif shape:
                    put_down()
                    end += shape
                    group = ConfigSet()
                    group._parts += leaves(range(start, end))
                    stack[-1]._parts.append(group)
                    start = end
            put_down()
    while len(stack) > 1:  # the outputs end inside a group
        group = stack.pop()
        stack[-1]._parts.append(group)
    return stack[0]
