"""The groups of a stream: told while it goes by, and made again of what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adatom.configs.configset import ConfigSet

__all__ = ["Tree", "regroup"]

OPEN, CLOSE = "(", ")"


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


def regroup(
    tokens: list[int | str], shapes: Mapping[int, int], items: int, leaves: Callable[[range], list[Any]]
) -> ConfigSet:
    """A set of what came out, in the groups of what went in.

    Parameters
    ----------
    tokens
        Of the `Tree`.
    shapes
        Of the items that did not become one structure each, by number.
    items
        How many of the items are done.
    leaves
        Gives parts of a `ConfigSet` for structures by number.
    """
    stack = [ConfigSet()]
    item = structure = 0
    for token in tokens:
        if token == OPEN:
            stack.append(ConfigSet())
        elif token == CLOSE:
            group = stack.pop()
            stack[-1]._parts.append(group)
        elif isinstance(token, int):
            end = min(item + token, items)
            start = structure
            while item < end:
                shape = shapes.get(item)
                if shape is None:
                    structure += 1
                else:
                    stack[-1]._parts += leaves(range(start, structure)) if structure > start else []
                    group = ConfigSet()
                    group._parts += leaves(range(structure, structure + shape)) if shape else []
                    if shape:
                        stack[-1]._parts.append(group)
                    structure += shape
                    start = structure
                item += 1
            stack[-1]._parts += leaves(range(start, structure)) if structure > start else []
    while len(stack) > 1:  # it was cut inside a group
        group = stack.pop()
        stack[-1]._parts.append(group)
    return stack[0]
