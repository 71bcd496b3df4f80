"""The groups of a stream: told while it goes by, and made again of what comes out."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from adatom.configs.configset import ConfigSet
from adatom.configs.operation import Shape

__all__ = ["Shapes", "Tree", "regroup"]

OPEN, CLOSE = "(", ")"

_ONE = -1  # in place of None


class Shapes:
    """What the items of a stream became, in four bytes each: there may be millions.

    Attributes
    ----------
    structures
        How many came of all items.
    plain
        Whether none became a group.
    """

    def __init__(self) -> None:
        self._known = array("i")
        self.structures = 0
        self.plain = True

    def add(self, shapes: Iterable[Shape]) -> None:
        """Add those of the next items.

        Parameters
        ----------
        shapes
            Of each.
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
    """What groups the items of a stream are in.

    Attributes
    ----------
    tokens
        How many items follow one another, and where groups begin and end.
    """

    def __init__(self) -> None:
        self.tokens: list[int | str] = []

    def watch(self, inputs: Any) -> Iterator[Any]:
        """The items of a set or of any iterable, in order; their groups are noted on the way.

        Parameters
        ----------
        inputs
            The set, or the iterable, which has no groups.
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
    """A set of what came out, in the groups of what went in.

    Parameters
    ----------
    tokens
        Of the `Tree`.
    shapes
        Of the items that are done.
    leaves
        Gives parts of a `ConfigSet` for structures by number.
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
    while len(stack) > 1:  # it was cut inside a group
        group = stack.pop()
        stack[-1]._parts.append(group)
    return stack[0]
